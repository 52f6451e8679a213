//! The reasons why a state cannot be used, and what to do about each.

use std::io;

/// The reason why a state cannot be used. Each names the file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another process uses the state.
    #[error("another process uses the state {file}: wait for its end, or use another state")]
    Locked {
        /// The file's name.
        file: String,
    },
    /// The directory of the file is not there.
    #[error(
        "the directory {directory} of the state {file} does not exist: create it, or name another"
    )]
    NoDirectory {
        /// The file's name.
        file: String,
        /// The directory's name.
        directory: String,
    },
    /// There is a file already where a state is to begin.
    #[error("{file} exists already, so no state is begun there: use it, or name another file")]
    Exists {
        /// The file's name.
        file: String,
    },
    /// The state belongs to another base URL, tenant or shard.
    #[error(
        "the state {file} belongs to {of_state}, and this run to {of_run}: use the state of this {what}, or begin another file with --full-resync"
    )]
    OtherIdentity {
        /// The file's name.
        file: String,
        /// The part that differs, in one word.
        what: &'static str,
        /// Its value in the state.
        of_state: String,
        /// Its value in this run.
        of_run: String,
    },
    /// The file has the format of a later version.
    #[error(
        "the state {file} was written by a later custsync, in format {format}: use that version, or begin anew with another file and --full-resync"
    )]
    OtherFormat {
        /// The file's name.
        file: String,
        /// The number of its format.
        format: u32,
    },
    /// The hashes in the file are of another version.
    #[error(
        "the state {file} compares requests by hashes of version {version}, which this custsync does not make: use the version that wrote it, or begin anew with another file and --full-resync"
    )]
    OtherHashes {
        /// The file's name.
        file: String,
        /// The version of its hashes.
        version: u32,
    },
    /// The file is damaged.
    #[error(
        "the state {file} is damaged ({reason}): restore it from a backup or remove it, and run with --full-resync"
    )]
    Damaged {
        /// The file's name.
        file: String,
        /// The damage as far as it is known.
        reason: String,
    },
    /// The file was left in the middle of its writing, and may only be read.
    #[error(
        "the state {file} was left by a process that was killed, and has to be repaired before it is read, which is not possible where it cannot be written: copy it to another folder first"
    )]
    Unrepaired {
        /// The file's name.
        file: String,
    },
    /// The file is not a state.
    #[error("{file} is not a state of custsync: name another file")]
    NotAState {
        /// The file's name.
        file: String,
    },
    /// The name belongs to something other than a regular file.
    #[error("{file} is not a regular file, which a state has to be: name another file")]
    NotAFile {
        /// The file's name.
        file: String,
    },
    /// The file, or one beside it, cannot be read.
    #[error("the state {file} cannot be read")]
    Read {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// The file, or one beside it, cannot be written.
    #[error("the state {file} cannot be written")]
    Write {
        /// The file's name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
}

/// The names of the state in errors. Errors of the library become errors about the file with it.
#[derive(Debug, Clone)]
pub(super) struct Shown(pub(super) String);

impl Shown {
    /// Returns an error of reading.
    pub(super) fn read(&self, source: io::Error) -> StateError {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged("it is cut short"),
            // The library's word for a file that is none of its own.
            io::ErrorKind::InvalidData => self.damaged(&source.to_string()),
            _ => StateError::Read {
                file: self.0.clone(),
                source,
            },
        }
    }

    /// Returns an error of writing.
    pub(super) fn write(&self, source: io::Error) -> StateError {
        StateError::Write {
            file: self.0.clone(),
            source,
        }
    }

    /// Returns an error of the library while it read.
    pub(super) fn reading(&self, error: impl Into<redb::Error>) -> StateError {
        self.of_library(error.into(), Shown::read)
    }

    /// Returns an error of the library while it wrote.
    pub(super) fn writing(&self, error: impl Into<redb::Error>) -> StateError {
        self.of_library(error.into(), Shown::write)
    }

    fn of_library(
        &self,
        error: redb::Error,
        of_io: fn(&Shown, io::Error) -> StateError,
    ) -> StateError {
        match error {
            redb::Error::Io(source) => of_io(self, source),
            redb::Error::PreviousIo | redb::Error::DatabaseClosed => {
                of_io(self, io::Error::other("it failed before"))
            }
            other => self.damaged(&other.to_string()),
        }
    }

    /// Returns the error of a damaged file.
    pub(super) fn damaged(&self, reason: &str) -> StateError {
        StateError::Damaged {
            file: self.0.clone(),
            reason: reason.to_owned(),
        }
    }
}
