//! What the API says of an error, in both shapes that it may have.

use serde_json::Value;

use crate::contract::ServerError;
use crate::text;

/// The most characters of the server's text that are kept, over all fields together.
const CHARACTERS_MAX: usize = 256;
/// The most characters of a machine code or a field's name.
const NAME_CHARACTERS_MAX: usize = 64;
/// The most fields that are kept.
const FIELDS_MAX: usize = 16;

/// Reads the body of a 4xx: `{"error","message"}`, or Laravel's `{"message","errors":{field:[text]}}`. Anything else says
/// nothing. Control characters are escaped.
pub(super) fn parse(body: &[u8]) -> ServerError {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else { return ServerError::default() };
    let mut left = CHARACTERS_MAX;
    let code = object.get("error").and_then(Value::as_str).map(|code| text::safe_cut(code, NAME_CHARACTERS_MAX));
    let message = object.get("message").and_then(Value::as_str).map(|message| take(message, &mut left));
    let mut fields = Vec::new();
    if let Some(Value::Object(errors)) = object.get("errors") {
        for (field, texts) in errors.iter().take(FIELDS_MAX) {
            let first = texts.as_str().or_else(|| texts.get(0).and_then(Value::as_str)).unwrap_or_default();
            fields.push((text::safe_cut(field, NAME_CHARACTERS_MAX), take(first, &mut left)));
        }
    }
    ServerError { code, message, fields }
}

fn take(words: &str, left: &mut usize) -> String {
    let kept = text::safe_cut(words, *left);
    *left = left.saturating_sub(kept.chars().count());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, code: Option<&str>, message: Option<&str>, fields: &[(&str, &str)]) {
        let want = ServerError {
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            fields: fields.iter().map(|(field, text)| ((*field).to_owned(), (*text).to_owned())).collect(),
        };
        assert_eq!(parse(body.as_bytes()), want, "{body}");
    }

    #[test]
    fn both_shapes() {
        check(
            r#"{"error":"not_found","message":"No such customer"}"#,
            Some("not_found"),
            Some("No such customer"),
            &[],
        );
        check(
            r#"{"message":"Invalid.","errors":{"email":["Must be valid.","Too long."],"job":"Too long."}}"#,
            None,
            Some("Invalid."),
            &[("email", "Must be valid."), ("job", "Too long.")],
        );
        check("<html>", None, None, &[]);
        check("[1]", None, None, &[]);
        check(r#"{"error":7,"message":null,"errors":[]}"#, None, None, &[]);
        check(r#"{"message":"a\u001b[31mb"}"#, None, Some("a\\u{1b}[31mb"), &[]);
    }

    #[test]
    fn the_text_is_cut_over_all_fields_together() {
        let long = "x".repeat(200);
        let body = format!(r#"{{"message":"{long}","errors":{{"email":["{long}"],"job":["{long}"]}}}}"#);
        let error = parse(body.as_bytes());
        let kept =
            error.message.map_or(0, |text| text.len()) + error.fields.iter().map(|(_, text)| text.len()).sum::<usize>();
        assert_eq!(kept, CHARACTERS_MAX);
    }
}
