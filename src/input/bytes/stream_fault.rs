//! Faults of an input's bytes that appear while it is read: in its compression, its encoding, the
//! JSON around an array, or a workbook's sheet.

use std::io;

use crate::input::bytes::compression::{Compression, Packed};
use crate::input::bytes::json_path::JsonPathFault;

/// A fault in the bytes of a compressed or encoded input.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    /// The compressed data is truncated.
    #[error("the {0} data is cut off here: the file is incomplete; copy or download it again")]
    CutOff(Packed),
    /// The compressed data is corrupt.
    #[error("the {packed} data cannot be unpacked from here on: {source}")]
    Damaged {
        /// The packing.
        packed: Packed,
        /// The decoder's error, which quotes nothing of the data.
        source: io::Error,
    },
    /// Something else follows the compressed data.
    #[error("other data follows the {0} data here")]
    Trailing(Compression),
    /// Decompression would take too much memory.
    #[error("the {0} data needs a dictionary of more than 64 MiB of memory: unpack it first")]
    Dictionary(Compression),
    /// The output is a larger multiple of the input than a file of rows can give.
    #[error(
        "the {packed} data unpacks to more than {ratio_max} times its size, as malicious files do: unpack it first"
    )]
    Bomb {
        /// The packing.
        packed: Packed,
        /// The largest multiple.
        ratio_max: u64,
    },
    /// The output is too large.
    #[error("the {packed} data unpacks to more than {bytes_max} bytes: split it")]
    TooLarge {
        /// The packing.
        packed: Packed,
        /// The largest output.
        bytes_max: u64,
    },
    /// The file was changed while it was read.
    #[error(
        "the file was changed while it was read, so nothing after this place is used: wait until it is written, or read a copy"
    )]
    Changed,
    /// Bytes that are invalid in the input's encoding.
    #[error("byte {byte} of the text is not {encoding} (--encoding names another encoding)")]
    NotEncoded {
        /// The encoding's name.
        encoding: &'static str,
        /// The position of the first such byte, from 1, in the decompressed input.
        byte: u64,
    },
    /// The text does not have the array that the user names.
    #[error(transparent)]
    JsonPath(JsonPathFault),
    /// A sheet could not be read to its end.
    #[error("the sheet cannot be read from here on: {reason}")]
    Sheet {
        /// The reason, safe to show.
        reason: String,
    },
}

impl From<StreamFault> for io::Error {
    /// Wraps the fault in the error type of readers; `InputFault::of_read` unwraps it again.
    fn from(fault: StreamFault) -> io::Error {
        io::Error::other(fault)
    }
}
