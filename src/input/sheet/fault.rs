//! Faults of a workbook's parts.

use std::error::Error;
use std::sync::Arc;
use std::{fmt, io};

use crate::text;

use crate::input::bytes::stream_fault::StreamFault;
use crate::input::error::InputFault;

/// The reason why a part of a workbook cannot be read.
#[derive(Debug)]
pub(crate) enum PartFault {
    /// The part contradicts itself or the format. Holds the reason, safe to show.
    Unreadable(String),
    /// The part is too large when decompressed.
    TooLarge {
        /// The largest size in bytes.
        bytes_max: u64,
    },
    /// The end of the file is missing.
    CutOff,
    /// The file cannot be read.
    Read(io::Error),
    /// The file was changed while it was read.
    Changed,
}

/// The error of a reader whose part is too large when decompressed.
#[derive(Debug)]
pub(crate) struct TooLarge {
    pub(crate) bytes_max: u64,
}

impl Error for TooLarge {}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it unpacks to more than {} bytes", self.bytes_max)
    }
}

impl PartFault {
    /// Returns the fault of a part that contradicts itself or the format.
    pub(crate) fn unreadable(reason: impl Into<String>) -> PartFault {
        PartFault::Unreadable(reason.into())
    }

    /// Converts the error of a read from a file that itself says where its parts lie.
    pub(crate) fn of_file(error: io::Error) -> PartFault {
        match PartFault::within(&error) {
            Some(fault) => fault,
            None if error.kind() == io::ErrorKind::UnexpectedEof => PartFault::CutOff,
            None => PartFault::Read(error),
        }
    }

    /// Converts an error of the XML reader in the part of this name. It quotes at most names of
    /// elements.
    pub(crate) fn of_xml(error: quick_xml::Error, part: &str) -> PartFault {
        let quick_xml::Error::Io(error) = error else {
            return PartFault::Unreadable(format!(
                "{part}: {}",
                text::safe_cut(&error.to_string(), 200)
            ));
        };
        if let Some(fault) = PartFault::within(&error) {
            return fault;
        }
        match Arc::try_unwrap(error) {
            Ok(error) => PartFault::of_read(error, part),
            Err(error) => {
                PartFault::Unreadable(format!("{part}: {}", text::safe(&error.to_string())))
            }
        }
    }

    /// Converts an error of a read in the part of this name.
    pub(crate) fn of_read(error: io::Error, part: &str) -> PartFault {
        match PartFault::within(&error) {
            Some(fault) => fault,
            // An error of the system concerns the file, not its contents.
            None if error.raw_os_error().is_some() => PartFault::Read(error),
            None => PartFault::Unreadable(format!("{part}: {}", text::safe(&error.to_string()))),
        }
    }

    /// Returns the fault that one of our own readers reports by an error.
    fn within(error: &io::Error) -> Option<PartFault> {
        let inner = error.get_ref()?;
        if let Some(TooLarge { bytes_max }) = inner.downcast_ref() {
            return Some(PartFault::TooLarge {
                bytes_max: *bytes_max,
            });
        }
        match inner.downcast_ref() {
            Some(StreamFault::Changed) => Some(PartFault::Changed),
            _ => None,
        }
    }
}

impl From<PartFault> for InputFault {
    fn from(fault: PartFault) -> InputFault {
        match fault {
            PartFault::Unreadable(reason) => InputFault::Workbook { reason },
            PartFault::TooLarge { bytes_max } => InputFault::WorkbookTooLarge { bytes_max },
            PartFault::CutOff => InputFault::WorkbookCutOff,
            PartFault::Read(error) => InputFault::Read(error),
            PartFault::Changed => InputFault::Changed,
        }
    }
}

impl From<PartFault> for StreamFault {
    /// Converts a fault that occurs while the sheet is being read.
    fn from(fault: PartFault) -> StreamFault {
        let reason = match fault {
            PartFault::Unreadable(reason) => reason,
            PartFault::TooLarge { bytes_max } => TooLarge { bytes_max }.to_string(),
            PartFault::CutOff => "the end of the file is missing".to_owned(),
            PartFault::Read(error) => text::safe(&error.to_string()),
            PartFault::Changed => return StreamFault::Changed,
        };
        StreamFault::Sheet { reason }
    }
}
