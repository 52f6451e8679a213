//! Quotes and escapes of a cell: its meaning, and its faults. Rows without quotes or escapes never
//! come here.
//!
//! Blocks and records end where the `csv` crate ends them, whatever is wrong with the quotes. A
//! cell that a strict reader (RFC 4180 §2) would refuse makes its row invalid: a missing quote must
//! not move one customer's data into another's record.

use std::fmt;

use memchr::memchr;

use crate::input::bytes::dialect::{Dialect, Escape, Quotes};
use crate::input::mapping::own_columns::number_of_column;

/// A fault of a cell's quotes or escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuoteFault {
    /// Text follows the closing quote.
    TextBehindQuote,
    /// Blanks precede the opening quote.
    BlankBeforeQuote,
    /// The cell is in quotes, in a dialect where they may be characters.
    InQuotes,
    /// The cell begins with a quote that it does not close, in such a dialect.
    QuoteNotClosed,
    /// A backslash precedes a character that cannot be escaped.
    UnknownEscape,
    /// A backslash is its last byte.
    NothingEscaped,
    /// A backslash alone follows the closing quote. custsync marks texts in this way that it could
    /// not read.
    Marked,
}

/// A fault of a column of a record. Its message follows the record's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ColumnQuoteFault {
    /// The column, from 0.
    pub(crate) column: usize,
    /// The number of custsync's own columns at the start.
    pub(crate) own_columns: usize,
    pub(crate) fault: QuoteFault,
}

impl ColumnQuoteFault {
    /// Returns the fault with the number of custsync's own columns set.
    pub(crate) fn behind(self, own_columns: usize) -> ColumnQuoteFault {
        ColumnQuoteFault {
            own_columns,
            ..self
        }
    }
}

impl QuoteFault {
    /// Returns the fault of a cell with these bytes, if it has one.
    pub(crate) fn of(cell: &[u8], dialect: Dialect) -> Option<QuoteFault> {
        let is_opened = cell.first() == Some(&b'"');
        let fault = match dialect.quotes {
            Quotes::On if is_opened => {
                let behind = closing_quote(cell, dialect.escape)
                    .and_then(|at| cell.get(at + 1..))
                    .unwrap_or_default();
                match (behind, dialect.escape) {
                    ([], _) => None,
                    (MARK, Escape::None) => Some(QuoteFault::Marked),
                    (_, Escape::None | Escape::Backslash) => Some(QuoteFault::TextBehindQuote),
                }
            }
            Quotes::On => is_quote_behind_blanks(cell).then_some(QuoteFault::BlankBeforeQuote),
            Quotes::InDoubt if is_opened && cell.len() > 1 => {
                match closing_quote(cell, dialect.escape) {
                    _ if cell.ends_with(b"\"") => Some(QuoteFault::InQuotes),
                    Some(_) => None,
                    None => Some(QuoteFault::QuoteNotClosed),
                }
            }
            Quotes::InDoubt | Quotes::Off => None,
        };
        fault.or_else(|| match dialect.escape {
            Escape::None => None,
            Escape::Backslash => escape_fault(cell, dialect.quotes),
        })
    }
}

/// The mark after the quotes of a text that could not be read in the dialect of its input.
const MARK: &[u8] = b"\\";

/// Converts a cell for a file without escapes (RFC 4180). A cell that could not be read is marked,
/// so that its row stays invalid until the user corrects it: its good escapes are resolved, and a
/// bad one is still there.
pub(crate) fn without_escapes(cell: &[u8], dialect: Dialect) -> Vec<u8> {
    match QuoteFault::of(cell, dialect) {
        None => quoted(&unescaped(cell, dialect.quotes)),
        Some(QuoteFault::UnknownEscape | QuoteFault::NothingEscaped) => {
            [&quoted(&unescaped(cell, dialect.quotes)), MARK].concat()
        }
        Some(_) => [&quoted(cell), MARK].concat(),
    }
}

/// Returns the position of the quote that closes a quoted cell.
fn closing_quote(cell: &[u8], escape: Escape) -> Option<usize> {
    let mut at = 1;
    loop {
        if escape == Escape::None {
            at += memchr(b'"', cell.get(at..)?)?;
        }
        match (cell.get(at)?, cell.get(at + 1), escape) {
            (b'\\', _, Escape::Backslash) | (b'"', Some(b'"'), _) => at += 2,
            (b'"', _, _) => return Some(at),
            _ => at += 1,
        }
    }
}

/// Whether the first visible character is a quote that other characters precede.
fn is_quote_behind_blanks(cell: &[u8]) -> bool {
    let is_blank =
        |character: char| character.is_whitespace() || matches!(character, '\u{200b}' | '\u{feff}');
    let text = memchr(b'"', cell)
        .and_then(|quote| cell.get(..quote))
        .and_then(|text| std::str::from_utf8(text).ok());
    text.is_some_and(|text| !text.is_empty() && text.chars().all(is_blank))
}

fn escape_fault(cell: &[u8], quotes: Quotes) -> Option<QuoteFault> {
    if is_null_word(cell, quotes) {
        return None;
    }
    let mut rest = cell;
    while let Some((_, behind)) = memchr(b'\\', rest).and_then(|at| rest.split_at_checked(at + 1)) {
        let Some((escaped, behind)) = behind.split_first() else {
            return Some(QuoteFault::NothingEscaped);
        };
        if !can_be_escaped(*escaped) {
            return Some(QuoteFault::UnknownEscape);
        }
        rest = behind;
    }
    None
}

fn can_be_escaped(byte: u8) -> bool {
    byte.is_ascii_punctuation() || byte.is_ascii_whitespace() || meaning(byte) != byte
}

/// Returns the character that a backslash and `escaped` mean.
fn meaning(escaped: u8) -> u8 {
    match escaped {
        b'0' => 0,
        b'b' => 0x08,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'Z' => 0x1a,
        itself => itself,
    }
}

/// Whether a cell is `\N`, the null of `MySQL`. It is kept as text, for `--null-string`.
fn is_null_word(cell: &[u8], quotes: Quotes) -> bool {
    cell == b"\\N" || (quotes == Quotes::On && cell == b"\"\\N\"")
}

/// Resolves the escapes of a cell, and its quotes if the dialect has them. A backslash that escapes
/// nothing is kept.
pub(crate) fn unescaped(cell: &[u8], quotes: Quotes) -> Vec<u8> {
    if is_null_word(cell, quotes) {
        return b"\\N".to_vec();
    }
    let inside = cell.strip_prefix(b"\"").filter(|_| quotes == Quotes::On);
    let mut text = Vec::with_capacity(cell.len());
    let mut rest = inside.unwrap_or(cell);
    loop {
        let (byte, behind) = match rest {
            [] => return text,
            [b'\\', escaped, behind @ ..] if can_be_escaped(*escaped) => {
                (meaning(*escaped), behind)
            }
            [b'"', b'"', behind @ ..] if inside.is_some() => (b'"', behind),
            [b'"', behind @ ..] if inside.is_some() => {
                rest = behind;
                continue;
            }
            [byte, behind @ ..] => (*byte, behind),
        };
        text.push(byte);
        rest = behind;
    }
}

/// Returns the text in quotes and after them. `inside` starts after the opening quote.
pub(crate) fn unquoted(inside: &[u8]) -> Vec<u8> {
    let mut cell = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((text, quote)) =
        memchr(b'"', rest).and_then(|quote| rest.split_at_checked(quote))
    {
        cell.extend_from_slice(text);
        match quote {
            [_, b'"', behind @ ..] => {
                cell.push(b'"');
                rest = behind;
            }
            [_, behind @ ..] | behind => {
                cell.extend_from_slice(behind);
                return cell;
            }
        }
    }
    cell.extend_from_slice(rest);
    cell
}

/// Returns a text as a quoted cell (RFC 4180 §2). NUL would make the file binary, so it is replaced
/// by U+FFFD. The value stays invalid.
pub(crate) fn quoted(text: &[u8]) -> Vec<u8> {
    let mut cell = vec![b'"'];
    for byte in text {
        match byte {
            b'"' => cell.extend_from_slice(b"\"\""),
            0 => cell.extend_from_slice("\u{fffd}".as_bytes()),
            byte => cell.push(*byte),
        }
    }
    cell.push(b'"');
    cell
}

impl fmt::Display for ColumnQuoteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const BOTH: &str = "--quotes on reads quotes as marks around the value (Excel, pandas), --quotes off as part of it (MySQL, PostgreSQL)";
        let number = number_of_column(self.column, self.own_columns);
        let column = if self.column < self.own_columns {
            format!("{number} of custsync's own")
        } else {
            number.to_string()
        };
        match self.fault {
            QuoteFault::Marked => write!(
                f,
                "a backslash follows the closing quote of column {column} (it marks a text that could not be read: correct the text and remove the backslash)"
            ),
            QuoteFault::TextBehindQuote => write!(
                f,
                "text follows a closing quote in column {column} (a quote inside a cell is written twice; is a quote missing before it?)"
            ),
            QuoteFault::BlankBeforeQuote => write!(
                f,
                "a blank precedes the quote in column {column}, so it does not open a quoted cell (remove the blank; --quotes off reads quotes as ordinary characters)"
            ),
            QuoteFault::InQuotes => {
                write!(f, "column {column} begins and ends with a quote: {BOTH}")
            }
            QuoteFault::QuoteNotClosed => {
                write!(
                    f,
                    "column {column} begins with a quote that is not closed in it: {BOTH}"
                )
            }
            QuoteFault::UnknownEscape => write!(
                f,
                "a backslash in column {column} precedes a character that MySQL does not escape (without --escape, it is an ordinary character)"
            ),
            QuoteFault::NothingEscaped => write!(
                f,
                "column {column} ends in a backslash that escapes nothing"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::bytes::dialect::Delimiter;

    fn fault(cell: &str, quotes: Quotes, escape: Escape) -> Option<QuoteFault> {
        QuoteFault::of(
            cell.as_bytes(),
            Dialect {
                delimiter: Delimiter::COMMA,
                quotes,
                escape,
            },
        )
    }

    #[test]
    fn a_cell_that_a_strict_reader_refuses_is_faulty() {
        let check =
            |cell: &str, want| assert_eq!(fault(cell, Quotes::On, Escape::None), want, "{cell}");
        for good in [
            "",
            "a",
            "5\" pipe",
            "a \"b\" c",
            "\"\"",
            "\"a\"",
            "\"a\"\"b\"",
            "\"\"\"\"",
            "  ",
            "a \"",
            "\"a\nb\"",
        ] {
            check(good, None);
        }
        for faulty in [
            "\"a\"b",
            "\"a\" ",
            "\"\"a",
            "\"\"\"\" ",
            "\"a\"b\"",
            "\"a\"\u{a0}",
        ] {
            check(faulty, Some(QuoteFault::TextBehindQuote));
        }
        for faulty in [" \"a\"", "\t\"", "\u{a0} \"a\"", "\u{feff}\"a\""] {
            check(faulty, Some(QuoteFault::BlankBeforeQuote));
        }
    }

    #[test]
    fn a_cell_that_can_be_meant_both_ways_is_in_doubt() {
        let check = |cell: &str, want| {
            assert_eq!(fault(cell, Quotes::InDoubt, Escape::None), want, "{cell}");
            assert_eq!(fault(cell, Quotes::Off, Escape::None), None, "{cell}");
        };
        for good in ["", "a", "\"", "5\"", "\"Old Mill\", 5", "a \"b\"", " \"a\""] {
            check(good, None);
        }
        for in_doubt in ["\"\"", "\"a\"", "\"a\"\"b\"", "\"a\" and \"b\""] {
            check(in_doubt, Some(QuoteFault::InQuotes));
        }
        check("\"a", Some(QuoteFault::QuoteNotClosed));
        check("\"a\"\"", Some(QuoteFault::InQuotes));
        check("\"a\"\"b", Some(QuoteFault::QuoteNotClosed));
    }

    #[test]
    fn escapes_are_those_of_mysql() {
        let check = |cell: &str, quotes, want: Result<&str, QuoteFault>| {
            let found = match fault(cell, quotes, Escape::Backslash) {
                None => Ok(String::from_utf8(unescaped(cell.as_bytes(), quotes)).expect("a text")),
                Some(fault) => Err(fault),
            };
            assert_eq!(found.as_deref(), want.as_ref().map(|text| *text), "{cell}");
        };
        check(
            "\"a \\\"b\\\" \\\\ \"\"c\"\"\"",
            Quotes::On,
            Ok("a \"b\" \\ \"c\""),
        );
        check(
            "a\\tb\\nc\\rd\\0e\\bf\\Zg",
            Quotes::Off,
            Ok("a\tb\nc\rd\0e\u{8}f\u{1a}g"),
        );
        check("a\\,b\\\nc\\\r\nd\\'", Quotes::Off, Ok("a,b\nc\r\nd'"));
        check("\\N", Quotes::On, Ok("\\N"));
        check("\"\\N\"", Quotes::On, Ok("\\N"));
        check("\"a\"", Quotes::Off, Ok("\"a\""));
        check("\\\"a\\\"", Quotes::On, Ok("\"a\""));
        check("a\\N", Quotes::On, Err(QuoteFault::UnknownEscape));
        check("C:\\Users", Quotes::Off, Err(QuoteFault::UnknownEscape));
        check("\\é", Quotes::Off, Err(QuoteFault::UnknownEscape));
        check("a\\", Quotes::Off, Err(QuoteFault::NothingEscaped));
        check("\"a\\\"\"b", Quotes::On, Err(QuoteFault::TextBehindQuote));
    }
    #[test]
    fn bytes_that_are_no_escape_or_quote_in_their_dialect_are_kept() {
        let check = |cell: &str, quotes, want: &str| {
            let text = unescaped(cell.as_bytes(), quotes);
            assert_eq!(String::from_utf8(text).as_deref(), Ok(want), "{cell}");
        };
        check("C:\\Users", Quotes::Off, "C:\\Users");
        check("a\"\"b", Quotes::Off, "a\"\"b");
        check("a\"\"b", Quotes::On, "a\"\"b");
        check("\"a\"\"b\"", Quotes::On, "a\"b");
    }

    #[test]
    fn a_quoted_cell_is_read_as_its_text() {
        for (text, want) in [
            ("", "\"\""),
            ("a,b\n", "\"a,b\n\""),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("a\0b", "\"a\u{fffd}b\""),
        ] {
            let cell = quoted(text.as_bytes());
            assert_eq!(String::from_utf8(cell.clone()).as_deref(), Ok(want));
            assert_eq!(
                unquoted(&cell[1..]),
                text.replace('\0', "\u{fffd}").as_bytes()
            );
        }
    }

    #[test]
    fn a_fault_names_its_column_as_users_count_them() {
        let check = |column: usize, own_columns: usize, want: &str| {
            let fault = ColumnQuoteFault {
                column,
                own_columns: 0,
                fault: QuoteFault::NothingEscaped,
            };
            let want = format!("column {want} ends in a backslash that escapes nothing");
            assert_eq!(fault.behind(own_columns).to_string(), want);
        };
        check(1, 0, "2");
        check(1, 2, "2 of custsync's own");
        check(2, 2, "1");
    }
}
