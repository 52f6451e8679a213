//! The reasons why a file of images cannot be used.

use std::io;

use crate::journal::run_dir::RunDirError;
use crate::journal::writer::WriteError;
use crate::text::grouped;

/// The reason why a file of images cannot be used. Messages name the file and never a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImagesError {
    /// The file cannot be opened.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// The file cannot be read.
    #[error("{file} cannot be read")]
    Read {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A line has changed since it was written, or lines before it were added or removed.
    #[error("{file} is damaged at byte {}: restore it from a copy", grouped(*.offset))]
    Damaged {
        /// The file's name.
        file: String,
        /// The offset of the line.
        offset: u64,
    },
    /// An intact line has invalid content.
    #[error("the line at byte {} of {file} is intact but cannot be read: use a newer custsync", grouped(*.offset))]
    NotALine {
        /// The file's name.
        file: String,
        /// The offset of the line.
        offset: u64,
    },
    /// A new run would add its images to those of another one.
    #[error("{file} has the images of another run: use another run directory; nothing was sent")]
    OfAnotherRun {
        /// The file's name.
        file: String,
    },
    /// A line would be longer than the lines that are read.
    #[error("row {row} and its customer take more than {} KiB", .bytes_max >> 10)]
    TooLong {
        /// The row's number.
        row: u64,
        /// The most bytes of a line.
        bytes_max: usize,
    },
    /// The file cannot be written.
    #[error("{file} cannot be written")]
    Write {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// Another program has changed the file.
    #[error(transparent)]
    Lost(WriteError),
}

impl ImagesError {
    /// Creates the error of a file that cannot be written.
    pub(super) fn of_write(file: &str, error: WriteError) -> ImagesError {
        match error {
            WriteError::Write(source) | WriteError::Sync(source) => ImagesError::Write {
                file: file.to_owned(),
                source,
            },
            lost @ WriteError::Lost { .. } => ImagesError::Lost(lost),
        }
    }
}
