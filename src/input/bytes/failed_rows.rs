//! Recognises a file of failed rows by its first bytes.

use crate::input::bytes::BYTE_ORDER_MARK;
use crate::input::bytes::dialect::{Delimiter, Dialect, Escape, Quotes};
use crate::input::bytes::format::Format;

/// The prefix of the columns that custsync adds to failed rows.
pub(crate) const PREFIX: &str = "custsync_";

/// The first of these columns: the row's place in the first input.
pub(crate) const ROW_COLUMN: &str = "custsync_row";

/// The member that custsync adds to failed NDJSON rows.
pub(crate) const KEY: &str = "custsync";

/// Whether an input's rows are original or were written by custsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The input is the user's own.
    First,
    /// custsync wrote the file: it holds the failed rows of another run.
    FailedRows,
}

/// Whether a column or key has a name that custsync gives.
pub(crate) fn is_own(name: &str) -> bool {
    name == KEY || name.starts_with(PREFIX)
}

/// Whether `head` is the start of a file of failed rows.
pub(crate) fn is_failed_rows(head: &[u8]) -> bool {
    format_of(head, None).is_some()
}

/// Returns the format of a file of failed rows that starts with `head`, given the user's `quotes`;
/// `None` for any other input.
pub(crate) fn format_of(head: &[u8], quotes: Option<Quotes>) -> Option<Format> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let blank = head
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let head = head.get(blank..).unwrap_or_default();
    // If our column name is in quotes, the file has quotes.
    let quotes = if head.starts_with(b"\"") {
        Some(Quotes::On)
    } else {
        quotes
    };
    if let Some(delimiter) = delimiter_of(head) {
        return Some(Format::Csv(Dialect::of(delimiter, quotes, Escape::None)));
    }
    // Another program may have made an array of the objects.
    let elements = head.trim_ascii_start().strip_prefix(b"[");
    let format = elements.map_or(Format::Ndjson, |_| Format::JsonArray);
    begins_with_own_member(elements.unwrap_or(head)).then_some(format)
}

/// Returns the byte after the first column's name. A spreadsheet may have put the name in quotes.
fn delimiter_of(head: &[u8]) -> Option<Delimiter> {
    let (name, quote) = match head.strip_prefix(b"\"") {
        Some(name) => (name, &b"\""[..]),
        None => (head, &b""[..]),
    };
    let behind = name
        .strip_prefix(ROW_COLUMN.as_bytes())?
        .strip_prefix(quote)?;
    Delimiter::new(char::from(*behind.first()?)).ok()
}

fn begins_with_own_member(head: &[u8]) -> bool {
    behind_own_key(head).is_some_and(|value| value.starts_with(b"{"))
}

/// Returns the bytes after the key of custsync's own member, if an object begins with it.
pub(crate) fn behind_own_key(object: &[u8]) -> Option<&[u8]> {
    let key = object
        .trim_ascii_start()
        .strip_prefix(b"{")?
        .trim_ascii_start();
    let colon = key
        .strip_prefix(b"\"")?
        .strip_prefix(KEY.as_bytes())?
        .strip_prefix(b"\"")?
        .trim_ascii_start();
    Some(colon.strip_prefix(b":")?.trim_ascii_start())
}
