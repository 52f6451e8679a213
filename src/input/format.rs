//! What an input is: CSV with some delimiter, or NDJSON; or no text at all, by its first bytes.

use std::path::Path;

use memchr::{memchr, memchr2};

use super::error::{InputFault, NotText};
use super::source::InputName;

/// The format that the user asks for (`--format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormatChoice {
    /// By the file's extension, else by its content.
    #[default]
    Auto,
    /// Comma-separated values (RFC 4180), or another delimiter where one is given.
    Csv,
    /// Tab-separated values with CSV's quotes.
    Tsv,
    /// One JSON object a line.
    Ndjson,
}

/// The format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Records of delimited fields below a header.
    Csv(Delimiter),
    /// One JSON object a line.
    Ndjson,
}

/// The byte between two fields: ASCII, and none that quotes a field or ends a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// A character that cannot stand between fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delimiter is one ASCII character other than a quote or a line end")]
pub struct DelimiterError;

impl Delimiter {
    /// `,`
    pub const COMMA: Delimiter = Delimiter(b',');
    /// The tab, of TSV
    pub const TAB: Delimiter = Delimiter(b'\t');

    /// A delimiter of this character.
    pub fn new(character: char) -> Result<Delimiter, DelimiterError> {
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | 0) => Ok(Delimiter(byte)),
            Ok(_) | Err(_) => Err(DelimiterError),
        }
    }

    /// The byte.
    pub fn byte(self) -> u8 {
        self.0
    }
}

impl Format {
    /// The format of an input that starts with `head` (its byte order mark is cut off).
    pub(super) fn of(
        name: &InputName,
        head: &[u8],
        choice: FormatChoice,
        delimiter: Option<Delimiter>,
    ) -> Result<Format, InputFault> {
        if let Some(not_text) = not_text(head) {
            return Err(not_text.into());
        }
        let choice = match choice {
            FormatChoice::Auto => by_extension(name),
            chosen => chosen,
        };
        let csv = |usual: Delimiter| Ok(Format::Csv(delimiter.unwrap_or(usual)));
        match (choice, first_visible(head)) {
            (FormatChoice::Auto | FormatChoice::Ndjson, Some(b'[')) => Err(InputFault::JsonArray),
            (FormatChoice::Auto, Some(b'{')) | (FormatChoice::Ndjson, _) => Ok(Format::Ndjson),
            (FormatChoice::Csv, _) => csv(Delimiter::COMMA),
            (FormatChoice::Tsv, _) => csv(Delimiter::TAB),
            (FormatChoice::Auto, _) => csv(by_header(head)),
        }
    }
}

/// What the bytes are where they are no text; `None` for text.
fn not_text(head: &[u8]) -> Option<NotText> {
    match head {
        [0x1f, 0x8b, ..] => Some(NotText::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(NotText::Zstd),
        [b'P', b'K', 3, 4, ..] => Some(NotText::Zip),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(NotText::Utf16),
        _ => memchr(0, head).map(|_| NotText::Binary),
    }
}

fn by_extension(name: &InputName) -> FormatChoice {
    let InputName::Path(path) = name else { return FormatChoice::Auto };
    match Path::extension(path).map(|extension| extension.to_string_lossy().to_ascii_lowercase()).as_deref() {
        Some("csv") => FormatChoice::Csv,
        Some("tsv") => FormatChoice::Tsv,
        Some("ndjson" | "jsonl") => FormatChoice::Ndjson,
        Some(_) | None => FormatChoice::Auto,
    }
}

fn first_visible(head: &[u8]) -> Option<u8> {
    head.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

fn by_header(head: &[u8]) -> Delimiter {
    let start = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let (_, text) = head.split_at_checked(start).unwrap_or_default();
    let header = text.get(..memchr2(b'\n', b'\r', text).unwrap_or(text.len())).unwrap_or_default();
    if memchr(b'\t', header).is_some() && memchr(b',', header).is_none() { Delimiter::TAB } else { Delimiter::COMMA }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Format = Format::Csv(Delimiter::COMMA);
    const TAB: Format = Format::Csv(Delimiter::TAB);

    #[test]
    fn the_extension_decides_then_the_content() {
        let check = |name: &str, head: &str, choice: FormatChoice, want: Format| {
            let name = InputName::from_argument(name.into());
            let format = Format::of(&name, head.as_bytes(), choice, None).expect("text");
            assert_eq!(format, want, "{name} {head:?} {choice:?}");
        };
        check("a.csv", "{", FormatChoice::Auto, COMMA);
        check("a.TSV", "id,email", FormatChoice::Auto, TAB);
        check("a.jsonl", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.NdJson", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.csv", "id\temail\n", FormatChoice::Auto, COMMA);
        check("a.csv", "id\temail\n", FormatChoice::Tsv, TAB);
        check("a.ndjson", "id,email\n", FormatChoice::Csv, COMMA);
        check("-", "\n\r\n {", FormatChoice::Auto, Format::Ndjson);
        check("-", "\r\nid\temail\n1,2\t3", FormatChoice::Auto, TAB);
        check("-", "id\te,mail\n", FormatChoice::Auto, COMMA);
        check("-", "id\n1\t2", FormatChoice::Auto, COMMA);
        check("a.txt", "", FormatChoice::Auto, COMMA);
    }

    #[test]
    fn a_given_delimiter_holds_for_csv_and_tsv() {
        let semicolon = Delimiter::new(';').expect("a delimiter");
        let check = |choice: FormatChoice, want: Format| {
            let format = Format::of(&InputName::Stdin, b"id;a\tb", choice, Some(semicolon)).expect("text");
            assert_eq!(format, want, "{choice:?}");
        };
        check(FormatChoice::Auto, Format::Csv(semicolon));
        check(FormatChoice::Tsv, Format::Csv(semicolon));
        check(FormatChoice::Ndjson, Format::Ndjson);
    }

    #[test]
    fn what_is_no_text_is_named() {
        let check = |head: &[u8], want: NotText| {
            let format = Format::of(&InputName::Stdin, head, FormatChoice::Csv, None);
            assert!(matches!(format, Err(InputFault::NotText(found)) if found == want), "{head:?}");
        };
        check(b"\x1f\x8b\x08", NotText::Gzip);
        check(b"\x28\xb5\x2f\xfd\0", NotText::Zstd);
        check(b"PK\x03\x04\x14\0", NotText::Zip);
        check(b"\xff\xfei\0d\0", NotText::Utf16);
        check(b"\xfe\xff\0i", NotText::Utf16);
        check(b"id,email\n1,\0\n", NotText::Binary);
        let array = Format::of(&InputName::Stdin, b" [{", FormatChoice::Auto, None);
        assert!(matches!(array, Err(InputFault::JsonArray)));
    }

    #[test]
    fn some_characters_delimit_nothing() {
        for character in ['"', '\r', '\n', '\0', 'é', '；'] {
            assert_eq!(Delimiter::new(character), Err(DelimiterError), "{character:?}");
        }
        assert_eq!(Delimiter::new('|').map(Delimiter::byte), Ok(b'|'));
    }
}
