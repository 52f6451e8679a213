//! Faults of an input's bytes: of its compression, its encoding, or a workbook's sheet.

use std::io;

use crate::input::bytes::compression::Compression;

/// What is wrong with the bytes of a compressed or encoded input.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    /// The compressed data ends too early.
    #[error("the {0} data is cut off here: the file is not whole")]
    CutOff(Compression),
    /// The compressed data contradicts itself.
    #[error("the {compression} data cannot be unpacked from here on: {source}")]
    Damaged {
        /// How it is compressed.
        compression: Compression,
        /// What the decoder says, which quotes nothing of the data.
        source: io::Error,
    },
    /// The compressed data has ended, the file has not.
    #[error("something else follows the {0} data here")]
    Trailing(Compression),
    /// Unpacking it would take too much memory.
    #[error("the {0} data needs a dictionary of more than 64 MiB of memory: unpack it first")]
    Dictionary(Compression),
    /// More comes out than a file of rows can hold.
    #[error(
        "the {compression} data unpacks to more than {ratio_max} times its size, as files made to do harm do: unpack it first"
    )]
    Bomb {
        /// How it is compressed.
        compression: Compression,
        /// How many times it may be.
        ratio_max: u64,
    },
    /// More comes out than anybody sends.
    #[error("the {compression} data unpacks to more than {bytes_max} bytes: split it")]
    TooLarge {
        /// How it is compressed.
        compression: Compression,
        /// How much it may be.
        bytes_max: u64,
    },
    /// The file was written to.
    #[error(
        "the file was changed while it was read, and nothing behind this is taken from it: wait until it is written, or read a copy"
    )]
    Changed,
    /// Bytes that are no text in the input's encoding.
    #[error("byte {byte} of the text is not {encoding} (--encoding names another encoding)")]
    NotEncoded {
        /// The encoding's name.
        encoding: &'static str,
        /// The first such byte, counted from 1 in the unpacked input.
        byte: u64,
    },
    /// A sheet that cannot be read to its end.
    #[error("the sheet cannot be read from here on: {reason}")]
    Sheet {
        /// Why, safe to show.
        reason: String,
    },
}

impl From<StreamFault> for io::Error {
    /// Readers hand the fault over as what they may return; `InputFault::of_read` takes it out again.
    fn from(fault: StreamFault) -> io::Error {
        io::Error::other(fault)
    }
}
