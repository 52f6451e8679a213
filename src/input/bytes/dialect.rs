//! The CSV dialect: delimiter, quotes and escapes.

use std::fmt;

/// The byte between two fields. It is ASCII, neither a quote nor a line end, and no byte that the
/// names and cells of custsync's own columns contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// A character that cannot be a delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a delimiter is one ASCII character other than a letter, a digit, `_`, a quote or a line end"
)]
pub struct DelimiterError;

/// The meaning of a quote at the start of a cell (`--quotes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// It opens a quoted cell (RFC 4180 §2).
    On,
    /// It is an ordinary character, as all quotes are.
    Off,
    /// It is a character, but its meaning is unknown: a cell that may be meant as a quoted one
    /// makes its row invalid.
    InDoubt,
}

/// Whether a backslash changes the meaning of the next character (`--escape`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Escape {
    /// A backslash is an ordinary character.
    #[default]
    None,
    /// A backslash escapes, by the rules of `FIELDS ESCAPED BY '\'` in
    /// <https://dev.mysql.com/doc/refman/8.4/en/load-data.html>.
    Backslash,
}

/// The rules by which CSV records are split into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The byte between two fields.
    pub delimiter: Delimiter,
    /// The meaning of a quote at the start of a cell.
    pub quotes: Quotes,
    /// The meaning of a backslash.
    pub escape: Escape,
}

impl Delimiter {
    /// `,`
    pub const COMMA: Delimiter = Delimiter(b',');
    /// The tab of TSV.
    pub const TAB: Delimiter = Delimiter(b'\t');
    /// The delimiters that are tried if none is given, the usual one first.
    pub(crate) const USUAL: [Delimiter; 4] = [
        Delimiter::COMMA,
        Delimiter(b';'),
        Delimiter::TAB,
        Delimiter(b'|'),
    ];
    /// The delimiters that are suggested for a header that is one column under the usual ones.
    pub(crate) const UNUSUAL: [Delimiter; 4] = [
        Delimiter(b':'),
        Delimiter(b'^'),
        Delimiter(b'~'),
        Delimiter(b' '),
    ];

    /// Returns the delimiter of this character.
    pub fn new(character: char) -> Result<Delimiter, DelimiterError> {
        match u8::try_from(character) {
            Ok(b'"' | b'\r' | b'\n' | b'_' | 0) => Err(DelimiterError),
            Ok(byte) if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Ok(Delimiter(byte)),
            Ok(_) | Err(_) => Err(DelimiterError),
        }
    }

    /// Returns the byte.
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
    /// CSV by RFC 4180.
    pub const COMMA: Dialect = Dialect::quoted(Delimiter::COMMA);

    /// Returns CSV with another delimiter.
    pub const fn quoted(delimiter: Delimiter) -> Dialect {
        Dialect {
            delimiter,
            quotes: Quotes::On,
            escape: Escape::None,
        }
    }

    /// Returns the dialect of a delimiter, with the user's choices. Programs that write TSV do not
    /// agree on quotes: Excel and pandas put them around cells, `MySQL` and `PostgreSQL` use them
    /// as characters.
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

    /// Whether a quote may open a cell, so that a cell may hold delimiters and line ends.
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
