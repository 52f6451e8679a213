//! The compression of an input, detected by its first bytes.

use std::fmt;

/// The compression of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip (RFC 1952)
    Gzip,
    /// Zstandard (RFC 8878)
    Zstd,
    /// xz (The .xz File Format 1.2.1)
    Xz,
    /// bzip2
    Bzip2,
}

/// The packing of data that is unpacked while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// A compression of the whole input
    By(Compression),
    /// A zip archive, of which one member is read
    Zip,
}

impl Compression {
    /// Detects the compression of bytes that begin with `head`.
    pub(crate) fn of(head: &[u8]) -> Option<Compression> {
        match head {
            [0x1f, 0x8b, ..] => Some(Compression::Gzip),
            // Multi-threaded compressors begin a file with a skippable frame (RFC 8878 §3.1.2) that
            // holds the size of the next one.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                Some(Compression::Zstd)
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Compression::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..] if Compression::is_bzip2(rest) => {
                Some(Compression::Bzip2)
            }
            _ => None,
        }
    }

    /// Whether the bytes after the first four are those of a bzip2 file: a block or, in an empty
    /// file, the end. The first four alone could begin a text. If the file is cut off there, the
    /// decoder reports it.
    fn is_bzip2(rest: &[u8]) -> bool {
        const BLOCK: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
        const END: [u8; 6] = [0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
        [BLOCK, END]
            .iter()
            .any(|magic| magic.iter().zip(rest).all(|(one, other)| one == other))
    }

    /// Whether bytes that begin with `head` continue the same compression. If the file is cut off
    /// within the first bytes, the decoder reports it.
    pub(crate) fn goes_on_with(self, head: &[u8]) -> bool {
        const MAGIC_BYTES: usize = 10;
        let begins: &[&[u8]] = match self {
            Compression::Gzip => &[&[0x1f, 0x8b]],
            Compression::Zstd => &[&[0x28, 0xb5, 0x2f, 0xfd]],
            Compression::Xz => &[&[0xfd, b'7', b'z', b'X', b'Z', 0]],
            Compression::Bzip2 => &[b"BZh"],
        };
        let is_skipped = |head: &[u8]| match head.split_first() {
            Some((0x50..=0x5f, rest)) => {
                [0x2a, 0x4d, 0x18].starts_with(rest.get(..3).unwrap_or(rest))
            }
            Some(_) | None => false,
        };
        let is_begun = begins.iter().any(|magic| magic.starts_with(head));
        Compression::of(head) == Some(self)
            || (head.len() < MAGIC_BYTES
                && (is_begun || (self == Compression::Zstd && is_skipped(head))))
    }

    /// Returns the unit, in bytes, in which this compression is padded with zeros after its end, or
    /// `None` if it is not padded.
    pub(crate) fn padding(self) -> Option<u64> {
        match self {
            Compression::Gzip => Some(1),
            Compression::Xz => Some(4),
            Compression::Zstd | Compression::Bzip2 => None,
        }
    }
}

impl fmt::Display for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Packed::By(compression) => compression.fmt(f),
            Packed::Zip => f.write_str("zip"),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
            Compression::Xz => "xz",
            Compression::Bzip2 => "bzip2",
        })
    }
}
