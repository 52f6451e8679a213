//! Finds out whether a customer already has the values that an update sets.

use super::Field;
use super::compare::{ValueComparison, compare_values};
use super::country::Countries;
use super::image::Image;
use super::resource::{MemberValue, SentFields, is_null};

/// Whether each field of an update is shown with the value that it sets, so that the update changes
/// nothing. A field that is not shown, or that is shown in another spelling, may change.
pub(crate) fn is_as_shown(sent: &SentFields<'_>, shown: &Image, countries: &Countries) -> bool {
    sent.fields()
        .all(|(field, value)| has_value(field, value, shown, countries))
}

/// Whether a field is shown with the value that is sent.
pub(super) fn has_value(
    field: Field,
    sent: &MemberValue<'_>,
    shown: &Image,
    countries: &Countries,
) -> bool {
    match (field, shown.shown(field)) {
        // A country is shown by its name.
        (_, None) | (Field::CountryId, Some(MemberValue::Integer(_))) => false,
        (field, Some(shown)) => {
            compare_sent(field, sent, shown, countries) == ValueComparison::Same
        }
    }
}

/// Compares a value that is sent with a value that is shown: for `country_id` an id with a
/// name.
pub(super) fn compare_sent(
    field: Field,
    sent: &MemberValue<'_>,
    shown: &MemberValue<'_>,
    countries: &Countries,
) -> ValueComparison {
    match (field, sent, shown) {
        (Field::CountryId, MemberValue::Integer(id), MemberValue::Text(name))
            if !is_null(shown) =>
        {
            match countries.has_name(*id, name) {
                Some(true) => ValueComparison::Same,
                Some(false) => ValueComparison::Different,
                None => ValueComparison::NotComparable,
            }
        }
        _ => compare_values(field, sent, shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::CustomerId;

    #[test]
    fn an_update_changes_nothing_if_each_value_is_shown_as_it_is_sent() {
        let shown = r#"{"id":7,"first_name":"Ada","job":null,"address":"","email":"a@b.example","phone_number":"+1 2",
            "date_of_birth":"1985-04-12T00:00:00Z","default_channel_id":2,"related_user":{"id":3},"country_name":"Country 4"}"#;
        let id = CustomerId::new(7).expect("an id");
        let image = Image::of_answer(shown.as_bytes(), id).expect("the customer is shown");
        let mut countries = Countries::default();
        countries.learn(4, "Country 4");
        for (body, want) in [
            (r#"{"first_name":"Ada","job":null,"address":null}"#, true),
            (r#"{"job":"","address":""}"#, true),
            (r#"{"first_name":"Ada","job":"Nurse"}"#, false),
            (r#"{"first_name":"ada"}"#, false),
            (r#"{"first_name":" Ada"}"#, false),
            (r#"{"email":"A@b.example"}"#, false),
            (r#"{"phone_number":"+12"}"#, false),
            (r#"{"date_of_birth":"1985-04-12T02:00:00+02:00"}"#, true),
            (r#"{"date_of_birth":"1985-04-13T00:00:00Z"}"#, false),
            (r#"{"default_channel_id":2,"user_id":3}"#, true),
            (r#"{"user_id":null}"#, false),
            (r#"{"country_id":4}"#, true),
            (r#"{"country_id":5}"#, false),
            (r#"{"country_id":null}"#, false),
            (r#"{"gender":null}"#, false),
        ] {
            let sent = SentFields::of_request(body.as_bytes()).expect("an object");
            assert_eq!(is_as_shown(&sent, &image, &countries), want, "{body}");
        }
        let unknown = SentFields::of_request(br#"{"country_id":4}"#).expect("an object");
        assert!(!is_as_shown(&unknown, &image, &Countries::default()));
    }

    #[test]
    fn an_id_differs_from_no_country_even_if_its_name_is_unknown() {
        let check = |name: &'static str, want: ValueComparison| {
            let (sent, shown) = (MemberValue::Integer(4), MemberValue::Text(name.into()));
            let found = compare_sent(Field::CountryId, &sent, &shown, &Countries::default());
            assert_eq!(found, want, "{name:?}");
        };
        check("", ValueComparison::Different);
        check("Country 4", ValueComparison::NotComparable);
    }
}
