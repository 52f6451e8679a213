//! Detects the format of a text, CSV with some delimiter or JSON, by the input's name and the first
//! record.

use std::path::Path;

use memchr::memchr;

use crate::input::bytes::dialect::{Delimiter, Dialect};
use crate::input::bytes::first_visible;
use crate::input::bytes::format::{Format, FormatChoice};
use crate::input::bytes::lines::count_lines;
use crate::input::bytes::magic::not_text_within;
use crate::input::bytes::name::InputName;
use crate::input::csv::first_record::first_record;
use crate::input::csv::header_below::header_below;
use crate::input::error::InputFault;
use crate::input::mapping::loose_names::known_names;
use crate::input::ndjson::array_in_object::only_object_with_array;
use crate::input::ndjson::json_shape::first_object_over_lines;
use crate::input::options::{HeaderRule, InputRules};

impl Format {
    /// Detects the format of an input whose text starts with `head`.
    pub(crate) fn of(
        name: &InputName,
        head: &[u8],
        rules: &InputRules,
    ) -> Result<Format, InputFault> {
        if let Some(not_text) = not_text_within(head, rules.delimiter) {
            return Err(not_text.into());
        }
        let choice = match rules.format {
            FormatChoice::Auto => by_extension(name),
            chosen => chosen,
        };
        let csv = |delimiter| Format::Csv(rules.dialect(delimiter));
        match (choice, first_visible(head)) {
            (FormatChoice::Auto | FormatChoice::Ndjson, Some(b'[')) => Ok(Format::JsonArray),
            (FormatChoice::Auto, Some(b'{')) | (FormatChoice::Ndjson, _) => of_objects(head, rules),
            (FormatChoice::Tsv, _) => Ok(csv(rules.delimiter.unwrap_or(Delimiter::TAB))),
            (FormatChoice::Csv | FormatChoice::Auto, _) => match rules.delimiter {
                Some(delimiter) => Ok(csv(delimiter)),
                None => by_first_record(head, rules).map(csv),
            },
        }
    }
}

/// Returns the format of a text that begins with a JSON object.
fn of_objects(head: &[u8], rules: &InputRules) -> Result<Format, InputFault> {
    let over_lines = first_object_over_lines(head);
    if let Some(object) = only_object_with_array(head) {
        let keys = object.keys.iter().map(String::as_bytes).collect();
        // With a known key, the object is a row.
        if over_lines.is_some() || known_names(&keys, &rules.mapping) == 0 {
            return Err(InputFault::ArrayInObject {
                line: object.line,
                path: object.shown_path(),
                has_others: object.has_others,
            });
        }
    }
    match over_lines {
        Some(line) => Err(InputFault::JsonOverLines { line }),
        None => Ok(Format::Ndjson),
    }
}

impl Format {
    /// Returns the delimiter, if it was detected and is not the usual one.
    pub(crate) fn found_delimiter(self, rules: &InputRules) -> Option<Delimiter> {
        match self {
            Format::Csv(dialect)
                if rules.delimiter.is_none() && rules.format != FormatChoice::Tsv =>
            {
                Some(dialect.delimiter).filter(|delimiter| *delimiter != Delimiter::COMMA)
            }
            Format::Csv(_) | Format::Ndjson | Format::JsonArray => None,
        }
    }
}

/// Returns the format that a file's extension names. In `customers.csv.gz`, it is the extension
/// before that of the compression.
fn by_extension(name: &InputName) -> FormatChoice {
    let Some(path) = name.with_extension() else {
        return FormatChoice::Auto;
    };
    let extension = |path: &Path| {
        path.extension()
            .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
    };
    let extension = match extension(path).as_deref() {
        Some("gz" | "zst" | "xz" | "bz2") => {
            path.file_stem().and_then(|stem| extension(Path::new(stem)))
        }
        _ => extension(path),
    };
    match extension.as_deref() {
        Some("csv") => FormatChoice::Csv,
        Some("tsv") => FormatChoice::Tsv,
        Some("ndjson" | "jsonl" | "json") => FormatChoice::Ndjson,
        Some(_) | None => FormatChoice::Auto,
    }
}

/// The fit of a delimiter to the first record: the number of columns with known names, then the
/// number of columns.
type Fit = (usize, usize);

/// Returns the delimiter that fits the first record best. A tie is an error: with the wrong
/// delimiter, every row would be split in the wrong places.
fn by_first_record(head: &[u8], rules: &InputRules) -> Result<Delimiter, InputFault> {
    let fits = Delimiter::USUAL.map(|delimiter| (fit(head, delimiter, rules), delimiter));
    let best = fits.iter().map(|(fit, _)| *fit).max().unwrap_or_default();
    if best.1 <= 1 {
        return Ok(Delimiter::COMMA);
    }
    let delimiters: Vec<_> = fits
        .iter()
        .filter(|(fit, _)| *fit == best)
        .map(|(_, delimiter)| *delimiter)
        .collect();
    if let [delimiter] = delimiters.as_slice() {
        return Ok(*delimiter);
    }
    let (line, knows_none) = (first_line(head), best.0 == 0);
    let text = head.get(blank_bytes(head)..).unwrap_or_default();
    match header_below(text, rules)
        .filter(|_| knows_none && rules.header == HeaderRule::FirstRecord)
    {
        Some(lines) => Err(InputFault::HeaderBelow {
            line,
            header_line: line + lines,
        }),
        None => Err(InputFault::DelimiterInDoubt { line, delimiters }),
    }
}

fn fit(head: &[u8], delimiter: Delimiter, rules: &InputRules) -> Fit {
    // To build a reader takes as long as to check a hundred rows, and inputs may be thousands of files.
    if memchr(delimiter.byte(), head).is_none() {
        return (0, 1);
    }
    let names = first_record(head, rules.dialect(delimiter));
    let meaningful = match &rules.header {
        HeaderRule::FirstRecord | HeaderRule::Row(_) => known_names(&names, &rules.mapping),
        HeaderRule::Named(named) if named.len() == names.len() => named.len(),
        HeaderRule::Named(_) => 0,
    };
    // A record of one piece is no evidence for a delimiter that is not in it.
    if names.len() == 1 {
        (0, 1)
    } else {
        (meaningful, names.len())
    }
}

fn blank_bytes(head: &[u8]) -> usize {
    head.iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count()
}

fn first_line(head: &[u8]) -> u64 {
    1 + count_lines(
        head.get(..blank_bytes(head)).unwrap_or_default(),
        Format::Csv(Dialect::COMMA),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::bytes::dialect::Quotes;
    use crate::input::bytes::not_text::NotText;
    use crate::input::mapping::columns::MappingRules;

    const COMMA: Format = Format::Csv(Dialect::COMMA);
    const TAB: Format = Format::Csv(Dialect {
        quotes: Quotes::InDoubt,
        ..Dialect::quoted(Delimiter::TAB)
    });

    fn format_of(name: &str, head: &str, rules: &InputRules) -> Result<Format, InputFault> {
        Format::of(
            &InputName::from_argument(name.into()),
            head.as_bytes(),
            rules,
        )
    }

    #[test]
    fn the_extension_decides_then_the_content() {
        let check = |name: &str, head: &str, choice: FormatChoice, want: Format| {
            let rules = InputRules {
                format: choice,
                ..InputRules::default()
            };
            assert_eq!(
                format_of(name, head, &rules).expect("text"),
                want,
                "{name} {head:?} {choice:?}"
            );
        };
        check("a.csv", "{", FormatChoice::Auto, COMMA);
        check("a.TSV", "id,email", FormatChoice::Auto, TAB);
        check("a.jsonl", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.NdJson", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.ndjson.gz", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.json", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.json.gz", "\n", FormatChoice::Auto, Format::Ndjson);
        check("a.tsv.zst", "id", FormatChoice::Auto, TAB);
        check("a.tsv.xz", "id", FormatChoice::Auto, TAB);
        check("a.ndjson.bz2", "id", FormatChoice::Auto, Format::Ndjson);
        check("a.gz", "{}", FormatChoice::Auto, Format::Ndjson);
        check("a.csv", "id\temail\n", FormatChoice::Auto, TAB);
        check("a.csv", "id,email\n", FormatChoice::Tsv, TAB);
        check("a.ndjson", "id,email\n", FormatChoice::Csv, COMMA);
        check("-", "\n\r\n {", FormatChoice::Auto, Format::Ndjson);
        check("a.json", "[{", FormatChoice::Auto, Format::JsonArray);
        check("-", " [{", FormatChoice::Ndjson, Format::JsonArray);
        check("-", "\r\nid\temail\n1,2\t3", FormatChoice::Auto, TAB);
        check("a.txt", "", FormatChoice::Auto, COMMA);
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_sense_of_the_first_record() {
        let check = |head: &str, header: &HeaderRule, want: &str| {
            let map = [("Kunde".to_owned(), "id".to_owned())];
            let mapping = MappingRules::new(&map, &[]).expect("good rules");
            let rules = InputRules {
                mapping,
                header: header.clone(),
                ..InputRules::default()
            };
            let found = match format_of("a.csv", head, &rules) {
                Ok(Format::Csv(delimiter)) => delimiter.to_string(),
                Ok(Format::Ndjson | Format::JsonArray) => "JSON".to_owned(),
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
        // More columns with the comma, but fewer known names.
        check("id;email;a,b,c,d\n", &header, "`;`");
        check("Kunde;a\n", &header, "`;`");
        // No name is known with either, so the number of columns decides.
        check("Nr;Name, Vorname;Mail\n", &header, "`;`");
        let doubt =
            "the delimiter is ambiguous: it could be `,` or `;` (name it with --delimiter C)";
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
            let rules = InputRules {
                format: choice,
                delimiter: Some(semicolon),
                ..InputRules::default()
            };
            assert_eq!(
                format_of("-", "id;a\tb", &rules).expect("text"),
                want,
                "{choice:?}"
            );
        };
        check(FormatChoice::Auto, Format::Csv(Dialect::quoted(semicolon)));
        check(FormatChoice::Tsv, Format::Csv(Dialect::quoted(semicolon)));
        check(FormatChoice::Ndjson, Format::Ndjson);
    }

    #[test]
    fn what_is_no_row_of_text_is_named() {
        let binary = format_of(
            "a.csv",
            &format!("id,email\n1,{}\n", "\0".repeat(9)),
            &InputRules::default(),
        );
        assert!(matches!(binary, Err(InputFault::NotText(NotText::Binary))));
        let object = format_of("-", "\n{\n\"id\": 1\n}\n", &InputRules::default());
        assert!(matches!(object, Err(InputFault::JsonOverLines { line: 2 })));
    }
}
