//! Where the bytes come from: a named file, or standard input.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::InputFault;
use super::pauses::{Pauses, Pipe};
use super::steady::SteadyFile;
use super::stream::ByteStream;
use crate::text;

/// The name of an input, as the user gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputName {
    /// Standard input (`-`).
    Stdin,
    /// A file, a FIFO, or whatever else can be opened and read.
    Path(PathBuf),
}

/// An open input.
pub(super) struct Source {
    /// Its bytes, unbuffered: blocks are read in large pieces.
    pub(super) reader: ByteStream,
    /// Its size in bytes, where it is a regular file.
    pub(super) size: Option<u64>,
    /// The same file, to ask whether it was changed.
    pub(super) steady: Option<SteadyFile>,
    /// Where it is none: whether it tells of pauses.
    pub(super) pauses: Pauses,
}

impl InputName {
    /// The input that an argument of the command line names.
    pub fn from_argument(argument: OsString) -> InputName {
        if argument == "-" {
            InputName::Stdin
        } else {
            InputName::Path(argument.into())
        }
    }

    /// Whether it is a regular file: standard input and pipes can be read only once.
    pub fn can_be_read_twice(&self) -> bool {
        match self {
            InputName::Path(path) => path.is_file(),
            InputName::Stdin => false,
        }
    }
}

impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputName::Stdin => f.write_str("standard input"),
            InputName::Path(path) => f.write_str(&text::safe_path(path)),
        }
    }
}

impl Source {
    /// Opens an input. A FIFO waits here for its writer.
    pub(super) fn open(name: &InputName) -> Result<Source, InputFault> {
        let file = match name {
            // A duplicate of the descriptor, read as a file: `Stdin` would put its own small buffer in between.
            InputName::Stdin => io::stdin().as_fd().try_clone_to_owned().map(File::from),
            InputName::Path(path) => File::open(path),
        };
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => InputFault::Missing,
            _ => InputFault::Open(error),
        })?;
        let metadata = file.metadata().map_err(InputFault::Open)?;
        if metadata.is_dir() {
            return Err(InputFault::Directory);
        }
        let pauses = Pauses::default();
        Ok(if metadata.is_file() {
            let file = Arc::new(file);
            let steady = Some(SteadyFile::new(Arc::clone(&file), &metadata));
            Source {
                size: Some(metadata.len()),
                reader: Box::new(file),
                steady,
                pauses,
            }
        } else {
            Source {
                size: None,
                reader: Box::new(Pipe::new(file, pauses.clone())),
                steady: None,
                pauses,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: impl Into<PathBuf>) -> Result<Source, InputFault> {
        Source::open(&InputName::Path(path.into()))
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(
            open(folder.path().join("none.csv")),
            Err(InputFault::Missing)
        ));
        assert!(matches!(open(folder.path()), Err(InputFault::Directory)));
        let file = folder.path().join("file");
        std::fs::write(&file, "id").expect("a file");
        assert!(matches!(open(file.join("below")), Err(InputFault::Open(_))));
    }

    #[test]
    fn only_a_regular_file_has_a_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "id,email\n").expect("a file");
        assert_eq!(open(file).expect("opens").size, Some(9));
        assert_eq!(open("/dev/null").expect("opens").size, None);
    }

    #[test]
    fn names_are_shown_without_control_characters() {
        let check = |argument: &str, want: &str| {
            assert_eq!(InputName::from_argument(argument.into()).to_string(), want);
        };
        check("-", "standard input");
        check("./-", "./-");
        check("a\u{1b}[2J.csv", "a\\u{1b}[2J.csv");
        check("a\\b.csv", "a\\\\b.csv");
    }
}
