//! What an input is: CSV with some delimiter, or NDJSON, by its name and its first record.

use std::fmt;
use std::path::Path;

use csv::ByteRecord;

use crate::text;

use super::error::InputFault;
use super::framing::count_lines;
use super::json_shape::first_object_over_lines;
use super::loose::Loosely;
use super::mapping::MappingRules;
use super::open::{HeaderRule, InputRules};
use super::source::InputName;
use super::stream::not_text_within;

/// The format that the user asks for (`--format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormatChoice {
    /// By the file's extension, else by its content.
    #[default]
    Auto,
    /// Comma-separated values (RFC 4180), or another delimiter.
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

/// The byte between two fields: ASCII, none that quotes a field or ends a record, and none that custsync's own columns have in
/// their names and cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(u8);

/// A character that cannot stand between fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a delimiter is one ASCII character other than a letter, a digit, `_`, a quote or a line end")]
pub struct DelimiterError;

impl Delimiter {
    /// `,`
    pub const COMMA: Delimiter = Delimiter(b',');
    /// The tab, of TSV
    pub const TAB: Delimiter = Delimiter(b'\t');
    /// Those that are looked for where none is given, the usual one first.
    const USUAL: [Delimiter; 4] = [Delimiter::COMMA, Delimiter(b';'), Delimiter::TAB, Delimiter(b'|')];

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
            byte => write!(f, "`{}`", text::safe(&char::from(byte).to_string())),
        }
    }
}

impl Format {
    /// The format of an input whose text starts with `head`.
    pub(super) fn of(name: &InputName, head: &[u8], rules: &InputRules) -> Result<Format, InputFault> {
        if let Some(not_text) = not_text_within(head) {
            return Err(not_text.into());
        }
        let choice = match rules.format {
            FormatChoice::Auto => by_extension(name),
            chosen => chosen,
        };
        match (choice, first_visible(head)) {
            (FormatChoice::Auto | FormatChoice::Ndjson, Some(b'[')) => Err(InputFault::JsonArray),
            (FormatChoice::Auto, Some(b'{')) | (FormatChoice::Ndjson, _) => match first_object_over_lines(head) {
                Some(line) => Err(InputFault::JsonOverLines { line }),
                None => Ok(Format::Ndjson),
            },
            (FormatChoice::Tsv, _) => Ok(Format::Csv(rules.delimiter.unwrap_or(Delimiter::TAB))),
            (FormatChoice::Csv | FormatChoice::Auto, _) => match rules.delimiter {
                Some(delimiter) => Ok(Format::Csv(delimiter)),
                None => by_first_record(head, rules).map(Format::Csv),
            },
        }
    }
}

impl Format {
    /// The delimiter, where it was found out and is not the usual one.
    pub(super) fn found_delimiter(self, rules: &InputRules) -> Option<Delimiter> {
        match self {
            Format::Csv(delimiter) if rules.delimiter.is_none() && rules.format != FormatChoice::Tsv => {
                Some(delimiter).filter(|delimiter| *delimiter != Delimiter::COMMA)
            }
            Format::Csv(_) | Format::Ndjson => None,
        }
    }
}

/// What a file's name says: of `customers.csv.gz`, the extension before that of the compression.
fn by_extension(name: &InputName) -> FormatChoice {
    let InputName::Path(path) = name else { return FormatChoice::Auto };
    let extension = |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    let extension = match extension(path).as_deref() {
        Some("gz" | "zst") => path.file_stem().and_then(|stem| extension(Path::new(stem))),
        _ => extension(path),
    };
    match extension.as_deref() {
        Some("csv") => FormatChoice::Csv,
        Some("tsv") => FormatChoice::Tsv,
        Some("ndjson" | "jsonl") => FormatChoice::Ndjson,
        Some(_) | None => FormatChoice::Auto,
    }
}

pub(super) fn first_visible(head: &[u8]) -> Option<u8> {
    head.iter().copied().find(|byte| !byte.is_ascii_whitespace())
}

/// How well a delimiter fits the first record: first the columns that mean something, then columns at all.
type Fit = (usize, usize);

/// The delimiter under which the first record makes the most sense. A guess that could as well be another one is an error: rows
/// that are cut in the wrong places would all be wrong.
fn by_first_record(head: &[u8], rules: &InputRules) -> Result<Delimiter, InputFault> {
    let fits = Delimiter::USUAL.map(|delimiter| (fit(head, delimiter, rules), delimiter));
    let best = fits.iter().map(|(fit, _)| *fit).max().unwrap_or_default();
    if best.1 <= 1 {
        return Ok(Delimiter::COMMA);
    }
    let delimiters: Vec<_> = fits.iter().filter(|(fit, _)| *fit == best).map(|(_, delimiter)| *delimiter).collect();
    match delimiters.as_slice() {
        [delimiter] => Ok(*delimiter),
        _ => Err(InputFault::DelimiterInDoubt { line: first_line(head), delimiters }),
    }
}

fn fit(head: &[u8], delimiter: Delimiter, rules: &InputRules) -> Fit {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter.byte()).from_reader(head);
    let mut record = ByteRecord::new();
    // Memory can be read, and a record that ends with the head is a record, too.
    if !reader.read_byte_record(&mut record).unwrap_or_default() {
        return (0, 0);
    }
    let meaningful = match &rules.header {
        HeaderRule::FirstRecord => record.iter().filter(|name| is_known(name, &rules.mapping)).count(),
        HeaderRule::Named(names) if names.len() == record.len() => names.len(),
        HeaderRule::Named(_) => 0,
    };
    // A record in one piece says nothing for a delimiter that is not in it.
    if record.len() == 1 { (0, 1) } else { (meaningful, record.len()) }
}

fn is_known(name: &[u8], mapping: &MappingRules) -> bool {
    std::str::from_utf8(name)
        .is_ok_and(|name| mapping.target(name).is_ok() || mapping.loosely(name) != Loosely::Nothing)
}

fn first_line(head: &[u8]) -> u64 {
    let blank = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    1 + count_lines(head.get(..blank).unwrap_or_default(), Format::Csv(Delimiter::COMMA))
}

#[cfg(test)]
mod tests {
    use super::super::error::NotText;
    use super::*;

    const COMMA: Format = Format::Csv(Delimiter::COMMA);
    const TAB: Format = Format::Csv(Delimiter::TAB);

    fn format_of(name: &str, head: &str, rules: &InputRules) -> Result<Format, InputFault> {
        Format::of(&InputName::from_argument(name.into()), head.as_bytes(), rules)
    }

    #[test]
    fn the_extension_decides_then_the_content() {
        let check = |name: &str, head: &str, choice: FormatChoice, want: Format| {
            let rules = InputRules { format: choice, ..InputRules::default() };
            assert_eq!(format_of(name, head, &rules).expect("text"), want, "{name} {head:?} {choice:?}");
        };
        check("a.csv", "{", FormatChoice::Auto, COMMA);
        check("a.TSV", "id,email", FormatChoice::Auto, TAB);
        check("a.jsonl", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.NdJson", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.ndjson.gz", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.tsv.zst", "id", FormatChoice::Auto, TAB);
        check("a.gz", "{}", FormatChoice::Auto, Format::Ndjson);
        check("a.csv", "id\temail\n", FormatChoice::Auto, TAB);
        check("a.csv", "id,email\n", FormatChoice::Tsv, TAB);
        check("a.ndjson", "id,email\n", FormatChoice::Csv, COMMA);
        check("-", "\n\r\n {", FormatChoice::Auto, Format::Ndjson);
        check("-", "\r\nid\temail\n1,2\t3", FormatChoice::Auto, TAB);
        check("a.txt", "", FormatChoice::Auto, COMMA);
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_sense_of_the_first_record() {
        let check = |head: &str, header: &HeaderRule, want: &str| {
            let map = [("Kunde".to_owned(), "id".to_owned())];
            let mapping = MappingRules::new(&map, &[]).expect("good rules");
            let rules = InputRules { mapping, header: header.clone(), ..InputRules::default() };
            let found = match format_of("a.csv", head, &rules) {
                Ok(Format::Csv(delimiter)) => delimiter.to_string(),
                Ok(Format::Ndjson) => "NDJSON".to_owned(),
                Err(fault) => fault.to_string(),
            };
            assert_eq!(found, want, "{head:?}");
        };
        let header = HeaderRule::FirstRecord;
        check("id;email\n1,2;3\n", &header, "`;`");
        check("id|email", &header, "`|`");
        check("\"id\";\"e,mail\"\n", &header, "`;`");
        check("id", &header, "`,`");
        check("id\n1;2\n", &header, "`,`");
        // More columns under the comma, but fewer that mean something.
        check("id;email;a,b,c,d\n", &header, "`;`");
        check("Kunde;a\n", &header, "`;`");
        // Nothing is known of either, so the number of columns decides.
        check("Nr;Name, Vorname;Mail\n", &header, "`;`");
        let doubt = "the delimiter is in doubt, it could be `,` or `;`: say which it is (--delimiter C)";
        check("id,a;email\n", &header, doubt);
        check("a,b;c\n", &header, doubt);
        let named = HeaderRule::Named(vec!["id".to_owned(), "email".to_owned()]);
        check("1;a,b\n", &named, doubt);
        check("1;a,b,c\n", &named, "`;`");
        check("1,a\n", &named, "`,`");
    }

    #[test]
    fn a_given_delimiter_holds_for_csv_and_tsv() {
        let semicolon = Delimiter::new(';').expect("a delimiter");
        let check = |choice: FormatChoice, want: Format| {
            let rules = InputRules { format: choice, delimiter: Some(semicolon), ..InputRules::default() };
            assert_eq!(format_of("-", "id;a\tb", &rules).expect("text"), want, "{choice:?}");
        };
        check(FormatChoice::Auto, Format::Csv(semicolon));
        check(FormatChoice::Tsv, Format::Csv(semicolon));
        check(FormatChoice::Ndjson, Format::Ndjson);
    }

    #[test]
    fn what_is_no_row_of_text_is_named() {
        let binary = format_of("a.csv", &format!("id,email\n1,{}\n", "\0".repeat(9)), &InputRules::default());
        assert!(matches!(binary, Err(InputFault::NotText(NotText::Binary))));
        let object = format_of("-", "\n{\n\"id\": 1\n}\n", &InputRules::default());
        assert!(matches!(object, Err(InputFault::JsonOverLines { line: 2 })));
        assert!(matches!(format_of("-", " [{", &InputRules::default()), Err(InputFault::JsonArray)));
    }

    #[test]
    fn some_characters_delimit_nothing() {
        for character in ['"', '\r', '\n', '\0', 'é', '；', 'x', 'Z', '7', '_'] {
            assert_eq!(Delimiter::new(character), Err(DelimiterError), "{character:?}");
        }
        assert_eq!(Delimiter::new('|').map(Delimiter::byte), Ok(b'|'));
    }
}
