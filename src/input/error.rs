//! Why an input cannot be used. Every error names the input and, where there is one, the line; never a cell's value.

use std::error::Error;
use std::{fmt, io};

use rustix::io::Errno;

use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::name::InputName;
use crate::input::bytes::not_text::NotText;
use crate::input::bytes::stream_fault::StreamFault;
use crate::input::mapping::column_fault::ColumnFault;

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
    /// What it is compressed or encoded by is not whole.
    #[error("{fault}")]
    Stream {
        /// The line as far as which it could be read.
        line: u64,
        /// What is wrong there.
        fault: StreamFault,
    },
    /// It is no text.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// A workbook that cannot be read.
    #[error("is a workbook that cannot be read: {reason}")]
    Workbook {
        /// Why, in the words of who reads workbooks, safe to show.
        reason: String,
    },
    /// A sheet was named.
    #[error("is no workbook, so it has no sheet (--sheet)")]
    NotAWorkbook,
    /// A workbook that would take too much memory.
    #[error(
        "is a workbook with a part that unpacks to more than {bytes_max} bytes: save the sheet as CSV (UTF-8)"
    )]
    WorkbookTooLarge {
        /// How large that part may be.
        bytes_max: u64,
    },
    /// A workbook whose table of texts would take too much memory.
    #[error(
        "is a workbook whose texts take more than {bytes_max} bytes of memory: save the sheet as CSV (UTF-8)"
    )]
    WorkbookTexts {
        /// How much they may take.
        bytes_max: usize,
    },
    /// A workbook whose end is missing.
    #[error("the workbook is cut off: it has no end of archive; copy or download it again")]
    WorkbookCutOff,
    /// A workbook without the sheet that was asked for, or without any that is read unasked.
    #[error(
        "has no sheet {}; there {}",
        .sheet.as_deref().map_or_else(
            || "that is a table and not hidden (--sheet names any)".to_owned(),
            |sheet| format!("`{sheet}`")
        ),
        listed(.sheets)
    )]
    NoSuchSheet {
        /// The sheet that was asked for, safe to show.
        sheet: Option<String>,
        /// The sheets that there are, in quotes, safe to show.
        sheets: Vec<String>,
    },
    /// The sheet that was asked for has no rows.
    #[error("has a {kind} in sheet `{sheet}`, not a table")]
    NoTable {
        /// The sheet, safe to show.
        sheet: String,
        /// What is in it.
        kind: &'static str,
    },
    /// Something is wrong in a sheet of a workbook.
    #[error("{fault}")]
    InSheet {
        /// The sheet, safe to show.
        sheet: String,
        /// What is wrong.
        #[source]
        fault: Box<InputFault>,
    },
    /// Which delimiter it has cannot be told from its first record.
    #[error("the delimiter is in doubt, it could be {}: say which it is (--delimiter C)", either(.delimiters))]
    DelimiterInDoubt {
        /// The line of the first record.
        line: u64,
        /// Those that it could be.
        delimiters: Vec<Delimiter>,
    },
    /// There is no header, and nobody says what the columns are.
    #[error(
        "has no header (--no-header), so its columns have to be named: --columns id,first_name,..."
    )]
    NoColumns,
    /// The columns that `--columns` names cannot be used: all that is wrong with them.
    #[error("the columns cannot be used")]
    Columns {
        /// What is wrong. Never empty.
        columns: Vec<ColumnFault>,
    },
    /// It is one JSON array.
    #[error("is a JSON array: write one object a line (NDJSON), as `jq -c '.[]' FILE` does")]
    JsonArray,
    /// It begins with a JSON object that goes over several lines.
    #[error("is JSON over several lines: write one object a line (NDJSON), as `jq -c . FILE` does")]
    JsonOverLines {
        /// The line on which the object starts.
        line: u64,
    },
    /// It holds nothing, or nothing but blank lines.
    #[error("is empty")]
    Empty,
    /// It is another file than the one that was looked through before anything was sent, is shorter, or has other columns.
    #[error(
        "has changed since the start: it is another file now, is shorter, or has another header or format; put it back as it was"
    )]
    Changed,
    /// It can be read only once, and was.
    #[error("can be read only once")]
    ReadAlready,
    /// Its header has too many columns.
    #[error(
        "the header has {columns} columns, more than {columns_max}: is the delimiter right? (--delimiter C)"
    )]
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
        "is no header: the first line must name the columns (`id`, `first_name`, …), but looks like a row of values (--no-header --columns id,first_name,... where there is none)"
    )]
    NoHeader {
        /// The line of its first record.
        line: u64,
    },
    /// Its first record holds no known name. It may hold a customer's values, so none of its cells is named.
    #[error("{}", none_known(*.columns, *.likely))]
    NoneKnown {
        /// The line of its first record.
        line: u64,
        /// How many columns that has.
        columns: usize,
        /// A delimiter by which it would hold known names.
        likely: Option<Delimiter>,
    },
    /// Its name says that it is CSV, its first record is no header and begins as a JSON object does.
    #[error("is no header, but begins as JSON does (--format ndjson)")]
    LooksLikeJson {
        /// The line of its first record.
        line: u64,
    },
    /// Its first record holds no known name, and one below it does.
    #[error(
        "names no field of the API, but line {header_line} looks like a header: --header-row {header_line}"
    )]
    HeaderBelow {
        /// The line of its first record.
        line: u64,
        /// The line of the other one.
        header_line: u64,
    },
    /// It ends before the line of its header.
    #[error("has no line {row}, on which its header is to be (--header-row)")]
    NoHeaderRow {
        /// The line.
        row: u64,
    },
    /// There is nothing on the line of its header.
    #[error("is blank, so it is no header (--header-row)")]
    HeaderRowBlank {
        /// The line.
        line: u64,
    },
    /// The quotes of its header are not those of the dialect, or can be meant in two ways.
    #[error("the header cannot be used: {fault}")]
    HeaderQuotes {
        /// The header's line.
        line: u64,
        /// What is wrong, and with which column.
        fault: String,
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
    #[error(
        "a quote opens here that is not closed within {bytes_max} bytes, the most that a record may have"
    )]
    QuoteTooLong {
        /// The line of the quote.
        line: u64,
        /// How long a record may be, with its line end.
        bytes_max: usize,
    },
    /// A quoted field goes on to the end of the input.
    #[error("a quote opens here that is never closed (--quotes off where quotes are characters)")]
    QuoteNotClosed {
        /// The line of the quote.
        line: u64,
    },
}

/// So many names are listed; the others are counted.
const LISTED_MAX: usize = 20;

/// The names with the verb that they take.
fn listed(names: &[String]) -> String {
    match names {
        [] => "are none".to_owned(),
        [name] => format!("is {name}"),
        names if names.len() > LISTED_MAX => {
            let (named, counted) = names.split_at(LISTED_MAX);
            format!("are {} and {} more", named.join(", "), counted.len())
        }
        [before @ .., last] => format!("are {} and {last}", before.join(", ")),
    }
}

/// Why a header that names nothing cannot be used, and what may be meant.
fn none_known(columns: usize, likely: Option<Delimiter>) -> String {
    let right = match likely {
        Some(delimiter) => format!("is the delimiter {delimiter}? (--delimiter C)"),
        None => "is the delimiter right? (--delimiter C)".to_owned(),
    };
    let missing = "is the header missing? (--no-header --columns id,first_name,... names the columns; --map COLUMN=FIELD takes other names)";
    match (columns, likely) {
        (1, _) => format!("the header is one column, and no field of the API: {right}"),
        (_, Some(_)) => format!("none of {columns} columns is known: {right}"),
        (_, None) => format!("none of {columns} columns is known: {missing}"),
    }
}

fn either(delimiters: &[Delimiter]) -> String {
    let shown: Vec<_> = delimiters.iter().map(ToString::to_string).collect();
    shown.join(" or ")
}

impl InputFault {
    /// What a failed read means, where the input was read as far as this line.
    pub(crate) fn of_read(error: io::Error, line: u64) -> InputFault {
        match error.downcast::<StreamFault>() {
            Ok(fault) => InputFault::Stream { line, fault },
            Err(error) => InputFault::Read(error),
        }
    }

    /// Whether it could be opened where the process, or the system, had fewer files open.
    pub fn is_for_lack_of_descriptors(&self) -> bool {
        let InputFault::Open(error) = self else {
            return false;
        };
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        matches!(errno, Some(Errno::MFILE | Errno::NFILE))
    }

    /// The fault of a header, or, where it names nothing that is known, that of the line `below` it that looks like one.
    pub(crate) fn or_header_below(
        self,
        line: u64,
        below: impl FnOnce() -> Option<u64>,
    ) -> InputFault {
        let names_nothing = matches!(
            self,
            InputFault::NoHeader { .. } | InputFault::NoneKnown { .. }
        );
        match if names_nothing { below() } else { None } {
            Some(header_line) => InputFault::HeaderBelow { line, header_line },
            None => self,
        }
    }

    /// The line on which the fault is, counted from 1.
    pub fn line(&self) -> Option<u64> {
        match *self {
            InputFault::InSheet { ref fault, .. } => fault.line(),
            InputFault::Stream { line, .. }
            | InputFault::DelimiterInDoubt { line, .. }
            | InputFault::TooManyColumns { line, .. }
            | InputFault::NoHeader { line }
            | InputFault::JsonOverLines { line }
            | InputFault::NoneKnown { line, .. }
            | InputFault::HeaderBelow { line, .. }
            | InputFault::LooksLikeJson { line }
            | InputFault::HeaderRowBlank { line }
            | InputFault::HeaderQuotes { line, .. }
            | InputFault::Header { line, .. }
            | InputFault::RecordTooLong { line, .. }
            | InputFault::QuoteTooLong { line, .. }
            | InputFault::QuoteNotClosed { line } => Some(line),
            InputFault::Missing
            | InputFault::Directory
            | InputFault::Open(_)
            | InputFault::Read(_)
            | InputFault::NotText(_)
            | InputFault::Workbook { .. }
            | InputFault::NotAWorkbook
            | InputFault::WorkbookTooLarge { .. }
            | InputFault::WorkbookTexts { .. }
            | InputFault::WorkbookCutOff
            | InputFault::NoSuchSheet { .. }
            | InputFault::NoHeaderRow { .. }
            | InputFault::NoTable { .. }
            | InputFault::NoColumns
            | InputFault::Columns { .. }
            | InputFault::JsonArray
            | InputFault::Empty
            | InputFault::Changed
            | InputFault::ReadAlready => None,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, fault) = match &self.fault {
            InputFault::InSheet { sheet, fault } => {
                (format!("{}[{sheet}]", self.name), fault.as_ref())
            }
            fault => (self.name.to_string(), fault),
        };
        let place = match fault.line() {
            Some(line) => format!("{name}:{line}"),
            None => name,
        };
        match fault {
            InputFault::Header { columns, .. } => {
                let lines: Vec<_> = columns
                    .iter()
                    .map(|fault| format!("{place}: {fault}"))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
            InputFault::Columns { columns } => {
                let lines: Vec<_> = columns
                    .iter()
                    .map(|fault| format!("--columns: {fault}"))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
            fault => write!(f, "{place}: {fault}"),
        }
    }
}

impl Error for InputError {
    /// The system's reason. The fault itself is part of the message already.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            InputFault::InSheet { fault, .. } => fault.source(),
            fault => fault.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Compression;

    #[test]
    fn an_error_names_its_place_once_for_each_of_its_lines() {
        let check = |fault: InputFault, want: &str| {
            let error = InputError {
                name: InputName::from_argument("a.csv".into()),
                fault,
            };
            assert_eq!(error.to_string(), want);
        };
        check(InputFault::Missing, "a.csv: no such file");
        check(
            InputFault::QuoteNotClosed { line: 42 },
            "a.csv:42: a quote opens here that is never closed (--quotes off where quotes are characters)",
        );
        check(
            NotText::CompressedTwice(Compression::Gzip).into(),
            "a.csv: is gzip data within compressed data: unpack it first",
        );
        check(
            InputFault::Stream {
                line: 7,
                fault: StreamFault::CutOff(Compression::Zstd),
            },
            "a.csv:7: the zstd data is cut off here: the file is not whole",
        );
        check(
            InputFault::NoSuchSheet {
                sheet: Some("x".to_owned()),
                sheets: vec!["`a`".to_owned(), "`b`".to_owned()],
            },
            "a.csv: has no sheet `x`; there are `a` and `b`",
        );
        let columns = vec![
            ColumnFault::NoId,
            ColumnFault::NotText {
                column: 7,
                reads_as: None,
            },
        ];
        check(
            InputFault::Header { line: 3, columns },
            "a.csv:3: no column is named `id`, which every row needs (--map COLUMN=id maps another one)\na.csv:3: the name of column 7 is not UTF-8 (--encoding sets another encoding), or save the file as UTF-8",
        );
    }

    #[test]
    fn the_system_s_reason_is_the_source() {
        let reason = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = InputError {
            name: InputName::Stdin,
            fault: InputFault::Open(reason),
        };
        assert_eq!(error.to_string(), "standard input: cannot be opened");
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("permission denied")
        );
    }
}
