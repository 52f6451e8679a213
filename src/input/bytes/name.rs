//! The name of an input, as given on the command line.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::input::bytes::archive::member::ArchiveMember;
use crate::text;

/// The name of an input, as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum InputName {
    /// Standard input (`-`).
    Stdin,
    /// A file, a FIFO, or anything else that can be opened and read.
    Path(PathBuf),
    /// A member of a zip archive. The user names the archive.
    Member(ArchiveMember),
}

impl InputName {
    /// Returns the input that a command-line argument names.
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
            InputName::Member(member) => member.archive().is_file(),
            InputName::Stdin => false,
        }
    }

    /// Returns the word of a command line that names the input, or the archive that it is in.
    pub(crate) fn as_argument(&self) -> &OsStr {
        match self {
            InputName::Stdin => OsStr::new("-"),
            InputName::Path(path) => path.as_os_str(),
            InputName::Member(member) => member.archive().as_os_str(),
        }
    }

    /// Returns the path of the file that the bytes are read from.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            InputName::Stdin => None,
            InputName::Path(path) => Some(path),
            InputName::Member(member) => Some(member.archive()),
        }
    }

    /// Returns the name whose extension says what the content is. It is not to be opened.
    pub(crate) fn with_extension(&self) -> Option<&Path> {
        match self {
            InputName::Stdin => None,
            InputName::Path(path) => Some(path),
            InputName::Member(member) => Some(member.name()),
        }
    }
}

impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputName::Stdin => f.write_str("standard input"),
            InputName::Path(path) => f.write_str(&text::safe_path(path)),
            InputName::Member(member) => member.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
