//! Completes a partial update with the customer's other values, for an API whose PUT clears what it
//! leaves out.

use std::collections::BTreeMap;

use super::country::Countries;
use super::image::Image;
use super::resource::{MemberValue, SentFields};
use super::sendable::{Unsendable, body_of, sendable};
use super::{ErrorCode, Field, FieldSet};

/// The body of an update that sets all fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complete {
    /// The body, in the contract's order.
    pub(crate) body: Vec<u8>,
    /// The fields that it leaves out because the API does not show them.
    pub(crate) not_shown: FieldSet,
}

/// Lays the fields of a row over the customer as it is shown. A null that the contract forbids is
/// left out, since the field is empty anyway. Other shown values that cannot be sent would be lost:
/// they are an error, each with its field and reason.
pub(crate) fn lay_over(
    shown: &Image,
    row: &SentFields<'_>,
    countries: &Countries,
) -> Result<Complete, Vec<(Field, Unsendable)>> {
    let row = row.fields().map(|(field, value)| (field, value.to_owned()));
    lay_values_over(shown, row.collect(), countries)
}

/// Lays values that may be sent over the customer as it is shown, as [`lay_over`] does.
pub(super) fn lay_values_over(
    shown: &Image,
    mut values: BTreeMap<Field, MemberValue<'static>>,
    countries: &Countries,
) -> Result<Complete, Vec<(Field, Unsendable)>> {
    let (mut not_shown, mut lost) = (FieldSet::EMPTY, Vec::new());
    for field in FieldSet::ALL.iter() {
        if values.contains_key(&field) {
            continue;
        }
        match sendable(field, shown.shown(field), countries) {
            Ok(value) => {
                values.insert(field, value);
            }
            Err(Unsendable::NotShown) => not_shown.insert(field),
            Err(Unsendable::Forbidden(ErrorCode::Null)) => {}
            Err(reason) => lost.push((field, reason)),
        }
    }
    if !lost.is_empty() {
        return Err(lost);
    }
    let body = body_of(values.iter().map(|(field, value)| (*field, value)));
    Ok(Complete { body, not_shown })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::CustomerId;

    /// A body with the fields that it leaves out, or the fields that would be lost.
    type Want<'w> = Result<(&'w str, &'w [Field]), &'w [(Field, Unsendable)]>;

    fn check(shown: &str, row: &str, want: Want<'_>) {
        let id = CustomerId::new(7).expect("an id");
        let image = Image::of_answer(shown.as_bytes(), id).expect("the customer is shown");
        let mut countries = Countries::default();
        countries.learn(4, "Country 4");
        let row = SentFields::of_request(row.as_bytes()).expect("an object");
        let complete = lay_over(&image, &row, &countries);
        let found = complete.as_ref().map(|complete| {
            let body = std::str::from_utf8(&complete.body).expect("JSON is UTF-8");
            (body, complete.not_shown)
        });
        let want = want.map(|(body, not_shown)| (body, not_shown.iter().copied().collect()));
        assert_eq!(found.map_err(Vec::as_slice), want, "{shown}");
    }

    #[test]
    fn the_fields_that_a_row_leaves_out_are_those_that_are_shown() {
        let shown = r#"{"id":7,"first_name":"Ada","last_name":"Byron","phone_number":"1","email":"a@b.example","date_of_birth":"1985-04-12",
            "gender":null,"country_name":"Country 4","identity_number":"x","job":"","address":null,"default_channel_id":2,
            "related_user":{"id":3,"name":"x"}}"#;
        check(
            shown,
            r#"{"job":"Nurse","email":null}"#,
            Ok((
                r#"{"first_name":"Ada","last_name":"Byron","phone_number":"1","email":null,"date_of_birth":"1985-04-12T00:00:00Z","gender":null,"country_id":4,"identity_number":"x","job":"Nurse","address":null,"default_channel_id":2,"user_id":3}"#,
                &[],
            )),
        );
    }

    #[test]
    fn what_is_empty_or_not_shown_is_left_out() {
        check(
            r#"{"id":7,"first_name":null,"last_name":"","phone_number":"1","email":null,"date_of_birth":null,"country_name":null}"#,
            r#"{"gender":"other","address":"12"}"#,
            Ok((
                r#"{"phone_number":"1","email":null,"date_of_birth":null,"gender":"other","country_id":null,"address":"12"}"#,
                &[
                    Field::IdentityNumber,
                    Field::Job,
                    Field::DefaultChannelId,
                    Field::UserId,
                ],
            )),
        );
    }

    #[test]
    fn a_value_that_would_be_lost_is_an_error_unless_the_row_sets_it() {
        let shown = r#"{"id":7,"gender":"unknown","country_name":"Country 5"}"#;
        check(
            shown,
            "{}",
            Err(&[
                (Field::Gender, Unsendable::Forbidden(ErrorCode::Enum)),
                (Field::CountryId, Unsendable::UnknownCountry),
            ]),
        );
        check(
            shown,
            r#"{"country_id":6}"#,
            Err(&[(Field::Gender, Unsendable::Forbidden(ErrorCode::Enum))]),
        );
    }
}
