//! Explains how JSON that is not NDJSON becomes NDJSON. No message quotes any of it.

use serde::de::IgnoredAny;
use serde_json::error::Category;

use crate::input::ndjson::records::{JsonRecord, is_blank};

/// Returns the reason why a record is no object. `text` is that of the record, as it was parsed.
pub(crate) fn not_an_object(
    record: &JsonRecord<'_>,
    text: &str,
    error: &serde_json::Error,
) -> String {
    let place = place(record, error);
    let reason = match error.classify() {
        Category::Eof => {
            let whole = record.ended.name();
            format!("the {whole} ends in the middle of it, at {place}")
        }
        Category::Syntax => known_shape(text, error)
            .map_or_else(|| format!("{} at {place}", words_of(error)), str::to_owned),
        Category::Data | Category::Io => "it is another kind of JSON value".to_owned(),
    };
    format!("is not one JSON object: {reason}")
}

/// Returns the column where the parser stopped, and the line if it is not the record's first.
fn place(record: &JsonRecord<'_>, error: &serde_json::Error) -> String {
    let column = error.column();
    match error.line().saturating_sub(1) as u64 {
        0 => format!("column {column}"),
        lines_before => format!("column {column} of line {}", record.line + lines_before),
    }
}

/// Returns the parser's message, which quotes nothing of the record.
fn words_of(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let words = words.split_once(" at line ").map(|(words, _)| words);
    words.map(str::to_owned).unwrap_or_default()
}

/// Recognises common mistakes at the place where the parser stopped. These messages give no column,
/// so that a file full of one mistake has one message.
fn known_shape(text: &str, error: &serde_json::Error) -> Option<&'static str> {
    if text.trim_start().starts_with('\u{feff}') {
        return Some(
            "a byte order mark, U+FEFF, precedes it, as in joined files (--trim removes it)",
        );
    }
    let line = text.split('\n').nth(error.line().saturating_sub(1))?;
    let rest = line.as_bytes().get(error.column().checked_sub(1)?..)?;
    let words = error.to_string();
    let begins_with = |words: &[&str]| words.iter().any(|word| rest.starts_with(word.as_bytes()));
    let is_number = begins_with(&["NaN", "Infinity", "-Infinity"])
        || (words.starts_with("invalid number") && rest.starts_with(b"I"));
    match rest {
        [b'{', ..] if words.starts_with("trailing characters") => Some(
            "another one follows it, but NDJSON has one per line (convert it with jq -c . FILE)",
        ),
        [b',', ..] if words.starts_with("trailing characters") => {
            Some("a comma follows it, but NDJSON has none between lines")
        }
        [b'\'', ..] => Some("it has single quotes, but JSON needs double quotes"),
        [b'/' | b'#', ..] => Some("it contains a comment, which JSON does not allow"),
        [b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$', ..]
            if words.starts_with("key must be a string") =>
        {
            Some("a key is not in quotes")
        }
        _ if is_number => Some(
            "it contains NaN or Infinity, which JSON does not allow (write null for no number)",
        ),
        _ if begins_with(&["None", "True", "False", "undefined"]) => {
            Some("it has a word of another language, but JSON has only null, true and false")
        }
        _ => None,
    }
}

/// Returns the line of the first object if the input begins with one that spans several lines.
/// `head` is the input's beginning.
pub(crate) fn first_object_over_lines(head: &[u8]) -> Option<u64> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .zip(1..)
        .filter(|(line, _)| !is_blank(line));
    let (first, number) = lines.next()?;
    lines.next()?;
    let first_line = serde_json::from_slice::<IgnoredAny>(first);
    if !first_line.is_err_and(|error| error.is_eof()) {
        return None;
    }
    match serde_json::Deserializer::from_slice(head)
        .into_iter::<IgnoredAny>()
        .next()?
    {
        Ok(IgnoredAny) => Some(number),
        // `head` ends within the object.
        Err(error) => error.is_eof().then_some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::ndjson::records::RecordEnd;

    #[test]
    fn an_object_over_several_lines_is_known() {
        let check = |head: &str, want: Option<u64>| {
            assert_eq!(first_object_over_lines(head.as_bytes()), want, "{head:?}");
        };
        check("{\n  \"id\": 1,\n  \"job\": \"x\"\n}\n{\n", Some(1));
        check("\n\r\n{\r\n\"id\":1", Some(3));
        check("{ \"data\": [\n {\"id\":1}\n]}", Some(1));
        check("{\"id\":1}\n{\"id\":2}\n", None);
        // A truncated line is the fault of its row.
        check("{\"id\":1,\n{\"id\":2}\n", None);
        check("{\"id\":1,", None);
        check("{\"id\":1,\n\n", None);
        check("id,job\n1,x\n", None);
        check("", None);
    }

    #[test]
    fn what_is_almost_an_object_is_named() {
        let check = |text: &str, want: &str| {
            let error = serde_json::from_str::<serde_json::Value>(text).expect_err("no JSON");
            let record = JsonRecord {
                raw: text.as_bytes(),
                line: 7,
                start: 0,
                end: text.len(),
                ended: RecordEnd::LineFeed,
            };
            let message = not_an_object(&record, text, &error);
            assert_eq!(
                message.strip_prefix("is not one JSON object: "),
                Some(want),
                "{text}"
            );
        };
        check(
            "{'id':1}",
            "it has single quotes, but JSON needs double quotes",
        );
        check(
            "{\"id\":'1'}",
            "it has single quotes, but JSON needs double quotes",
        );
        check("{id:1}", "a key is not in quotes");
        check(
            "{\"id\":1}{\"id\":2}",
            "another one follows it, but NDJSON has one per line (convert it with jq -c . FILE)",
        );
        check(
            "{\"id\":1},",
            "a comma follows it, but NDJSON has none between lines",
        );
        check(
            "{\"id\":1} // x",
            "it contains a comment, which JSON does not allow",
        );
        check("{\"id\":1,}", "trailing comma at column 9");
        let no_number =
            "it contains NaN or Infinity, which JSON does not allow (write null for no number)";
        for number in ["NaN", "Infinity", "-Infinity"] {
            check(&format!("{{\"id\":{number}}}"), no_number);
        }
        check(
            "{\"id\":None}",
            "it has a word of another language, but JSON has only null, true and false",
        );
        check(
            "\u{feff}{\"id\":1}",
            "a byte order mark, U+FEFF, precedes it, as in joined files (--trim removes it)",
        );
        check(
            "{\"id\":1",
            "the line ends in the middle of it, at column 7",
        );
        check("id,job", "expected value at column 1");
        check("{\n\"id\":\n1,}", "trailing comma at column 3 of line 9");
        check(
            "{\n  \"id\": 1,\n  \"job\": 'x'\n}",
            "it has single quotes, but JSON needs double quotes",
        );
        check("{\"id\": 1,\n\njob: 2\n}", "a key is not in quotes");
    }
}
