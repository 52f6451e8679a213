//! The reasons why a plan cannot be used or written.

use std::io;

use crate::journal::{RunDir, RunDirError};

/// The reason why a plan cannot be used or written. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A file cannot be opened or created.
    #[error(transparent)]
    File(#[from] RunDirError),
    /// A file cannot be read.
    #[error("{file} cannot be read")]
    Read {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("{file} cannot be written")]
    Write {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A file is damaged.
    #[error("{file} is damaged ({reason}): make the plan again")]
    Damaged {
        /// The file's name.
        file: String,
        /// The damage as far as it is known.
        reason: String,
    },
    /// A file has the format of another version.
    #[error(
        "{file} was written by another version of custsync, in format {format}: use that version, or make the plan again"
    )]
    OtherFormat {
        /// The file's name.
        file: String,
        /// The number of its format.
        format: u32,
    },
}

impl PlanError {
    /// Returns an error of reading a file.
    pub(super) fn read(run_dir: &RunDir, name: &str, source: io::Error) -> PlanError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => PlanError::damaged(run_dir, name, "it is cut short"),
            // The library's word for a file that is none of its own.
            io::ErrorKind::InvalidData => PlanError::damaged(run_dir, name, &source.to_string()),
            _ => PlanError::Read {
                file: run_dir.display_path(name),
                source,
            },
        }
    }

    /// Returns an error of writing a file.
    pub(super) fn write(run_dir: &RunDir, name: &str, source: io::Error) -> PlanError {
        PlanError::Write {
            file: run_dir.display_path(name),
            source,
        }
    }

    /// Returns the error of a damaged file.
    pub(super) fn damaged(run_dir: &RunDir, name: &str, reason: &str) -> PlanError {
        PlanError::Damaged {
            file: run_dir.display_path(name),
            reason: reason.to_owned(),
        }
    }

    /// Returns an error of the library while it read a file.
    pub(super) fn reading(
        run_dir: &RunDir,
        name: &str,
        error: impl Into<redb::Error>,
    ) -> PlanError {
        PlanError::of_library(run_dir, name, error.into(), PlanError::read)
    }

    /// Returns an error of the library while it wrote a file.
    pub(super) fn writing(
        run_dir: &RunDir,
        name: &str,
        error: impl Into<redb::Error>,
    ) -> PlanError {
        PlanError::of_library(run_dir, name, error.into(), PlanError::write)
    }

    fn of_library(
        run_dir: &RunDir,
        name: &str,
        error: redb::Error,
        of_io: fn(&RunDir, &str, io::Error) -> PlanError,
    ) -> PlanError {
        match error {
            redb::Error::Io(source) => of_io(run_dir, name, source),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                of_io(run_dir, name, io::Error::other("it failed before"))
            }
            other => PlanError::damaged(run_dir, name, &other.to_string()),
        }
    }
}
