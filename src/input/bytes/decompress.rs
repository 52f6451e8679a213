//! Decompresses gzip, Zstandard, xz and bzip2 while they stream in, within limits.
//!
//! All members of a gzip file (RFC 1952 §2.2), all frames of a Zstandard file (RFC 8878 §3) and all
//! streams of the others are read. Exports that were appended to one another have several, and a
//! reader that stops after the first silently loses the rest. Besides data, only these are
//! accepted: skippable frames of Zstandard, and zeros that fill up the file (tapes and some object
//! stores add them after gzip; xz has its own padding, in units of four).

use std::io::{self, BufRead as _, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use zstd::Decoder as ZstdDecoder;

use crate::download::DownloadFault;
use crate::input::bytes::ByteStream;
use crate::input::bytes::compression::{Compression, Packed};
use crate::input::bytes::stream_fault::StreamFault;

/// The largest window of a Zstandard frame, as a power of two: 32 MiB. The window is held in
/// memory.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;
/// The memory limit for an xz block, in KiB: a dictionary of 64 MiB, the largest that `xz -9`
/// makes, and the decoder. The dictionary is held in memory.
const XZ_MEMORY_KIB_MAX: u32 = (64 << 10) + 256;

/// Limits on the output of a compressed input. Rows of customers expand to a few times their
/// compressed size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecompressionLimits {
    /// The largest output, in bytes, whatever the size of the input.
    pub(crate) bytes_max: u64,
    /// The largest output as a multiple of the input …
    pub(crate) ratio_max: u64,
    /// … applied once this many bytes have been written.
    pub(crate) ratio_from_bytes: u64,
}

impl Default for DecompressionLimits {
    /// 256 GiB, and 250 times the input after the first 64 MiB. Exports stay far below this;
    /// malicious files expand far beyond it (gzip up to 1,032 times, Zstandard much more).
    fn default() -> DecompressionLimits {
        DecompressionLimits {
            bytes_max: 256 << 30,
            ratio_max: 250,
            ratio_from_bytes: 64 << 20,
        }
    }
}

impl DecompressionLimits {
    /// Checks the output so far of this input so far.
    pub(crate) fn check(
        self,
        bytes_out: u64,
        bytes_in: u64,
        packed: Packed,
    ) -> Result<(), StreamFault> {
        let DecompressionLimits {
            bytes_max,
            ratio_max,
            ratio_from_bytes,
        } = self;
        if bytes_out > bytes_max {
            return Err(StreamFault::TooLarge { packed, bytes_max });
        }
        if bytes_out > ratio_from_bytes && bytes_out / ratio_max > bytes_in {
            return Err(StreamFault::Bomb { packed, ratio_max });
        }
        Ok(())
    }
}

/// A reader of the decompressed bytes.
pub(crate) struct Decompressor {
    compression: Compression,
    /// The member or frame that is being read; `None` at the end, and after an error.
    member: Option<Member>,
    limits: DecompressionLimits,
    bytes_out: u64,
}

type Compressed = BufReader<CountedReader>;

enum Member {
    Gzip(Box<GzDecoder<Compressed>>),
    Zstd(ZstdDecoder<'static, Compressed>),
    Xz(Box<XzReader<Compressed>>),
    Bzip2(Box<BzDecoder<Compressed>>),
}

/// The data after a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Member,
    End,
    Other,
}

/// Counts the bytes that are read.
struct CountedReader {
    reader: ByteStream,
    bytes: u64,
}

impl Decompressor {
    /// Returns a reader of the decompressed bytes of `reader`.
    pub(crate) fn new(
        reader: ByteStream,
        compression: Compression,
        limits: DecompressionLimits,
    ) -> io::Result<Decompressor> {
        let compressed = BufReader::new(CountedReader { reader, bytes: 0 });
        Ok(Decompressor {
            compression,
            member: Some(Member::begin(compression, compressed)?),
            limits,
            bytes_out: 0,
        })
    }

    /// Reads the next bytes of the member; `Ok(0)` at its end, if `into` is not empty.
    fn read_member(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else {
            return Ok(0);
        };
        let read = match member {
            Member::Gzip(decoder) => decoder.read(into),
            Member::Zstd(decoder) => decoder.read(into),
            Member::Xz(decoder) => decoder.read(into),
            Member::Bzip2(decoder) => decoder.read(into),
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // An error of the system or of a server concerns the file, not its contents.
            _ if error.raw_os_error().is_some() || is_of_server(&error) => error,
            io::ErrorKind::UnexpectedEof => {
                StreamFault::CutOff(Packed::By(self.compression)).into()
            }
            io::ErrorKind::OutOfMemory => StreamFault::Dictionary(self.compression).into(),
            _ => StreamFault::Damaged {
                packed: Packed::By(self.compression),
                source: error,
            }
            .into(),
        })
    }

    /// Continues after a member that has ended.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        let mut compressed = member.into_compressed();
        match behind(&mut compressed, self.compression)? {
            Behind::End => Ok(()),
            Behind::Other => Err(StreamFault::Trailing(self.compression).into()),
            Behind::Member => {
                self.member = Some(Member::begin(self.compression, compressed)?);
                Ok(())
            }
        }
    }

    fn check_limits(&self) -> Result<(), StreamFault> {
        let compressed_bytes = self
            .member
            .as_ref()
            .map_or(u64::MAX, |member| member.compressed().get_ref().bytes);
        let packed = Packed::By(self.compression);
        self.limits.check(self.bytes_out, compressed_bytes, packed)
    }
}

fn is_of_server(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<DownloadFault>)
}

/// Returns what follows a member. Padding is skipped: nothing may follow that of gzip, but a stream
/// may follow that of xz.
fn behind(compressed: &mut Compressed, compression: Compression) -> io::Result<Behind> {
    let mut zeros = 0;
    loop {
        let ahead = match compressed.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            ahead => ahead?,
        };
        let is_filled = zeros % compression.padding().unwrap_or(1) == 0;
        match ahead {
            [] => {
                return Ok(if is_filled {
                    Behind::End
                } else {
                    Behind::Other
                });
            }
            [0, ..] if compression.padding().is_some() => {
                let count = ahead.iter().take_while(|byte| **byte == 0).count();
                compressed.consume(count);
                zeros += u64::try_from(count).unwrap_or(u64::MAX);
            }
            ahead => {
                let may_follow = zeros == 0 || (compression == Compression::Xz && is_filled);
                let follows = may_follow && compression.goes_on_with(ahead);
                return Ok(if follows {
                    Behind::Member
                } else {
                    Behind::Other
                });
            }
        }
    }
}

impl Read for Decompressor {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.member.is_some() && !into.is_empty() {
            let count = self.read_member(into)?;
            if count > 0 {
                self.bytes_out += u64::try_from(count).unwrap_or(u64::MAX);
                self.check_limits()?;
                return Ok(count);
            }
            self.next_member()?;
        }
        Ok(0)
    }
}

impl Member {
    fn begin(compression: Compression, compressed: Compressed) -> io::Result<Member> {
        Ok(match compression {
            Compression::Gzip => Member::Gzip(Box::new(GzDecoder::new(compressed))),
            Compression::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(compressed)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Member::Zstd(decoder)
            }
            Compression::Xz => Member::Xz(Box::new(XzReader::new_mem_limit(
                compressed,
                false,
                XZ_MEMORY_KIB_MAX,
            ))),
            Compression::Bzip2 => Member::Bzip2(Box::new(BzDecoder::new(compressed))),
        })
    }

    fn compressed(&self) -> &Compressed {
        match self {
            Member::Gzip(decoder) => decoder.get_ref(),
            Member::Zstd(decoder) => decoder.get_ref(),
            Member::Xz(decoder) => decoder.inner(),
            Member::Bzip2(decoder) => decoder.get_ref(),
        }
    }

    fn into_compressed(self) -> Compressed {
        match self {
            Member::Gzip(decoder) => decoder.into_inner(),
            Member::Zstd(decoder) => decoder.finish(),
            Member::Xz(decoder) => decoder.into_inner(),
            Member::Bzip2(decoder) => decoder.into_inner(),
        }
    }
}

impl Read for CountedReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
