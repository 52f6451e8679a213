//! Failed rows as CSV: custsync's columns, then the row's bytes.

use std::borrow::Cow;

use super::remarks::{COLUMNS, Remarks};
use crate::input::{CsvLayout, Escape, Overtaken, OwnPart, Quotes};

/// The way to write custsync's own CSV cells, so that they are read alike whatever the quote
/// settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OwnCells {
    /// In quotes where needed: quotes are quotes for every reader.
    InQuotes,
    /// Without delimiters, quotes and line ends: the reader may take quotes for characters.
    Bare,
}

/// Returns the header of a file of failed rows. If the input's names are in quotes, custsync's are
/// too, which shows readers that quotes are quotes.
pub(super) fn header(csv: &CsvLayout) -> Vec<u8> {
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

/// Formats a row as a record of the file, without its line end.
pub(super) fn line(remarks: &Remarks, own: &OwnPart<'_>, csv: &CsvLayout) -> Vec<u8> {
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
    let names = remarks.withheld_names(unread);
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
pub(super) fn without_quotes(cell: &[u8]) -> Cow<'_, str> {
    let inside = cell
        .strip_prefix(b"\"")
        .and_then(|cell| cell.strip_suffix(b"\""));
    match inside {
        Some(inside) => Cow::Owned(String::from_utf8_lossy(inside).replace("\"\"", "\"")),
        None => String::from_utf8_lossy(cell),
    }
}
