//! Compressed inputs: gzip and Zstandard, known by their first bytes, unpacked while they stream in, within bounds.
//!
//! All members of a gzip file (RFC 1952 §2.2) and all frames of a Zstandard file (RFC 8878 §3) count: exports that were
//! appended to one another have several, and a reader that stops after the first loses the rest in silence.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::GzDecoder;
use zstd::Decoder as ZstdDecoder;

use super::error::StreamFault;
use super::stream::ByteStream;

/// The largest window of a Zstandard frame, as a power of two: 32 MiB. The window has to be held in memory.
const ZSTD_WINDOW_LOG_MAX: u32 = 25;

/// How an input is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip (RFC 1952)
    Gzip,
    /// Zstandard (RFC 8878)
    Zstd,
}

/// How much may come out of a compressed input. Rows of customers come to a few times their compressed size.
#[derive(Debug, Clone, Copy)]
pub(super) struct UnpackLimits {
    /// The most bytes that may come out, whatever went in.
    pub(super) bytes_max: u64,
    /// How many times the size of what went in may come out …
    pub(super) ratio_max: u64,
    /// … once this many bytes have come out.
    pub(super) ratio_from_bytes: u64,
}

impl Default for UnpackLimits {
    /// 256 GiB, and 250 times the size after the first 64 MiB: beyond what exports come to, far below what files made to do harm
    /// unpack to (gzip up to 1,032 times, Zstandard much more).
    fn default() -> UnpackLimits {
        UnpackLimits { bytes_max: 256 << 30, ratio_max: 250, ratio_from_bytes: 64 << 20 }
    }
}

/// What comes out of a compressed input.
pub(super) struct Unpacked {
    packing: Packing,
    /// The member or frame that is being read; none at the end, and after an error.
    member: Option<Member>,
    limits: UnpackLimits,
    bytes_out: u64,
}

type Packed = BufReader<Counted>;

enum Member {
    Gzip(Box<GzDecoder<Packed>>),
    Zstd(ZstdDecoder<'static, Packed>),
}

/// Counts what is read.
struct Counted {
    reader: ByteStream,
    bytes: u64,
}

impl Packing {
    /// The compression that bytes beginning so have.
    pub(super) fn of(head: &[u8]) -> Option<Packing> {
        match head {
            [0x1f, 0x8b, ..] => Some(Packing::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// Whether bytes beginning so go on with the same compression. Zstandard files may also hold frames to be skipped.
    fn goes_on_with(self, head: &[u8]) -> bool {
        match (self, head) {
            (Packing::Zstd, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) | (Packing::Gzip, [0x1f]) => true,
            // What is cut off within the first bytes is told by the decoder.
            (Packing::Zstd, head) if head.len() < 4 => [0x28, 0xb5, 0x2f, 0xfd].starts_with(head),
            (packing, head) => Packing::of(head) == Some(packing),
        }
    }
}

impl fmt::Display for Packing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Packing::Gzip => "gzip",
            Packing::Zstd => "zstd",
        })
    }
}

impl Unpacked {
    /// Unpacks what a reader gives.
    pub(super) fn new(reader: ByteStream, packing: Packing, limits: UnpackLimits) -> io::Result<Unpacked> {
        let packed = BufReader::new(Counted { reader, bytes: 0 });
        Ok(Unpacked { packing, member: Some(Member::begin(packing, packed)?), limits, bytes_out: 0 })
    }

    /// The next bytes of the member; `Ok(0)` at its end, where there is room for any.
    fn read_member(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(member) = &mut self.member else { return Ok(0) };
        let read = match member {
            Member::Gzip(decoder) => decoder.read(into),
            Member::Zstd(decoder) => decoder.read(into),
        };
        read.map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            // The system's own error is about the file, not about what is in it.
            _ if error.raw_os_error().is_some() => error,
            io::ErrorKind::UnexpectedEof => StreamFault::CutOff(self.packing).into(),
            _ => StreamFault::Damaged { packing: self.packing, source: error }.into(),
        })
    }

    /// Goes on behind a member that has ended.
    fn next_member(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else { return Ok(()) };
        let mut packed = member.into_packed();
        let ahead = loop {
            match packed.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                ahead => break ahead?,
            }
        };
        if ahead.is_empty() {
            return Ok(());
        }
        if !self.packing.goes_on_with(ahead) {
            return Err(StreamFault::Trailing(self.packing).into());
        }
        self.member = Some(Member::begin(self.packing, packed)?);
        Ok(())
    }

    fn check_limits(&self) -> Result<(), StreamFault> {
        let packed_bytes = self.member.as_ref().map_or(u64::MAX, |member| member.packed().get_ref().bytes);
        let UnpackLimits { bytes_max, ratio_max, ratio_from_bytes } = self.limits;
        if self.bytes_out > bytes_max {
            return Err(StreamFault::TooLarge { packing: self.packing, bytes_max });
        }
        if self.bytes_out > ratio_from_bytes && self.bytes_out / ratio_max > packed_bytes {
            return Err(StreamFault::Bomb { packing: self.packing, ratio_max });
        }
        Ok(())
    }
}

impl Read for Unpacked {
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
    fn begin(packing: Packing, packed: Packed) -> io::Result<Member> {
        Ok(match packing {
            Packing::Gzip => Member::Gzip(Box::new(GzDecoder::new(packed))),
            Packing::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(packed)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Member::Zstd(decoder)
            }
        })
    }

    fn packed(&self) -> &Packed {
        match self {
            Member::Gzip(decoder) => decoder.get_ref(),
            Member::Zstd(decoder) => decoder.get_ref(),
        }
    }

    fn into_packed(self) -> Packed {
        match self {
            Member::Gzip(decoder) => decoder.into_inner(),
            Member::Zstd(decoder) => decoder.finish(),
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
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const TEXT: &[u8] = b"id,job\n1,Engineer\n2,Nurse\n";

    fn packed(packing: Packing, text: &[u8]) -> Vec<u8> {
        match packing {
            Packing::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(text).expect("memory");
                encoder.finish().expect("memory")
            }
            Packing::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("memory");
                // As the command line tool does.
                encoder.include_checksum(true).expect("a setting");
                encoder.write_all(text).expect("memory");
                encoder.finish().expect("memory")
            }
        }
    }

    fn unpacked(packing: Packing, bytes: &[u8], limits: UnpackLimits) -> Result<Vec<u8>, String> {
        let mut reader = Unpacked::new(Box::new(io::Cursor::new(bytes.to_vec())), packing, limits).expect("a decoder");
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn both(check: impl Fn(Packing)) {
        [Packing::Gzip, Packing::Zstd].into_iter().for_each(check);
    }

    #[test]
    fn all_members_are_read() {
        both(|packing| {
            let twice = [packed(packing, TEXT), packed(packing, b""), packed(packing, TEXT)].concat();
            assert_eq!(unpacked(packing, &twice, UnpackLimits::default()), Ok([TEXT, TEXT].concat()), "{packing}");
        });
        let skipped = [packed(Packing::Zstd, TEXT), vec![0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7]].concat();
        assert_eq!(unpacked(Packing::Zstd, &skipped, UnpackLimits::default()), Ok(TEXT.to_vec()));
    }

    #[test]
    fn what_is_cut_off_anywhere_is_an_error() {
        both(|packing| {
            let whole = [packed(packing, TEXT), packed(packing, TEXT)].concat();
            let first = packed(packing, TEXT).len();
            for length in (1..whole.len()).filter(|length| *length != first) {
                let error = unpacked(packing, whole.get(..length).expect("a part"), UnpackLimits::default());
                let want = format!("the {packing} data is cut off here: the file is not whole");
                assert_eq!(error, Err(want), "{packing}, {length} bytes");
            }
        });
    }

    #[test]
    fn what_follows_and_what_is_damaged_is_an_error() {
        both(|packing| {
            for behind in [&b"\0"[..], b"garbage", b"\x1f\x8c\x08\0", b"id,job\n"] {
                let error = unpacked(packing, &[&packed(packing, TEXT), behind].concat(), UnpackLimits::default());
                assert_eq!(error, Err(format!("something else follows the {packing} data here")), "{behind:?}");
            }
            let mut damaged = packed(packing, &TEXT.repeat(100));
            let middle = damaged.len() / 2;
            damaged.get_mut(middle..middle + 4).expect("a middle").copy_from_slice(&[0xa5; 4]);
            let error = unpacked(packing, &damaged, UnpackLimits::default()).expect_err("damage is noticed");
            assert!(error.contains(&packing.to_string()), "{error}");
        });
    }

    #[test]
    fn bombs_are_stopped() {
        both(|packing| {
            let limits = UnpackLimits { bytes_max: 1 << 20, ratio_max: 50, ratio_from_bytes: 100_000 };
            let newlines = packed(packing, &b"\n".repeat(1 << 20));
            let error = unpacked(packing, &newlines, limits).expect_err("a bomb");
            assert!(error.contains("50 times its size"), "{error}");
            let error = unpacked(packing, &newlines, UnpackLimits { bytes_max: 200_000, ratio_max: 9_999, ..limits });
            assert!(error.expect_err("too large").contains("200000 bytes"));
            let small = packed(packing, &b"\n".repeat(90_000));
            assert_eq!(unpacked(packing, &small, limits).map(|text| text.len()), Ok(90_000));
        });
    }
}
