//! Compressed inputs: gzip, Zstandard, xz and bzip2, known by their first bytes, unpacked while they stream in, within bounds.
//!
//! All members of a gzip file (RFC 1952 §2.2), all frames of a Zstandard file (RFC 8878 §3) and all streams of the others count:
//! exports that were appended to one another have several, and a reader that stops after the first loses the rest in silence.
//! Only what is no data may stand beside them: skippable frames of Zstandard, and zeros that fill up the file (tapes and some
//! object stores add them behind gzip; xz has padding of its own, in fours).

use std::io::{self, BufRead as _, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;
use zstd::Decoder as ZstdDecoder;

use crate::input::bytes::ByteStream;
use crate::input::bytes::compression::Compression;
use crate::input::bytes::stream_fault::StreamFault;

/// The largest window of a Zstandard frame, as a power of two: 32 MiB. The window has to be held in memory.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;
/// What a block of xz may need, in KiB: a dictionary of 64 MiB, the largest that `xz -9` makes, and the decoder beside it. The
/// dictionary has to be held in memory.
const XZ_MEMORY_KIB_MAX: u32 = (64 << 10) + 256;

/// How much may come out of a compressed input. Rows of customers come to a few times their compressed size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecompressionLimits {
    /// The most bytes that may come out, whatever went in.
    pub(crate) bytes_max: u64,
    /// How many times the size of what went in may come out …
    pub(crate) ratio_max: u64,
    /// … once this many bytes have come out.
    pub(crate) ratio_from_bytes: u64,
}

impl Default for DecompressionLimits {
    /// 256 GiB, and 250 times the size after the first 64 MiB: beyond what exports come to, far below what files made to do harm
    /// unpack to (gzip up to 1,032 times, Zstandard much more).
    fn default() -> DecompressionLimits {
        DecompressionLimits {
            bytes_max: 256 << 30,
            ratio_max: 250,
            ratio_from_bytes: 64 << 20,
        }
    }
}

/// What comes out of a compressed input.
pub(crate) struct Decompressor {
    compression: Compression,
    /// The member or frame that is being read; none at the end, and after an error.
    member: Option<Member>,
    limits: DecompressionLimits,
    bytes_out: u64,
}

type Compressed = BufReader<Counted>;

enum Member {
    Gzip(Box<GzDecoder<Compressed>>),
    Zstd(ZstdDecoder<'static, Compressed>),
    Xz(Box<XzReader<Compressed>>),
    Bzip2(Box<BzDecoder<Compressed>>),
}

/// What stands behind a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Member,
    End,
    Other,
}

/// Counts what is read.
struct Counted {
    reader: ByteStream,
    bytes: u64,
}

impl Decompressor {
    /// Unpacks what a reader gives.
    pub(crate) fn new(
        reader: ByteStream,
        compression: Compression,
        limits: DecompressionLimits,
    ) -> io::Result<Decompressor> {
        let packed = BufReader::new(Counted { reader, bytes: 0 });
        Ok(Decompressor {
            compression,
            member: Some(Member::begin(compression, packed)?),
            limits,
            bytes_out: 0,
        })
    }

    /// The next bytes of the member; `Ok(0)` at its end, where there is room for any.
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
            // The system's own error is about the file, not about what is in it.
            _ if error.raw_os_error().is_some() => error,
            io::ErrorKind::UnexpectedEof => StreamFault::CutOff(self.compression).into(),
            io::ErrorKind::OutOfMemory => StreamFault::Dictionary(self.compression).into(),
            _ => StreamFault::Damaged {
                compression: self.compression,
                source: error,
            }
            .into(),
        })
    }

    /// Goes on behind a member that has ended.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        let mut packed = member.into_packed();
        match behind(&mut packed, self.compression)? {
            Behind::End => Ok(()),
            Behind::Other => Err(StreamFault::Trailing(self.compression).into()),
            Behind::Member => {
                self.member = Some(Member::begin(self.compression, packed)?);
                Ok(())
            }
        }
    }

    fn check_limits(&self) -> Result<(), StreamFault> {
        let packed_bytes = self
            .member
            .as_ref()
            .map_or(u64::MAX, |member| member.packed().get_ref().bytes);
        let DecompressionLimits {
            bytes_max,
            ratio_max,
            ratio_from_bytes,
        } = self.limits;
        if self.bytes_out > bytes_max {
            return Err(StreamFault::TooLarge {
                compression: self.compression,
                bytes_max,
            });
        }
        if self.bytes_out > ratio_from_bytes && self.bytes_out / ratio_max > packed_bytes {
            return Err(StreamFault::Bomb {
                compression: self.compression,
                ratio_max,
            });
        }
        Ok(())
    }
}

/// What stands behind a member. Padding is passed over: behind that of gzip nothing more comes, behind that of xz a stream may.
fn behind(packed: &mut Compressed, compression: Compression) -> io::Result<Behind> {
    let mut zeros = 0;
    loop {
        let ahead = match packed.fill_buf() {
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
                packed.consume(count);
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
    fn begin(compression: Compression, packed: Compressed) -> io::Result<Member> {
        Ok(match compression {
            Compression::Gzip => Member::Gzip(Box::new(GzDecoder::new(packed))),
            Compression::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(packed)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Member::Zstd(decoder)
            }
            Compression::Xz => Member::Xz(Box::new(XzReader::new_mem_limit(
                packed,
                false,
                XZ_MEMORY_KIB_MAX,
            ))),
            Compression::Bzip2 => Member::Bzip2(Box::new(BzDecoder::new(packed))),
        })
    }

    fn packed(&self) -> &Compressed {
        match self {
            Member::Gzip(decoder) => decoder.get_ref(),
            Member::Zstd(decoder) => decoder.get_ref(),
            Member::Xz(decoder) => decoder.inner(),
            Member::Bzip2(decoder) => decoder.get_ref(),
        }
    }

    fn into_packed(self) -> Compressed {
        match self {
            Member::Gzip(decoder) => decoder.into_inner(),
            Member::Zstd(decoder) => decoder.finish(),
            Member::Xz(decoder) => decoder.into_inner(),
            Member::Bzip2(decoder) => decoder.into_inner(),
        }
    }
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(into)?;
        self.bytes += u64::try_from(count).unwrap_or(u64::MAX);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
