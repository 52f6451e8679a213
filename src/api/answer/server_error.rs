//! Parses the API's description of an error, in the shapes that it may have. The code and the names
//! of fields may be shown and counted. All other text may quote a value, so it becomes the message,
//! which is written to results and failed rows only.

use serde_json::{Map, Value};

use crate::api::token::secret::Token;
use crate::contract::{NAME_CHARACTERS_MAX, ServerError, is_code, is_field};
use crate::text;

/// The most characters of the server's text that are kept, over message and fields together.
const CHARACTERS_MAX: usize = 256;
/// The most members of `errors` that are kept.
const FIELDS_MAX: usize = 16;

/// The kind of JSON in a body, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Media {
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// Any other.
    Other,
}

/// Parses the body of a refusal: `{"error","message"}`, Laravel's
/// `{"message","errors":{field:[text]}}`, or the `title` and `detail` of problem+json. Any other
/// body gives an empty error.
///
/// An `error` that is not a code, and a key of `errors` that is not a field of the API, go into the
/// message with their text. The token is masked, control characters are escaped, and the whole is
/// cut to a limit.
pub(crate) fn parse(body: &[u8], media: Media, token: &Token) -> ServerError {
    let Ok(Value::Object(object)) = serde_json::from_slice::<Value>(body) else {
        return ServerError::default();
    };
    let error = text_of(&object, "error");
    let mut words = ErrorWords {
        left: CHARACTERS_MAX,
        token,
    };
    let code = error.and_then(|error| words.name(error, is_code));
    let mut message = ErrorMessage::default();
    if code.is_none() {
        message.join(error, ": ", &mut words);
    }
    if media == Media::Problem {
        message.join(text_of(&object, "title"), ": ", &mut words);
        message.join(text_of(&object, "detail"), ": ", &mut words);
    }
    message.join(text_of(&object, "message"), ": ", &mut words);
    let mut fields = Vec::new();
    match object.get("errors") {
        Some(Value::Object(errors)) => {
            for (key, texts) in errors.iter().take(FIELDS_MAX) {
                let said = first_text(texts).unwrap_or_default();
                match words.name(key, is_field) {
                    Some(field) => fields.push((field, words.take(said))),
                    None => message.join(Some(&format!("{key} {said}")), "; ", &mut words),
                }
            }
        }
        Some(Value::Array(errors)) => {
            for said in errors.iter().take(FIELDS_MAX) {
                message.join(said.as_str(), "; ", &mut words);
            }
        }
        Some(said) => message.join(said.as_str(), "; ", &mut words),
        None => {}
    }
    ServerError {
        code,
        message: message.0,
        fields,
    }
}

fn text_of<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

/// The text of an error, or the first of several.
fn first_text(texts: &Value) -> Option<&str> {
    texts
        .as_str()
        .or_else(|| texts.get(0).and_then(Value::as_str))
}

/// Collects the server's text up to the limit.
struct ErrorWords<'a> {
    /// Characters left of the limit.
    left: usize,
    token: &'a Token,
}

impl ErrorWords<'_> {
    /// The name, if it may be shown and counted.
    fn name(&self, name: &str, is_name: fn(&str) -> bool) -> Option<String> {
        // One character more than a name may have, so that a longer text is not taken for a name.
        Some(self.token.hide_in(name, NAME_CHARACTERS_MAX + 1)).filter(|name| is_name(name))
    }

    /// Takes as much of a text as the limit allows.
    fn take(&mut self, words: &str) -> String {
        let kept = text::safe_cut(&self.token.hide_in(words, self.left), self.left);
        self.left = self.left.saturating_sub(kept.chars().count());
        kept
    }
}

/// The message, joined from several texts.
#[derive(Default)]
struct ErrorMessage(Option<String>);

impl ErrorMessage {
    /// Appends a text after `between`.
    fn join(&mut self, part: Option<&str>, between: &str, words: &mut ErrorWords<'_>) {
        let Some(part) = part.map(str::trim).filter(|part| !part.is_empty()) else {
            return;
        };
        match &mut self.0 {
            None => self.0 = Some(words.take(part)),
            Some(message) if words.left > between.len() => {
                words.left -= between.len();
                message.push_str(between);
                message.push_str(&words.take(part));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "canary-7f3a";

    fn token() -> Token {
        Token::new(TOKEN, "the file").expect("a good token")
    }

    fn check_as(
        media: Media,
        body: &str,
        code: Option<&str>,
        message: Option<&str>,
        fields: &[(&str, &str)],
    ) {
        let want = ServerError {
            code: code.map(str::to_owned),
            message: message.map(str::to_owned),
            fields: fields
                .iter()
                .map(|(field, text)| ((*field).to_owned(), (*text).to_owned()))
                .collect(),
        };
        assert_eq!(parse(body.as_bytes(), media, &token()), want, "{body}");
    }

    fn check(body: &str, code: Option<&str>, message: Option<&str>, fields: &[(&str, &str)]) {
        check_as(Media::Other, body, code, message, fields);
    }

    #[test]
    fn the_api_s_shapes() {
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
        check(
            r#"{"message":"Invalid.","errors":["One.",7,"Two."]}"#,
            None,
            Some("Invalid.; One.; Two."),
            &[],
        );
        check(r#"{"errors":"One."}"#, None, Some("One."), &[]);
        check("<html>", None, None, &[]);
        check("[1]", None, None, &[]);
        check(r#"{"error":7,"message":null,"errors":[]}"#, None, None, &[]);
        check(r#"{"error":"","message":" "}"#, None, None, &[]);
        check(
            r#"{"message":"a\u001b[31mb"}"#,
            None,
            Some("a\\u{1b}[31mb"),
            &[],
        );
    }

    #[test]
    fn words_that_are_no_code_and_no_field_are_the_message() {
        check(
            r#"{"error":"Email zoe@example.com is taken"}"#,
            None,
            Some("Email zoe@example.com is taken"),
            &[],
        );
        check(
            r#"{"error":"zoe@example.com","message":"Taken."}"#,
            None,
            Some("zoe@example.com: Taken."),
            &[],
        );
        check(r#"{"error":"0791234567"}"#, None, Some("0791234567"), &[]);
        check(
            r#"{"message":"Invalid.","errors":{"email":["Taken."],"zoe@example.com":["Taken."]}}"#,
            None,
            Some("Invalid.; zoe@example.com Taken."),
            &[("email", "Taken.")],
        );
        check(
            r#"{"errors":{"customer.email":"Bad."}}"#,
            None,
            Some("customer.email Bad."),
            &[],
        );
        let long = "x".repeat(65);
        check(&format!(r#"{{"error":"{long}"}}"#), None, Some(&long), &[]);
    }

    #[test]
    fn title_and_detail_belong_to_problem_json_alone() {
        let body =
            r#"{"type":"about:blank","title":"Invalid","detail":"email is taken","status":422}"#;
        check_as(
            Media::Problem,
            body,
            None,
            Some("Invalid: email is taken"),
            &[],
        );
        check_as(
            Media::Problem,
            r#"{"detail":"email is taken"}"#,
            None,
            Some("email is taken"),
            &[],
        );
        check(body, None, None, &[]);
    }

    #[test]
    fn the_token_is_in_no_text() {
        check(r#"{"error":"canary-7f3a"}"#, None, Some("***"), &[]);
        check(
            r#"{"error":"bad_canary-7f3a_x"}"#,
            None,
            Some("bad_***_x"),
            &[],
        );
        check(
            r#"{"message":"Bearer canary\u002d7f3a.","errors":{"email":"CANARY-7F3A","canary-7f3a":"x"}}"#,
            None,
            Some("Bearer ***.; *** x"),
            &[("email", "***")],
        );
        // A token at the cut leaves no part of itself.
        let body = format!(
            r#"{{"message":"{}{TOKEN}"}}"#,
            "x".repeat(CHARACTERS_MAX - 5)
        );
        let message = parse(body.as_bytes(), Media::Other, &token())
            .message
            .expect("a message");
        assert!(message.ends_with("x***"), "{message}");
    }

    #[test]
    fn the_text_is_cut_over_all_fields_together() {
        let long = "x".repeat(200);
        let body = format!(
            r#"{{"message":"{long}","errors":{{"email":["{long}"],"job":["{long}"],"y":"{long}"}}}}"#
        );
        let error = parse(body.as_bytes(), Media::Other, &token());
        let kept = error.message.map_or(0, |text| text.len())
            + error
                .fields
                .iter()
                .map(|(_, text)| text.len())
                .sum::<usize>();
        assert_eq!(kept, CHARACTERS_MAX);
    }
}
