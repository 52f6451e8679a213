//! Reasons why an input cannot be used. Every error names the input and, if there is one, the line;
//! never a cell's value.

use std::error::Error;
use std::{fmt, io};

use rustix::io::Errno;

use crate::download::{DownloadFault, FaultKind};
use crate::input::blocks::array::ArrayFault;
use crate::input::bytes::archive::fault::ArchiveFault;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::name::InputName;
use crate::input::bytes::not_text::NotText;
use crate::input::bytes::stream_fault::StreamFault;
use crate::input::mapping::column_fault::ColumnFault;
use crate::input::mapping::column_hints::{hint_for_all, hints};

/// An input that cannot be used, or cannot be read further.
#[derive(Debug)]
pub struct InputError {
    /// The input.
    pub name: InputName,
    /// The fault.
    pub fault: InputFault,
}

/// A fault of an input.
#[derive(Debug, thiserror::Error)]
pub enum InputFault {
    /// The file does not exist.
    #[error("no such file")]
    Missing,
    /// The path is a directory.
    #[error("is a directory: name the files in it")]
    Directory,
    /// Opening failed.
    #[error("cannot be opened")]
    Open(#[source] io::Error),
    /// A read failed.
    #[error("cannot be read to its end")]
    Read(#[source] io::Error),
    /// The compressed or encoded stream is truncated or corrupt.
    #[error("{fault}")]
    Stream {
        /// The line up to which it could be read.
        line: u64,
        /// The fault there.
        fault: StreamFault,
    },
    /// A file on a server cannot be read, or not any further.
    #[error("{fault}")]
    Download {
        /// The line up to which it could be read.
        line: Option<u64>,
        /// The fault there.
        fault: DownloadFault,
    },
    /// The input is not text.
    #[error(transparent)]
    NotText(#[from] NotText),
    /// The archive, or its member, cannot be read.
    #[error(transparent)]
    Archive(ArchiveFault),
    /// The workbook cannot be read.
    #[error("is a workbook that cannot be read: {reason}")]
    Workbook {
        /// The reason, safe to show.
        reason: String,
    },
    /// A sheet was named, but the input is not a workbook.
    #[error("is not a workbook, so it has no sheets (--sheet)")]
    NotAWorkbook,
    /// A part of the workbook would take too much memory.
    #[error(
        "is a workbook with a part that unpacks to more than {bytes_max} bytes: save the sheet as CSV (UTF-8)"
    )]
    WorkbookTooLarge {
        /// The largest size of a part.
        bytes_max: u64,
    },
    /// The workbook's shared strings would take too much memory.
    #[error(
        "is a workbook whose texts take more than {bytes_max} bytes of memory: save the sheet as CSV (UTF-8)"
    )]
    WorkbookTexts {
        /// The most memory that they may take.
        bytes_max: usize,
    },
    /// The end of the workbook is missing.
    #[error("the workbook is cut off: its end is missing; copy or download it again")]
    WorkbookCutOff,
    /// The workbook does not have the sheet that was asked for, or has none that is read by
    /// default.
    #[error(
        "has no {}; there {}",
        .sheet.as_deref().map_or_else(
            || "visible sheet with a table (--sheet names any sheet)".to_owned(),
            |sheet| format!("sheet `{sheet}`")
        ),
        listed(.sheets)
    )]
    NoSuchSheet {
        /// The sheet that was asked for, safe to show.
        sheet: Option<String>,
        /// The sheets of the workbook, in quotes, safe to show.
        sheets: Vec<String>,
    },
    /// The sheet that was asked for has no rows.
    #[error("has a {kind} in sheet `{sheet}`, not a table")]
    NoTable {
        /// The sheet, safe to show.
        sheet: String,
        /// The kind of the sheet.
        kind: &'static str,
    },
    /// A fault in a sheet of a workbook.
    #[error("{fault}")]
    InSheet {
        /// The sheet, safe to show.
        sheet: String,
        /// The fault.
        #[source]
        fault: Box<InputFault>,
    },
    /// The first record does not show which delimiter the input has.
    #[error("the delimiter is ambiguous: it could be {} (name it with --delimiter C)", either(.delimiters))]
    DelimiterInDoubt {
        /// The line of the first record.
        line: u64,
        /// The possible delimiters.
        delimiters: Vec<Delimiter>,
    },
    /// The input has no header, and the user did not name the columns.
    #[error(
        "has no header (--no-header), so its columns have to be named: --columns id,first_name,..."
    )]
    NoColumns,
    /// The columns of `--columns` cannot be used. Holds all faults.
    #[error("the columns cannot be used")]
    Columns {
        /// The place where the user names them, safe to show.
        place: String,
        /// The file of settings with the user's rules for columns, safe to show.
        rules_file: Option<String>,
        /// The faults. Never empty.
        columns: Vec<ColumnFault>,
    },
    /// The input is a JSON array that is not well-formed between its elements.
    #[error("{fault}")]
    JsonArray {
        /// The line of the fault.
        line: u64,
        /// The fault.
        fault: ArrayFault,
    },
    /// The input begins with a JSON object that spans several lines.
    #[error(
        "is JSON that spans several lines: write one object per line (NDJSON), as `jq -c . FILE` does"
    )]
    JsonOverLines {
        /// The line on which the object starts.
        line: u64,
    },
    /// The input is one JSON object that has no fields, but an array of objects.
    #[error(
        "is one JSON object with {}",
        match (.path, .has_others) {
            (Some(path), false) => format!("an array in it: --json-path {path} reads the array"),
            (Some(path), true) => {
                format!("several arrays in it: --json-path {path} reads one of them")
            }
            (None, false) => {
                "an array in it: --json-path KEY reads the array, where KEY is its name".to_owned()
            }
            (None, true) => {
                "several arrays in it: --json-path KEY reads one, where KEY is its name".to_owned()
            }
        }
    )]
    ArrayInObject {
        /// The line on which the object starts.
        line: u64,
        /// The place of the array, if its keys are words that may be shown.
        path: Option<String>,
        /// Whether the object has other arrays.
        has_others: bool,
    },
    /// The input is empty, or has only blank lines.
    #[error("is empty")]
    Empty,
    /// The file was replaced since it was checked, is shorter, or has other columns.
    #[error(
        "has changed since the start (it was replaced, is shorter, or has another header or format): restore the original"
    )]
    Changed,
    /// The input can be read only once, and was read.
    #[error("can be read only once")]
    ReadAlready,
    /// The header has too many columns.
    #[error(
        "the header has {columns} columns, more than {columns_max}: is the delimiter right? (--delimiter C)"
    )]
    TooManyColumns {
        /// The header's line.
        line: u64,
        /// The number of columns.
        columns: usize,
        /// The largest number of columns.
        columns_max: usize,
    },
    /// The first record holds values. They are a customer's, so the message names none of them.
    #[error(
        "is not a header: the first line must name the columns (`id`, `first_name`, …), but looks like a row of values (if there is no header: --no-header --columns id,first_name,...)"
    )]
    NoHeader {
        /// The line of its first record.
        line: u64,
    },
    /// The first record has no known name. It may hold a customer's values, so the message names
    /// none of its cells.
    #[error("{}", none_known(*.columns, *.likely))]
    NoneKnown {
        /// The line of its first record.
        line: u64,
        /// The number of its columns.
        columns: usize,
        /// A delimiter that would give known names.
        likely: Option<Delimiter>,
        /// The file of settings with the user's rules for columns, safe to show.
        rules_file: Option<String>,
    },
    /// The name says CSV, but the first record begins as a JSON object does.
    #[error("is not a header: it begins like JSON (--format ndjson)")]
    LooksLikeJson {
        /// The line of its first record.
        line: u64,
    },
    /// The first record has no known name, and a later one does.
    #[error(
        "names no field of the API, but line {header_line} looks like a header: --header-row {header_line}"
    )]
    HeaderBelow {
        /// The line of its first record.
        line: u64,
        /// The line of that later record.
        header_line: u64,
    },
    /// The input ends before the line of its header.
    #[error("has no line {row}, where its header should be (--header-row)")]
    NoHeaderRow {
        /// The line.
        row: u64,
    },
    /// The line of the header is blank.
    #[error("is blank, so it cannot be the header (--header-row)")]
    HeaderRowBlank {
        /// The line.
        line: u64,
    },
    /// The quotes of the header are not those of the dialect, or are ambiguous.
    #[error("the header cannot be used: {fault}")]
    HeaderQuotes {
        /// The header's line.
        line: u64,
        /// The fault, with its column.
        fault: String,
    },
    /// Columns of the header cannot be used. Holds all faults. The message has one line for each, and
    /// below them the remedies.
    #[error("the header cannot be used")]
    Header {
        /// The header's line.
        line: u64,
        /// The faults. Never empty.
        columns: Vec<ColumnFault>,
        /// The file of settings with the user's rules for columns, safe to show.
        rules_file: Option<String>,
    },
    /// A record is too long.
    #[error("the record that starts here is longer than {bytes_max} bytes")]
    RecordTooLong {
        /// The line on which it starts.
        line: u64,
        /// The largest size of a record, with its line end.
        bytes_max: usize,
    },
    /// A quoted field is longer than a record may be.
    #[error(
        "the quote that opens here is not closed within {bytes_max} bytes, the largest size of a record"
    )]
    QuoteTooLong {
        /// The line of the quote.
        line: u64,
        /// The largest size of a record, with its line end.
        bytes_max: usize,
    },
    /// A quoted field is not closed before the end of the input.
    #[error(
        "the quote that opens here is never closed (--quotes off if quotes are ordinary characters)"
    )]
    QuoteNotClosed {
        /// The line of the quote.
        line: u64,
    },
}

/// The largest number of names that are listed; the others are counted.
const LISTED_MAX: usize = 20;

/// Returns the names with their verb.
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

/// Returns the message for a header without a known name, with suggestions.
fn none_known(columns: usize, likely: Option<Delimiter>) -> String {
    let right = match likely {
        Some(delimiter) => format!("is the delimiter {delimiter}? (--delimiter C)"),
        None => "is the delimiter right? (--delimiter C)".to_owned(),
    };
    let missing = "is the header missing? (--no-header --columns id,first_name,... names the columns; --map COLUMN=FIELD accepts other names)";
    match (columns, likely) {
        (1, _) => format!("the header has one column, which is not a field of the API: {right}"),
        (_, Some(_)) => format!("none of the {columns} columns is known: {right}"),
        (_, None) => format!("none of the {columns} columns is known: {missing}"),
    }
}

fn either(delimiters: &[Delimiter]) -> String {
    let shown: Vec<_> = delimiters.iter().map(ToString::to_string).collect();
    shown.join(" or ")
}

impl InputFault {
    /// Converts the error of a failed read. `line` is the line up to which the input was read.
    pub(crate) fn of_read(error: io::Error, line: u64) -> InputFault {
        let error = match error.downcast::<StreamFault>() {
            Ok(fault) => return InputFault::Stream { line, fault },
            Err(error) => error,
        };
        match error.downcast::<DownloadFault>() {
            Ok(fault) => {
                let line = Some(line);
                InputFault::Download { line, fault }
            }
            Err(error) => InputFault::Read(error),
        }
    }

    /// Returns the kind of a fault. Only a file on a server may be there later, or be replaced.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            InputFault::Download { fault, .. } => fault.kind(),
            _ => FaultKind::Unusable,
        }
    }

    /// Whether opening failed because the process, or the system, has too many open files.
    pub fn is_for_lack_of_descriptors(&self) -> bool {
        let InputFault::Open(error) = self else {
            return false;
        };
        let errno = error.raw_os_error().map(Errno::from_raw_os_error);
        matches!(errno, Some(Errno::MFILE | Errno::NFILE))
    }

    /// Returns `HeaderBelow` if the header has no known name and a line `below` it looks like a
    /// header; else the fault itself.
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
            InputFault::Download { line, .. } => line,
            InputFault::Stream { line, .. }
            | InputFault::DelimiterInDoubt { line, .. }
            | InputFault::TooManyColumns { line, .. }
            | InputFault::NoHeader { line }
            | InputFault::JsonOverLines { line }
            | InputFault::ArrayInObject { line, .. }
            | InputFault::JsonArray { line, .. }
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
            | InputFault::Archive(_)
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
            | InputFault::Empty
            | InputFault::Changed
            | InputFault::ReadAlready => None,
        }
    }
}

impl From<ArchiveFault> for InputFault {
    fn from(fault: ArchiveFault) -> InputFault {
        match fault {
            ArchiveFault::Open(error) if error.kind() == io::ErrorKind::NotFound => {
                InputFault::Missing
            }
            ArchiveFault::Open(error) => InputFault::Open(error),
            ArchiveFault::Changed => InputFault::Changed,
            fault => InputFault::Archive(fault),
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
            InputFault::Header {
                columns,
                rules_file,
                ..
            } => {
                let lines = columns.iter().map(|fault| format!("{place}: {fault}"));
                let hints = hints(columns, Some(&self.name), rules_file.as_deref());
                let lines: Vec<_> = lines.chain(hints).collect();
                f.write_str(&lines.join("\n"))
            }
            InputFault::Columns {
                place,
                columns,
                rules_file,
            } => {
                let lines = columns.iter().map(|fault| format!("{place}: {fault}"));
                let hints = hints(columns, None, rules_file.as_deref());
                let lines: Vec<_> = lines.chain(hints).collect();
                f.write_str(&lines.join("\n"))
            }
            InputFault::NoneKnown {
                columns: 2..,
                likely: None,
                rules_file,
                ..
            } => {
                let hint = hint_for_all(&self.name, rules_file.as_deref());
                write!(f, "{place}: {fault}\n{hint}")
            }
            fault => write!(f, "{place}: {fault}"),
        }
    }
}

impl Error for InputError {
    /// Returns the system's reason. The fault itself is already part of the message.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.fault {
            InputFault::InSheet { fault, .. } => fault.source(),
            InputFault::Download { fault, .. } => fault.source(),
            fault => fault.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::bytes::compression::{Compression, Packed};

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
            "a.csv:42: the quote that opens here is never closed (--quotes off if quotes are ordinary characters)",
        );
        check(
            NotText::CompressedTwice(Compression::Gzip).into(),
            "a.csv: is gzip data within compressed data: unpack it first",
        );
        check(
            InputFault::Stream {
                line: 7,
                fault: StreamFault::CutOff(Packed::By(Compression::Zstd)),
            },
            "a.csv:7: the zstd data is cut off here: the file is incomplete; copy or download it again",
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
            InputFault::Header {
                line: 3,
                columns,
                rules_file: None,
            },
            "a.csv:3: no column is named `id`, which every row needs (--map COLUMN=id maps another one)\na.csv:3: the name of column 7 is not UTF-8 (--encoding sets another encoding); or save the file as UTF-8",
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
