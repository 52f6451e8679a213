//! Why an input cannot be used. Every error names the input and, where there is one, the line; never a cell's value.

use std::error::Error;
use std::fmt;
use std::io;

use super::header::ColumnFault;
use super::source::InputName;

/// An input that cannot be used, or not be read further.
#[derive(Debug)]
pub struct InputError {
    /// Which input.
    pub name: InputName,
    /// What is wrong with it.
    pub fault: InputFault,
}

/// What is wrong with an input.
#[derive(Debug, thiserror::Error)]
pub enum InputFault {
    /// There is no such file.
    #[error("no such file")]
    Missing,
    /// It is a directory.
    #[error("is a directory: name the files in it")]
    Directory,
    /// It cannot be opened.
    #[error("cannot be opened")]
    Open(#[source] io::Error),
    /// A read failed.
    #[error("cannot be read to its end")]
    Read(#[source] io::Error),
    /// It is no text.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// It is one JSON array.
    #[error("is a JSON array: write one object a line (NDJSON), as `jq -c '.[]'` does")]
    JsonArray,
    /// It holds nothing, or nothing but blank lines.
    #[error("is empty")]
    Empty,
    /// A header is all that it holds.
    #[error("has a header but no rows")]
    NoRows,
    /// Its header has too many columns.
    #[error("the header has {columns} columns, more than {columns_max}: is the delimiter right? (--delimiter C)")]
    TooManyColumns {
        /// The header's line.
        line: u64,
        /// How many there are.
        columns: usize,
        /// How many there may be.
        columns_max: usize,
    },
    /// Its first record holds values. They are a customer's, so none of them is named.
    #[error(
        "is no header: the first line must name the columns (`id`, `first_name`, …), but looks like a row of values"
    )]
    NoHeader {
        /// The line of its first record.
        line: u64,
    },
    /// Columns of its header cannot be used: all that is wrong with them, a line of the message each.
    #[error("the header cannot be used")]
    Header {
        /// The header's line.
        line: u64,
        /// What is wrong. Never empty.
        columns: Vec<ColumnFault>,
    },
    /// A record is longer than any can be.
    #[error("a record starts here that is longer than {bytes_max} bytes")]
    RecordTooLong {
        /// The line on which it starts.
        line: u64,
        /// How long a record may be, with its line end.
        bytes_max: usize,
    },
    /// A quoted field is longer than a record can be.
    #[error("a quote opens here that is not closed within {bytes_max} bytes, the most that a record may have")]
    QuoteTooLong {
        /// The line of the quote.
        line: u64,
        /// How long a record may be, with its line end.
        bytes_max: usize,
    },
    /// A quoted field goes on to the end of the input.
    #[error("a quote opens here that is never closed")]
    QuoteNotClosed {
        /// The line of the quote.
        line: u64,
    },
}

/// What a file without text is. The ways out are said with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// gzip (RFC 1952)
    #[error("is a gzip file: unpack it first")]
    Gzip,
    /// Zstandard (RFC 8878)
    #[error("is a zstd file: unpack it first")]
    Zstd,
    /// zip, which workbooks are, too
    #[error("is a zip file or a workbook: unpack it, or save it as CSV (UTF-8), first")]
    Zip,
    /// A byte order mark of UTF-16
    #[error("is UTF-16: save it as UTF-8")]
    Utf16,
    /// NUL bytes
    #[error("is binary, not text: it holds NUL bytes (UTF-16 text does, too: save it as UTF-8)")]
    Binary,
}

impl InputFault {
    /// The line on which the fault is, counted from 1.
    pub fn line(&self) -> Option<u64> {
        match *self {
            InputFault::TooManyColumns { line, .. }
            | InputFault::NoHeader { line }
            | InputFault::Header { line, .. }
            | InputFault::RecordTooLong { line, .. }
            | InputFault::QuoteTooLong { line, .. }
            | InputFault::QuoteNotClosed { line } => Some(line),
            InputFault::Missing
            | InputFault::Directory
            | InputFault::Open(_)
            | InputFault::Read(_)
            | InputFault::NotText(_)
            | InputFault::JsonArray
            | InputFault::Empty
            | InputFault::NoRows => None,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.fault.line() {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.to_string(),
        };
        match &self.fault {
            InputFault::Header { columns, .. } => {
                let lines: Vec<_> = columns.iter().map(|fault| format!("{place}: {fault}")).collect();
                f.write_str(&lines.join("\n"))
            }
            fault => write!(f, "{place}: {fault}"),
        }
    }
}

impl Error for InputError {
    /// The system's reason. The fault itself is part of the message already.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_place_once_for_each_of_its_lines() {
        let check = |fault: InputFault, want: &str| {
            let error = InputError { name: InputName::from_argument("a.csv".into()), fault };
            assert_eq!(error.to_string(), want);
        };
        check(InputFault::Missing, "a.csv: no such file");
        check(InputFault::QuoteNotClosed { line: 42 }, "a.csv:42: a quote opens here that is never closed");
        check(NotText::Gzip.into(), "a.csv: is a gzip file: unpack it first");
        let columns = vec![ColumnFault::NoName { column: 2 }, ColumnFault::NotText { column: 7 }];
        check(
            InputFault::Header { line: 3, columns },
            "a.csv:3: column 2 has no name\na.csv:3: the name of column 7 is not UTF-8: save the file as UTF-8",
        );
    }

    #[test]
    fn the_system_s_reason_is_the_source() {
        let reason = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = InputError { name: InputName::Stdin, fault: InputFault::Open(reason) };
        assert_eq!(error.to_string(), "standard input: cannot be opened");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("permission denied"));
    }
}
