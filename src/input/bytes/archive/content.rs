//! The data of an archive's member, unpacked while it is read.

use std::io::{self, Read, Take};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::CompressionMethod;

/// The unpacked content of a member, without limits on its size.
pub(crate) struct Content<R> {
    unpacked: CrcReader<Unpacked<R>>,
    /// The checksum that the archive states.
    crc: u32,
}

enum Unpacked<R> {
    Stored(Take<R>),
    Deflated(Box<DeflateDecoder<Take<R>>>),
}

/// The methods that can be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Stored,
    Deflated,
}

impl Method {
    /// Returns the method, if it can be unpacked.
    pub(crate) fn of(method: CompressionMethod) -> Option<Method> {
        match method {
            CompressionMethod::Stored => Some(Method::Stored),
            CompressionMethod::Deflated => Some(Method::Deflated),
            _ => None,
        }
    }
}

impl<R: Read> Content<R> {
    /// Returns a reader of the content. `packed` has exactly the data of the member, whose checksum
    /// is to be `crc`.
    pub(crate) fn new(packed: Take<R>, method: Method, crc: u32) -> Content<R> {
        let unpacked = match method {
            Method::Stored => Unpacked::Stored(packed),
            Method::Deflated => Unpacked::Deflated(Box::new(DeflateDecoder::new(packed))),
        };
        Content {
            unpacked: CrcReader::new(unpacked),
            crc,
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Stored(content) => content.read(into),
            Unpacked::Deflated(content) => content.read(into),
        }
    }
}

impl<R: Read> Read for Content<R> {
    /// Fails at the end of content that does not have the checksum.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.unpacked.read(into)?;
        if count == 0 && !into.is_empty() && self.unpacked.crc().sum() != self.crc {
            return Err(io::Error::other("its checksum is wrong"));
        }
        Ok(count)
    }
}
