//! How the text of a CSV input is cut into cells: by which delimiter, with or without quotes, with or without escapes.

use std::fmt;

/// The byte between two fields: ASCII, none that quotes a field or ends a record, and none that custsync's own columns have in
/// their names and cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// A character that cannot stand between fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a delimiter is one ASCII character other than a letter, a digit, `_`, a quote or a line end"
)]
pub struct DelimiterError;

/// What a quote at the start of a cell means (`--quotes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// It opens a quoted cell (RFC 4180 §2).
    On,
    /// It is a character, as all quotes are.
    Off,
    /// It is a character, and a cell that may be meant as a quoted one makes its row invalid: nobody said which it is.
    InDoubt,
}

/// Whether a backslash changes the meaning of the character behind it (`--escape`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// It is a character like others.
    #[default]
    None,
    /// It escapes, by the rule of `FIELDS ESCAPED BY '\'` in <https://dev.mysql.com/doc/refman/8.4/en/load-data.html>.
    Backslash,
}

/// How the records of a CSV input are cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between two fields.
    pub delimiter: Delimiter,
    /// What a quote at the start of a cell means.
    pub quotes: Quotes,
    /// What a backslash means.
    pub escape: Escape,
}

impl Delimiter {
    /// `,`
    pub const COMMA: Delimiter = Delimiter(b',');
    /// The tab, of TSV
    pub const TAB: Delimiter = Delimiter(b'\t');
    /// Those that are looked for where none is given, the usual one first.
    pub(crate) const USUAL: [Delimiter; 4] = [
        Delimiter::COMMA,
        Delimiter(b';'),
        Delimiter::TAB,
        Delimiter(b'|'),
    ];
    /// Those that a header may be meant by which is one column under the usual ones.
    pub(crate) const UNUSUAL: [Delimiter; 4] = [
        Delimiter(b':'),
        Delimiter(b'^'),
        Delimiter(b'~'),
        Delimiter(b' '),
    ];

    /// A delimiter of this character.
    pub fn new(character: char) -> Result<Delimiter, DelimiterError> {
        match u8::try_from(character) {
            Ok(b'"' | b'\r' | b'\n' | b'_' | 0) => Err(DelimiterError),
            Ok(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(Delimiter(byte)),
            Ok(_) | Err(_) => Err(DelimiterError),
        }
    }

    /// The byte.
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            b'\t' => f.write_str("tab"),
            byte => write!(f, "`{}`", char::from(byte).escape_default()),
        }
    }
}

impl Dialect {
    /// RFC 4180.
    pub const COMMA: Dialect = Dialect::quoted(Delimiter::COMMA);

    /// CSV with another delimiter.
    pub const fn quoted(delimiter: Delimiter) -> Dialect {
        Dialect {
            delimiter,
            quotes: Quotes::On,
            escape: Escape::None,
        }
    }

    /// The dialect of a delimiter, as far as the user does not say it. Programs that write TSV do not agree on quotes: Excel and
    /// pandas write them around cells, `MySQL` and `PostgreSQL` have them as characters.
    pub fn of(delimiter: Delimiter, quotes: Option<Quotes>, escape: Escape) -> Dialect {
        let unsaid = if delimiter == Delimiter::TAB {
            Quotes::InDoubt
        } else {
            Quotes::On
        };
        Dialect {
            delimiter,
            quotes: quotes.unwrap_or(unsaid),
            escape,
        }
    }

    /// Whether a quote may open a cell, so that delimiters and line ends can belong to one.
    pub(crate) fn has_quotes(self) -> bool {
        self.quotes == Quotes::On
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.delimiter.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_characters_delimit_nothing() {
        for character in ['"', '\r', '\n', '\0', 'é', '；', 'x', 'Z', '7', '_'] {
            assert_eq!(
                Delimiter::new(character),
                Err(DelimiterError),
                "{character:?}"
            );
        }
        assert_eq!(Delimiter::new('|').map(Delimiter::byte), Ok(b'|'));
    }

    #[test]
    fn quotes_of_tsv_are_in_doubt_until_somebody_says_what_they_are() {
        let check = |delimiter, said, want| {
            assert_eq!(Dialect::of(delimiter, said, Escape::None).quotes, want);
        };
        check(Delimiter::COMMA, None, Quotes::On);
        check(Delimiter::TAB, None, Quotes::InDoubt);
        check(Delimiter::TAB, Some(Quotes::On), Quotes::On);
        check(Delimiter::COMMA, Some(Quotes::Off), Quotes::Off);
    }
}
