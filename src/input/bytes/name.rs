//! The name of an input, as given on the command line.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use crate::download::{Address, AddressError};
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
    /// A file on a server.
    Address(Address),
}

impl InputName {
    /// Returns the input that an argument names if it begins as an address.
    pub(crate) fn of_address(argument: &OsStr) -> Option<Result<InputName, AddressError>> {
        Address::of_argument(argument).map(|address| address.map(InputName::Address))
    }

    /// Returns the file or the standard input that a command-line argument names.
    pub fn from_argument(argument: OsString) -> InputName {
        if argument == "-" {
            InputName::Stdin
        } else {
            InputName::Path(argument.into())
        }
    }

    /// Whether it is a regular file. Whether an address can be read twice, its server tells.
    pub fn is_regular_file(&self) -> bool {
        match self {
            InputName::Path(path) => path.is_file(),
            InputName::Member(member) => member.archive().is_file(),
            InputName::Stdin | InputName::Address(_) => false,
        }
    }

    /// Returns the word for the input, or for the archive that it is in, in a command that is
    /// printed.
    pub(crate) fn shown_word(&self) -> Cow<'_, OsStr> {
        match self {
            InputName::Path(path) => Cow::Borrowed(path.as_os_str()),
            InputName::Member(member) => Cow::Borrowed(member.archive().as_os_str()),
            InputName::Address(address) => Cow::Owned(address.shown_word()),
            InputName::Stdin => Cow::Borrowed(OsStr::new("-")),
        }
    }

    /// Returns the path of the file that the bytes are read from.
    pub(crate) fn file(&self) -> Option<&Path> {
        match self {
            InputName::Stdin | InputName::Address(_) => None,
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
            InputName::Address(address) => Some(Path::new(address.file_name())),
        }
    }
}

impl fmt::Display for InputName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InputName::Stdin => f.write_str("standard input"),
            InputName::Path(path) => f.write_str(&text::safe_path(path)),
            InputName::Member(member) => member.fmt(f),
            InputName::Address(address) => address.fmt(f),
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
