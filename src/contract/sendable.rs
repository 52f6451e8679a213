//! Turns a value that the API showed into the value of a request that sets it again.

use std::fmt;

use serde::Serializer as _;

use super::allowed::Leniency;
use super::country::Countries;
use super::point_in_time::point_in_time;
use super::resource::{MemberValue, is_null};
use super::row_notes::RowNotes;
use super::value::{Cell, FieldValue, value};
use super::{ErrorCode, Field, NullRule, ValueRules};

/// The reason why a shown value cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unsendable {
    /// The API does not show the field.
    NotShown,
    /// The API shows the country's name, and its id is not known.
    UnknownCountry,
    /// The contract forbids the value.
    Forbidden(ErrorCode),
}

impl fmt::Display for Unsendable {
    /// Writes the reason in words that follow a field's name and a colon. They hold no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsendable::NotShown => f.write_str("the API does not show it"),
            Unsendable::UnknownCountry => {
                f.write_str("the API shows a name whose id is not known ([values.country_id])")
            }
            Unsendable::Forbidden(ErrorCode::Null) => f.write_str("it is empty and must not be"),
            Unsendable::Forbidden(code) => {
                write!(f, "the API accepts no such value ({})", code.name())
            }
        }
    }
}

/// Returns the value that sets a field to what was shown for it: for `country_id` the id of the
/// country with the shown name.
///
/// Text that looks damaged is sent as it was shown. A date is sent in the contract's form, and one
/// without a zone as UTC, as it is compared. A number that is shown for a text field is not sent:
/// it may have lost leading zeros.
pub(super) fn sendable(
    field: Field,
    shown: Option<&MemberValue<'static>>,
    countries: &Countries,
) -> Result<MemberValue<'static>, Unsendable> {
    let shown = shown.ok_or(Unsendable::NotShown)?;
    match (field, shown) {
        (_, shown) if is_null(shown) => match field.rule().null {
            NullRule::Allowed => Ok(MemberValue::Null),
            NullRule::Refused => Err(Unsendable::Forbidden(ErrorCode::Null)),
        },
        (Field::CountryId, MemberValue::Text(name)) => countries
            .id(name)
            .map(MemberValue::Integer)
            .ok_or(Unsendable::UnknownCountry),
        (Field::CountryId, _) => Err(Unsendable::Forbidden(ErrorCode::Type)),
        (Field::DateOfBirth, MemberValue::Text(text)) => {
            checked(field, Cell::Text(text.as_ref().into())).or_else(|refused| {
                let at = point_in_time(text).ok_or(refused)?;
                checked(field, Cell::Text(at.to_string().into()))
            })
        }
        (_, MemberValue::Text(text)) => checked(field, Cell::Text(text.as_ref().into())),
        (_, MemberValue::Integer(number)) => checked(field, Cell::Number(&number.to_string())),
        (_, MemberValue::Null | MemberValue::Other(_) | MemberValue::Repeated) => {
            Err(Unsendable::Forbidden(ErrorCode::Type))
        }
    }
}

/// Checks a value by the contract of its field.
fn checked(field: Field, cell: Cell<'_>) -> Result<MemberValue<'static>, Unsendable> {
    let rules = ValueRules {
        allowed: std::iter::once(Leniency::Damaged).collect(),
        ..ValueRules::default()
    };
    match value(cell, field.rule(), &rules, &mut RowNotes::default()) {
        Ok(FieldValue::Null) => Ok(MemberValue::Null),
        Ok(FieldValue::Integer(number)) => Ok(MemberValue::Integer(number)),
        Ok(FieldValue::Text(text)) => Ok(MemberValue::Text(text.into_owned().into())),
        Ok(FieldValue::Day(day)) => Ok(MemberValue::Text(
            format!("{day}{}", super::date::MIDNIGHT).into(),
        )),
        Err((code, _)) => Err(Unsendable::Forbidden(code)),
    }
}

/// Returns the body of a request that sets these fields, which are in the contract's order.
pub(super) fn body_of<'v>(
    values: impl IntoIterator<Item = (Field, &'v MemberValue<'v>)>,
) -> Vec<u8> {
    let mut body = Vec::new();
    let named = values
        .into_iter()
        .map(|(field, value)| (field.name(), value));
    serde_json::Serializer::new(&mut body)
        .collect_map(named)
        .expect("values that may be sent, written to memory, cannot fail");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(field: Field, shown: &str, want: Result<&str, Unsendable>) {
        let mut countries = Countries::default();
        countries.learn(4, "Country 4");
        let shown: MemberValue<'_> = serde_json::from_str(shown).expect("JSON");
        let sent = sendable(field, Some(&shown.to_owned()), &countries);
        let sent = sent.map(|value| serde_json::to_string(&value).expect("a value"));
        assert_eq!(
            sent.as_deref().map_err(|reason| *reason),
            want,
            "{field} {shown:?}"
        );
    }

    #[test]
    fn a_value_is_sent_as_it_was_shown() {
        check(Field::FirstName, r#""Zo\u00eb""#, Ok("\"Zo\u{eb}\""));
        check(Field::LastName, r##""#N/A""##, Ok(r##""#N/A""##));
        check(Field::Job, "null", Ok("null"));
        check(Field::Job, r#""""#, Ok("null"));
        check(Field::UserId, "7", Ok("7"));
        check(Field::UserId, r#""7""#, Ok("7"));
        check(Field::UserId, r#""""#, Ok("null"));
        check(Field::CountryId, r#""Country 4""#, Ok("4"));
        check(Field::CountryId, "null", Ok("null"));
        check(
            Field::DateOfBirth,
            r#""1985-04-12""#,
            Ok(r#""1985-04-12T00:00:00Z""#),
        );
        check(
            Field::DateOfBirth,
            r#""1985-04-12T00:00:00.000000Z""#,
            Ok(r#""1985-04-12T00:00:00.000000Z""#),
        );
        check(
            Field::DateOfBirth,
            r#""1985-04-12 10:00:00""#,
            Ok(r#""1985-04-12T10:00:00Z""#),
        );
    }

    #[test]
    fn a_value_that_the_contract_forbids_is_not_sent() {
        let forbidden = |code| Err(Unsendable::Forbidden(code));
        check(Field::FirstName, "null", forbidden(ErrorCode::Null));
        check(Field::FirstName, r#""""#, forbidden(ErrorCode::Null));
        check(Field::FirstName, r#"" ""#, forbidden(ErrorCode::Null));
        check(Field::FirstName, "true", forbidden(ErrorCode::Type));
        check(Field::PhoneNumber, "41791", forbidden(ErrorCode::Type));
        let long = format!("\"{}\"", "1".repeat(30));
        check(Field::PhoneNumber, &long, forbidden(ErrorCode::TooLong));
        check(Field::Gender, r#""unknown""#, forbidden(ErrorCode::Enum));
        check(Field::Email, r#""none""#, forbidden(ErrorCode::Format));
        check(
            Field::DateOfBirth,
            r#""last year""#,
            forbidden(ErrorCode::Format),
        );
        check(Field::UserId, "7.5", forbidden(ErrorCode::Type));
        check(
            Field::CountryId,
            r#""Country 5""#,
            Err(Unsendable::UnknownCountry),
        );
        check(Field::CountryId, "4", forbidden(ErrorCode::Type));
        assert_eq!(
            sendable(Field::Job, None, &Countries::default()),
            Err(Unsendable::NotShown)
        );
    }
}
