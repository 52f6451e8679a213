//! The format of failed rows: custsync's own columns or member first, then the row as it was in the
//! first input.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::spool::SpooledRow;
use crate::contract::FieldSet;
use crate::input::{
    Bom, CsvLayout, Escape, KnownInput, Layout, Overtaken, OwnPart, Quotes, Texts, Withheld,
};

/// custsync's columns, in front of the row's own.
const COLUMNS: [&str; 4] = [
    "custsync_row",
    "custsync_outcome",
    "custsync_error",
    "custsync_overtaken",
];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The format of the files of failed rows (`--failed-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailedFormat {
    /// The format of the input.
    #[default]
    Auto,
    /// The format of the input, but CSV begins with a byte order mark and has CRLF line ends, for
    /// Excel.
    ExcelCsv,
}

/// The file of failed rows of one input: its name and its format.
#[derive(Debug)]
pub(super) struct FileForm {
    /// The file's name.
    name: String,
    /// The input's name, safe to show.
    input: String,
    layout: Arc<Layout>,
    format: FailedFormat,
}

/// The remarks of this run about a row.
struct Remarks {
    /// The row's place in this input.
    place: String,
    outcome: &'static str,
    error: String,
    withheld: Withheld,
}

/// The longest reason in custsync's own columns, in bytes: an API's text may have any length.
const REASON_BYTES_MAX: usize = 16 << 10;

/// The way to write custsync's own CSV cells, so that they are read alike whatever the quote
/// settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnCells {
    /// In quotes where needed: quotes are quotes for every reader.
    InQuotes,
    /// Without delimiters, quotes and line ends: the reader may take quotes for characters.
    Bare,
}

/// custsync's own member of an NDJSON row.
#[derive(Serialize)]
struct OwnMember<'a> {
    row: &'a RawValue,
    outcome: &'a str,
    error: &'a str,
    overtaken: &'a [Value],
}

impl FileForm {
    /// Creates the files' forms for all inputs, in order.
    pub(super) fn of_all(inputs: &[KnownInput], format: FailedFormat) -> Vec<FileForm> {
        let of = |(index, input): (usize, &KnownInput)| {
            let number = if inputs.len() > 1 {
                format!("-{}", index + 1)
            } else {
                String::new()
            };
            FileForm::new(
                &number,
                input.name().to_string(),
                input.layout().clone(),
                format,
            )
        };
        inputs.iter().enumerate().map(of).collect()
    }

    /// Creates the form for an input with this name and layout; `number` makes its file's name
    /// unique.
    pub(super) fn new(
        number: &str,
        input: String,
        layout: Arc<Layout>,
        format: FailedFormat,
    ) -> FileForm {
        let extension = match layout.delimited() {
            Some(csv) if csv.delimiter().byte() == b'\t' => "tsv",
            Some(_) => "csv",
            None => "ndjson",
        };
        FileForm {
            name: format!("failed{number}.{extension}"),
            input,
            layout,
            format,
        }
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the first bytes of the file.
    pub(super) fn start(&self) -> Vec<u8> {
        let mut start = self.bom().to_vec();
        if let Some(csv) = self.layout.delimited() {
            start.extend_from_slice(&header(csv));
            start.extend_from_slice(self.line_end());
        }
        start
    }

    /// Formats a row as a line of the file.
    pub(super) fn line(&self, row: &SpooledRow<'_>, overtaken: FieldSet, raw: &[u8]) -> Vec<u8> {
        let own = self.layout.own_part(raw);
        let withheld = match own.overtaken {
            Overtaken::Read(earlier) => row.withheld(overtaken).union(earlier),
            Overtaken::Unread(_) => row.withheld(overtaken),
        };
        let remarks = Remarks {
            place: format!("{}:{}", self.input, row.line),
            outcome: row.outcome.name(),
            error: with_withheld(&shortened(&row.error), own.texts, withheld),
            withheld,
        };
        let mut line = match self.layout.delimited() {
            Some(csv) => csv_line(&remarks, &own, csv),
            None => ndjson_line(&remarks, &own),
        };
        line.extend_from_slice(self.line_end());
        line
    }

    /// Returns a byte order mark if a program that reads the input may not expect UTF-8, which
    /// failed rows are in.
    fn bom(&self) -> &'static [u8] {
        match (self.layout.bom(), self.is_for_excel()) {
            (Bom::Write, _) | (Bom::Omit, true) => BYTE_ORDER_MARK,
            (Bom::Omit, false) => b"",
        }
    }

    fn line_end(&self) -> &'static [u8] {
        if self.is_for_excel() { b"\r\n" } else { b"\n" }
    }

    /// Whether the file is CSV as Excel opens it.
    fn is_for_excel(&self) -> bool {
        match self.format {
            FailedFormat::ExcelCsv => self.layout.delimited().is_some(),
            FailedFormat::Auto => false,
        }
    }
}

/// Returns the header of a file of failed rows. If the input's names are in quotes, custsync's are
/// too, which shows readers that quotes are quotes.
fn header(csv: &CsvLayout) -> Vec<u8> {
    let own = COLUMNS.map(|name| {
        if shows_quotes(csv) {
            in_quotes(name)
        } else {
            name.as_bytes().to_vec()
        }
    });
    let header = match csv.dialect().escape {
        Escape::None => csv.header().to_vec(),
        Escape::Backslash => {
            let names: Vec<_> = csv
                .names()
                .iter()
                .skip(csv.own_columns())
                .map(|name| in_quotes(name))
                .collect();
            names.join(&csv.delimiter().byte())
        }
    };
    own.into_iter()
        .chain([header])
        .collect::<Vec<_>>()
        .join(&csv.delimiter().byte())
}

/// Whether the file's header shows that quotes are quotes. Rows are written without the input's
/// escapes, and then in quotes.
fn shows_quotes(csv: &CsvLayout) -> bool {
    match (csv.dialect().escape, csv.dialect().quotes) {
        (Escape::Backslash, _) => true,
        (Escape::None, Quotes::On) => csv.header().starts_with(b"\""),
        (Escape::None, Quotes::Off | Quotes::InDoubt) => false,
    }
}

fn csv_line(remarks: &Remarks, own: &OwnPart<'_>, csv: &CsvLayout) -> Vec<u8> {
    let (delimiter, cells) = (csv.delimiter().byte(), OwnCells::of(csv));
    let place = match (&own.place, cells) {
        (Some(place), OwnCells::InQuotes) => place.clone(),
        (Some(place), OwnCells::Bare) => Cow::Owned(cells.cell(&without_quotes(place), delimiter)),
        (None, OwnCells::InQuotes | OwnCells::Bare) => {
            Cow::Owned(cells.cell(&remarks.place, delimiter))
        }
    };
    let unread = match &own.overtaken {
        Overtaken::Read(_) => None,
        Overtaken::Unread(text) => Some(text.clone().into_owned()),
    };
    let names: Vec<_> = unread
        .into_iter()
        .chain(remarks.withheld.names().map(Cow::into_owned))
        .collect();
    // Names are separated by spaces or commas; a cell without quotes cannot contain the delimiter.
    let overtaken = cells.cell(
        &names.join(if delimiter == b' ' { "," } else { " " }),
        delimiter,
    );
    let error = match cells {
        OwnCells::InQuotes => in_quotes(&remarks.error),
        OwnCells::Bare => cells.cell(&remarks.error, delimiter),
    };
    [
        &place,
        remarks.outcome.as_bytes(),
        &error,
        &overtaken,
        &own.rest,
    ]
    .join(&delimiter)
}

impl OwnCells {
    fn of(csv: &CsvLayout) -> OwnCells {
        // TSV may be read with another quote setting next time.
        let is_csv = csv.dialect().quotes == Quotes::On && csv.delimiter().byte() != b'\t';
        if is_csv || shows_quotes(csv) {
            OwnCells::InQuotes
        } else {
            OwnCells::Bare
        }
    }

    /// Formats a cell with this text.
    fn cell(self, text: &str, delimiter: u8) -> Vec<u8> {
        let needs_quotes = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
        match self {
            OwnCells::InQuotes if text.bytes().any(needs_quotes) => in_quotes(text),
            OwnCells::InQuotes => text.as_bytes().to_vec(),
            OwnCells::Bare => {
                // `_` is never a delimiter.
                let instead = |usual: u8| if usual == delimiter { b'_' } else { usual };
                let bare = |byte: u8| match byte {
                    b'"' => instead(b'\''),
                    byte if needs_quotes(byte) => instead(b' '),
                    byte => byte,
                };
                text.bytes().map(bare).collect()
            }
        }
    }
}

/// Formats a cell with this text in quotes (RFC 4180 §2).
fn in_quotes(text: &str) -> Vec<u8> {
    format!("\"{}\"", text.replace('"', "\"\"")).into_bytes()
}

/// Returns a cell's text without the quotes around it.
fn without_quotes(cell: &[u8]) -> Cow<'_, str> {
    let inside = cell
        .strip_prefix(b"\"")
        .and_then(|cell| cell.strip_suffix(b"\""));
    match inside {
        Some(inside) => Cow::Owned(String::from_utf8_lossy(inside).replace("\"\"", "\"")),
        None => String::from_utf8_lossy(cell),
    }
}

/// Inserts custsync's member in front of the object's own. A row that is not an object stays as it
/// is.
fn ndjson_line(remarks: &Remarks, own: &OwnPart<'_>) -> Vec<u8> {
    let Some(members) = own.rest.trim_ascii_start().strip_prefix(b"{") else {
        return on_one_line(own.rest.to_vec());
    };
    let place = own
        .place
        .as_deref()
        .and_then(json_text)
        .unwrap_or_else(|| json_of(&remarks.place));
    let mut names = match &own.overtaken {
        Overtaken::Read(_) => Vec::new(),
        Overtaken::Unread(json) => match serde_json::from_str(json) {
            Ok(Value::Array(names)) => names,
            Ok(other) => vec![other],
            Err(_) => Vec::new(),
        },
    };
    names.extend(remarks.withheld.names().map(Value::from));
    let said = OwnMember {
        row: &place,
        outcome: remarks.outcome,
        error: &remarks.error,
        overtaken: &names,
    };
    let said = serde_json::to_vec(&said).expect("texts, written to memory, cannot fail");
    let mut line = [b"{\"custsync\":", said.as_slice()].concat();
    if members.trim_ascii() != b"}" {
        line.push(b',');
    }
    line.extend_from_slice(members);
    on_one_line(line)
}

/// Returns a JSON value without line feeds, which an element of an array may have. A tab is white
/// space between tokens, too, and as invalid as a line feed within a string (RFC 8259 §7), so the
/// row is read as before.
fn on_one_line(mut json: Vec<u8>) -> Vec<u8> {
    for byte in json.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b'\t';
    }
    json
}

fn json_of(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("texts, written to memory, cannot fail")
}

/// Parses JSON from a row.
fn json_text(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}

/// Returns the beginning of a reason that is too long.
fn shortened(reason: &str) -> Cow<'_, str> {
    match reason.get(..reason.floor_char_boundary(REASON_BYTES_MAX)) {
        Some(beginning) if beginning.len() < reason.len() => Cow::Owned(format!("{beginning} ...")),
        Some(_) | None => Cow::Borrowed(reason),
    }
}

/// Returns the reason why a row ended badly, with what happened to its fields since and how to send
/// it in spite of that.
fn with_withheld(reason: &str, texts: Texts, withheld: Withheld) -> String {
    let marked = match texts {
        Texts::Good => None,
        Texts::Marked => Some(
            "here, write its text as it is meant, without the backslash behind its quotes"
                .to_owned(),
        ),
    };
    let fields = match withheld.fields {
        FieldSet::EMPTY => None,
        FieldSet::ALL => Some("a later row of this customer was sent instead".to_owned()),
        fields => {
            let names = fields.names().collect::<Vec<_>>().join(", ");
            Some(format!("later rows of this customer have set {names}"))
        }
    };
    let marks: Vec<_> = Withheld {
        fields: FieldSet::EMPTY,
        ..withheld
    }
    .names()
    .map(|name| format!("`{name}`"))
    .collect();
    let way_out = (!marks.is_empty()).then(|| {
        format!(
            "to send this row after all, remove {} from custsync_overtaken",
            marks.join(" and ")
        )
    });
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    reason
        .into_iter()
        .chain(marked)
        .chain(fields)
        .chain(way_out)
        .collect::<Vec<_>>()
        .join("; ")
}
