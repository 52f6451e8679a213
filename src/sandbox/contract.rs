//! The API's rules for a customer's fields, written a second time from the API's pages alone: a
//! mistake in the sender's own rules becomes a refusal here.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::format::{is_date_time, is_email};

/// New values by field name, trimmed and valid, without the fields that were left out.
pub(super) type Changes = BTreeMap<&'static str, Value>;

/// A field with a value that the API refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) field: String,
    pub(super) breach: Breach,
}

/// The rule that a value breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breach {
    UnknownField,
    Null,
    NotText,
    NotInteger,
    TooLong { characters_max: usize },
    NotEmail,
    NotDateTime,
    NotGender,
}

impl fmt::Display for Breach {
    /// Writes the end of a sentence that begins with "The field".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::UnknownField => f.write_str("is not known"),
            Breach::Null => f.write_str("must have a value"),
            Breach::NotText => f.write_str("must be a string"),
            Breach::NotInteger => f.write_str("must be an integer"),
            Breach::TooLong { characters_max } => {
                write!(f, "must not be greater than {characters_max} characters")
            }
            Breach::NotEmail => f.write_str("must be a valid email address"),
            Breach::NotDateTime => f.write_str("must be a valid date-time"),
            Breach::NotGender => f.write_str("must be one of male, female, other"),
        }
    }
}

struct Rule {
    field: &'static str,
    kind: Kind,
    null: Null,
}

/// The kind of a field's values.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Text,
    LimitedText { characters_max: usize },
    Email,
    DateTime,
    Gender,
    Integer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Null {
    Allowed,
    Refused,
}

const EMAIL_CHARACTERS_MAX: usize = 255;

const fn rule(field: &'static str, kind: Kind, null: Null) -> Rule {
    Rule { field, kind, null }
}

/// The twelve fields of the body, as the endpoint's reference page lists them.
const RULES: [Rule; 12] = [
    rule(
        "first_name",
        Kind::LimitedText {
            characters_max: 255,
        },
        Null::Refused,
    ),
    rule(
        "last_name",
        Kind::LimitedText {
            characters_max: 255,
        },
        Null::Refused,
    ),
    rule(
        "phone_number",
        Kind::LimitedText { characters_max: 20 },
        Null::Refused,
    ),
    rule("email", Kind::Email, Null::Allowed),
    rule("date_of_birth", Kind::DateTime, Null::Allowed),
    rule("gender", Kind::Gender, Null::Allowed),
    rule("country_id", Kind::Integer, Null::Allowed),
    rule("identity_number", Kind::Text, Null::Allowed),
    rule(
        "job",
        Kind::LimitedText {
            characters_max: 255,
        },
        Null::Allowed,
    ),
    rule(
        "address",
        Kind::LimitedText {
            characters_max: 1_000,
        },
        Null::Allowed,
    ),
    rule("default_channel_id", Kind::Integer, Null::Allowed),
    rule("user_id", Kind::Integer, Null::Allowed),
];

/// Validates a whole body: returns its changes, or all violations in the order of the field names.
///
/// An unknown field is a violation, which is stricter than the API, so that a misspelt name is
/// noticed.
pub(super) fn validate(body: Map<String, Value>) -> Result<Changes, Vec<Violation>> {
    let mut changes = Changes::new();
    let mut violations = Vec::new();
    for (field, value) in body {
        let judged = match RULES.iter().find(|rule| rule.field == field) {
            Some(rule) => rule
                .validate(cleaned(value))
                .map(|value| changes.insert(rule.field, value)),
            None => Err(Breach::UnknownField),
        };
        if let Err(breach) = judged {
            violations.push(Violation { field, breach });
        }
    }
    if violations.is_empty() {
        Ok(changes)
    } else {
        Err(violations)
    }
}

/// A field of the body, and the kind of its values.
pub(super) fn field_named(name: &str) -> Option<(&'static str, Kind)> {
    let rule = RULES.iter().find(|rule| rule.field == name)?;
    Some((rule.field, rule.kind))
}

/// The changes of a body that replaces a customer: the fields that it leaves out become null.
pub(super) fn replacement(changes: Changes) -> Changes {
    let mut all: Changes = RULES.iter().map(|rule| (rule.field, Value::Null)).collect();
    all.extend(changes);
    all
}

/// Normalizes a value as Laravel's default middleware does before validation: text is trimmed, and
/// empty text becomes null.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) if text.trim().is_empty() => Value::Null,
        Value::String(text) => Value::String(text.trim().to_owned()),
        other => other,
    }
}

impl Rule {
    fn validate(&self, value: Value) -> Result<Value, Breach> {
        if value.is_null() {
            return if self.null == Null::Allowed {
                Ok(value)
            } else {
                Err(Breach::Null)
            };
        }
        match self.kind {
            Kind::Text => text_of(&value).map(|_| ()),
            Kind::LimitedText { characters_max } => {
                limited_text_of(&value, characters_max).map(|_| ())
            }
            Kind::Email => match limited_text_of(&value, EMAIL_CHARACTERS_MAX)? {
                text if is_email(text) => Ok(()),
                _ => Err(Breach::NotEmail),
            },
            Kind::DateTime => match text_of(&value)? {
                text if is_date_time(text) => Ok(()),
                _ => Err(Breach::NotDateTime),
            },
            Kind::Gender => match text_of(&value)? {
                "male" | "female" | "other" => Ok(()),
                _ => Err(Breach::NotGender),
            },
            Kind::Integer => value.as_i64().map(|_| ()).ok_or(Breach::NotInteger),
        }?;
        Ok(value)
    }
}

fn text_of(value: &Value) -> Result<&str, Breach> {
    value.as_str().ok_or(Breach::NotText)
}

fn limited_text_of(value: &Value, characters_max: usize) -> Result<&str, Breach> {
    let text = text_of(value)?;
    if text.chars().nth(characters_max).is_some() {
        return Err(Breach::TooLong { characters_max });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Breach, validate};

    fn judged(field: &str, value: Value) -> Result<Value, Breach> {
        let body = [(field.to_owned(), value)].into_iter().collect();
        match validate(body) {
            Ok(changes) => Ok(changes[field].clone()),
            Err(violations) => Err(violations[0].breach),
        }
    }

    #[test]
    fn text_has_a_limit_in_characters() {
        let check = |field: &str, characters_max: usize| {
            let longest = "é".repeat(characters_max);
            let padded = format!("  {longest}\t");
            assert_eq!(judged(field, json!(padded)), Ok(json!(longest)), "{field}");
            let too_long = Err(Breach::TooLong { characters_max });
            assert_eq!(
                judged(field, json!(format!("{longest}é"))),
                too_long,
                "{field}"
            );
            assert_eq!(judged(field, json!(7)), Err(Breach::NotText), "{field}");
        };
        check("first_name", 255);
        check("last_name", 255);
        check("phone_number", 20);
        check("job", 255);
        check("address", 1_000);
    }

    #[test]
    fn three_fields_must_have_a_value() {
        let check = |field: &str, want: Result<Value, Breach>| {
            for empty in [json!(null), json!(""), json!(" \n ")] {
                assert_eq!(judged(field, empty), want, "{field}");
            }
        };
        for field in ["first_name", "last_name", "phone_number"] {
            check(field, Err(Breach::Null));
        }
        for field in [
            "email",
            "date_of_birth",
            "gender",
            "country_id",
            "identity_number",
            "job",
            "address",
            "default_channel_id",
            "user_id",
        ] {
            check(field, Ok(json!(null)));
        }
    }

    #[test]
    fn other_fields_have_a_format() {
        let check = |field: &str, value: Value, want: Option<Breach>| {
            let want = want.map_or(Ok(value.clone()), Err);
            assert_eq!(judged(field, value), want, "{field}");
        };
        check("email", json!("jsmith@example.com"), None);
        check("email", json!("jsmith"), Some(Breach::NotEmail));
        check(
            "email",
            json!(["jsmith@example.com"]),
            Some(Breach::NotText),
        );
        let label = "b".repeat(60);
        let long = format!(
            "{}@{label}.{label}.{label}.{}",
            "a".repeat(64),
            "c".repeat(7)
        );
        check("email", json!(long), None);
        check(
            "email",
            json!(format!("{long}c")),
            Some(Breach::TooLong {
                characters_max: 255,
            }),
        );
        check("date_of_birth", json!("1990-01-31T00:00:00Z"), None);
        check(
            "date_of_birth",
            json!("1990-01-31"),
            Some(Breach::NotDateTime),
        );
        check("date_of_birth", json!(0), Some(Breach::NotText));
        check("gender", json!("other"), None);
        check("gender", json!("Male"), Some(Breach::NotGender));
        check("gender", json!(true), Some(Breach::NotText));
        check("identity_number", json!("9".repeat(5_000)), None);
        check("identity_number", json!({}), Some(Breach::NotText));
        for field in ["country_id", "default_channel_id", "user_id"] {
            check(field, json!(i64::MAX), None);
            check(field, json!(i64::MIN), None);
            check(field, json!(u64::MAX), Some(Breach::NotInteger));
            check(field, json!(84.0), Some(Breach::NotInteger));
            check(field, json!("84"), Some(Breach::NotInteger));
            check(field, json!(true), Some(Breach::NotInteger));
        }
        check("firstname", json!("Ann"), Some(Breach::UnknownField));
        check("id", json!(1), Some(Breach::UnknownField));
    }

    #[test]
    fn all_violations_are_named() {
        let Value::Object(body) = json!({"email": "x", "job": "clerk", "first_name": null}) else {
            panic!("the literal above is an object");
        };
        let violations = validate(body).unwrap_err();
        let named: Vec<&str> = violations
            .iter()
            .map(|violation| violation.field.as_str())
            .collect();
        assert_eq!(named, ["email", "first_name"]);
    }
}
