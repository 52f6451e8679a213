//! Compares a value that was sent with the value that the API shows. The request's fields differ
//! from the resource's, so each has its own rule; [`compare`] has the table.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::answer::Shown;
use super::point_in_time::PointInTime;
use super::resource::{MemberValue, Resource, SentFields, is_null};
use super::{CustomerId, Field};

/// The result of comparing a value sent with a value shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ValueComparison {
    /// Equal.
    Same,
    /// Equal except for the spelling.
    Spelling,
    /// Dates one day apart: most likely a time zone.
    NextDay,
    /// Not equal.
    Different,
    /// The resource shows the field in a form that cannot be compared: `country_name` for
    /// `country_id`.
    NotComparable,
    /// The resource lacks the field, which is not the same as null.
    NotShown,
}

/// Compares the value that was sent for a field with the customer that is shown.
///
/// | field | shown as | same | spelling |
/// |---|---|---|---|
/// | names, `job`, `address`, `identity_number` | same | same characters; `""` equals null | after trimming and NFC |
/// | `email` | same | same characters | without regard to ASCII case |
/// | `phone_number` | same | same characters | same digits |
/// | `date_of_birth` | same | same instant; a date is its midnight UTC | a time without zone, taken as UTC |
/// | `gender` | same | same characters | |
/// | `default_channel_id` | same | same number, also as digits | |
/// | `user_id` | `related_user.id` | the same; `related_user: null` equals null | |
/// | `country_id` | `country_name` | | not comparable |
///
/// `""` equals null in every field: the API turns the one into the other.
pub(crate) fn compare(
    field: Field,
    sent: &MemberValue<'_>,
    shown: &Resource<'_>,
) -> ValueComparison {
    match (field, shown.value(field)) {
        (Field::CountryId, _) if shown.country_name().is_some() => ValueComparison::NotComparable,
        (_, None) => ValueComparison::NotShown,
        (_, Some(shown)) => compare_values(field, sent, shown),
    }
}

/// Compares the customer in an answer's body with the body of the request that set its fields. The
/// result is `AsSent` if every field is the same or differs in spelling alone; `None` if the answer
/// shows no customer, or another one.
pub(crate) fn compare_answer(sent: &[u8], answer: &[u8], customer: CustomerId) -> Option<Shown> {
    let resource =
        Resource::of_answer(answer).filter(|resource| resource.id() == Some(customer))?;
    let Some(sent) = SentFields::of_request(sent) else {
        return Some(Shown::Otherwise);
    };
    let (mut is_empty, mut shown) = (true, Shown::AsSent);
    for (field, value) in sent.fields() {
        is_empty = false;
        match (field, compare(field, value, &resource)) {
            (_, ValueComparison::Same | ValueComparison::Spelling) => {}
            (Field::CountryId, ValueComparison::NotComparable) => shown = Shown::AsSentButCountry,
            _ => return Some(Shown::Otherwise),
        }
    }
    Some(if is_empty { Shown::Otherwise } else { shown })
}

/// Compares a value that was sent, or shown earlier, with a value that is shown. For `user_id`, that
/// is `related_user.id`.
pub(super) fn compare_values(
    field: Field,
    sent: &MemberValue<'_>,
    shown: &MemberValue<'_>,
) -> ValueComparison {
    match (sent, shown) {
        (MemberValue::Other(one), MemberValue::Other(other)) => {
            if_equal(one == other, ValueComparison::Same)
        }
        (MemberValue::Other(_) | MemberValue::Repeated, _)
        | (_, MemberValue::Other(_) | MemberValue::Repeated) => ValueComparison::Different,
        (sent, shown) if is_null(sent) && is_null(shown) => ValueComparison::Same,
        (MemberValue::Text(sent), MemberValue::Text(shown)) => compare_texts(field, sent, shown),
        (MemberValue::Integer(sent), MemberValue::Integer(shown)) => {
            if_equal(sent == shown, ValueComparison::Same)
        }
        // Some servers write numbers as text. In a text field, others write text as a number, which
        // loses leading zeros.
        (MemberValue::Integer(sent), MemberValue::Text(shown)) => {
            if_equal(sent.to_string() == **shown, ValueComparison::Same)
        }
        (MemberValue::Text(sent), MemberValue::Integer(shown)) => {
            if_equal(sent.trim() == shown.to_string(), ValueComparison::Spelling)
        }
        (MemberValue::Null, MemberValue::Text(text))
        | (MemberValue::Text(text), MemberValue::Null) => {
            if_equal(text.trim().is_empty(), ValueComparison::Spelling)
        }
        (MemberValue::Null, MemberValue::Null) => ValueComparison::Same,
        (MemberValue::Null, MemberValue::Integer(_))
        | (MemberValue::Integer(_), MemberValue::Null) => ValueComparison::Different,
    }
}

fn if_equal(is_equal: bool, comparison: ValueComparison) -> ValueComparison {
    if is_equal {
        comparison
    } else {
        ValueComparison::Different
    }
}

fn compare_texts(field: Field, sent: &str, shown: &str) -> ValueComparison {
    if sent == shown {
        return ValueComparison::Same;
    }
    let is_spelling = match field {
        Field::DateOfBirth => return compare_dates(sent, shown),
        Field::FirstName
        | Field::LastName
        | Field::Job
        | Field::Address
        | Field::IdentityNumber => {
            let nfc = ComposingNormalizerBorrowed::new_nfc();
            nfc.normalize(sent.trim()) == nfc.normalize(shown.trim())
        }
        Field::Email => sent.eq_ignore_ascii_case(shown),
        Field::PhoneNumber => digits(sent).next().is_some() && digits(sent).eq(digits(shown)),
        Field::Gender | Field::CountryId | Field::DefaultChannelId | Field::UserId => false,
    };
    if_equal(is_spelling, ValueComparison::Spelling)
}

fn digits(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().filter(u8::is_ascii_digit)
}

fn compare_dates(sent: &str, shown: &str) -> ValueComparison {
    let (Some(sent), Some(shown)) = (PointInTime::of(sent), PointInTime::of(shown)) else {
        return ValueComparison::Different;
    };
    if sent.at == shown.at {
        return if_equal(
            true,
            if shown.has_zone {
                ValueComparison::Same
            } else {
                ValueComparison::Spelling
            },
        );
    }
    let (earlier, later) = (sent.day.min(shown.day), sent.day.max(shown.day));
    if earlier.tomorrow().is_ok_and(|day| day == later) {
        ValueComparison::NextDay
    } else {
        ValueComparison::Different
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CUSTOMER: u64 = 7;

    /// Compares two values of JSON.
    fn check(field: Field, sent: &str, shown: &str, want: ValueComparison) {
        let sent_body = format!(r#"{{"{field}":{sent}}}"#);
        let name = if field == Field::UserId {
            "related_user"
        } else {
            field.name()
        };
        let answer = format!(r#"{{"data":{{"id":{CUSTOMER},"{name}":{shown}}}}}"#);
        let sent_fields = SentFields::of_request(sent_body.as_bytes()).expect("an object");
        let resource = Resource::of_answer(answer.as_bytes()).expect("an object");
        let (_, value) = sent_fields.fields().next().expect("a field");
        assert_eq!(
            compare(field, value, &resource),
            want,
            "{field} {sent} {shown}"
        );
        let all = if matches!(want, ValueComparison::Same | ValueComparison::Spelling) {
            Shown::AsSent
        } else {
            Shown::Otherwise
        };
        let customer = CustomerId::new(CUSTOMER).expect("an id");
        assert_eq!(
            compare_answer(sent_body.as_bytes(), answer.as_bytes(), customer),
            Some(all),
            "{field} {sent} {shown}"
        );
    }

    #[test]
    fn texts_are_the_same_characters_or_the_same_after_trimming_and_nfc() {
        for field in [
            Field::FirstName,
            Field::LastName,
            Field::Job,
            Field::Address,
            Field::IdentityNumber,
        ] {
            check(
                field,
                r#""Zo\u00eb""#,
                "\"Zo\u{eb}\"",
                ValueComparison::Same,
            );
            check(
                field,
                "\"Zo\u{eb}\"",
                "\"Zoe\u{308}\"",
                ValueComparison::Spelling,
            );
            check(field, r#"" a b ""#, r#""a b""#, ValueComparison::Spelling);
            check(field, r#""a  b""#, r#""a b""#, ValueComparison::Different);
            check(field, r#""A""#, r#""a""#, ValueComparison::Different);
            check(field, r#""""#, "null", ValueComparison::Same);
            check(field, "null", r#""""#, ValueComparison::Same);
            check(field, r#"" ""#, "null", ValueComparison::Spelling);
            check(field, r#""a""#, "null", ValueComparison::Different);
            check(field, "null", r#""a""#, ValueComparison::Different);
            check(field, r#""12""#, "12", ValueComparison::Spelling);
            check(field, r#""012""#, "12", ValueComparison::Different);
            check(field, r#""true""#, "true", ValueComparison::Different);
            check(field, r#""a""#, r#"["a"]"#, ValueComparison::Different);
        }
    }

    #[test]
    fn email_is_the_same_without_regard_to_case() {
        check(
            Field::Email,
            r#""a@b.example""#,
            r#""a@b.example""#,
            ValueComparison::Same,
        );
        check(
            Field::Email,
            r#""A@B.example""#,
            r#""a@b.example""#,
            ValueComparison::Spelling,
        );
        check(
            Field::Email,
            r#""a@b.example""#,
            r#"" a@b.example""#,
            ValueComparison::Different,
        );
        check(
            Field::Email,
            "\"\u{c4}@b.example\"",
            "\"\u{e4}@b.example\"",
            ValueComparison::Different,
        );
        check(Field::Email, "null", "null", ValueComparison::Same);
    }

    #[test]
    fn phone_numbers_are_their_digits() {
        check(
            Field::PhoneNumber,
            r#""+41 79 1""#,
            r#""+41 79 1""#,
            ValueComparison::Same,
        );
        check(
            Field::PhoneNumber,
            r#""+41 79 1""#,
            r#""+41791""#,
            ValueComparison::Spelling,
        );
        check(
            Field::PhoneNumber,
            r#""+41791""#,
            r#""0041791""#,
            ValueComparison::Different,
        );
        check(
            Field::PhoneNumber,
            r#""41791""#,
            "41791",
            ValueComparison::Spelling,
        );
        check(
            Field::PhoneNumber,
            r#""x""#,
            r#""y""#,
            ValueComparison::Different,
        );
    }

    #[test]
    fn dates_are_instants() {
        let check = |sent: &str, shown: &str, want: ValueComparison| {
            check(
                Field::DateOfBirth,
                &format!("\"{sent}\""),
                &format!("\"{shown}\""),
                want,
            );
        };
        check(
            "1985-04-12T00:00:00Z",
            "1985-04-12T00:00:00.000000Z",
            ValueComparison::Same,
        );
        check(
            "1985-04-12T02:00:00+02:00",
            "1985-04-12T00:00:00Z",
            ValueComparison::Same,
        );
        check("1985-04-12T00:00:00Z", "1985-04-12", ValueComparison::Same);
        check(
            "1985-04-12T00:00:00Z",
            "1985-04-12 00:00:00",
            ValueComparison::Spelling,
        );
        check(
            "1985-04-12t00:00:00z",
            "1985-04-12T00:00:00Z",
            ValueComparison::Same,
        );
        check(
            "1985-04-12T08:00:00Z",
            "1985-04-12",
            ValueComparison::Different,
        );
        check(
            "1985-04-12T00:00:00Z",
            "1985-04-11",
            ValueComparison::NextDay,
        );
        check(
            "1985-04-12T00:00:00Z",
            "1985-04-11T22:00:00Z",
            ValueComparison::NextDay,
        );
        check(
            "1985-03-01T00:00:00Z",
            "1985-02-28",
            ValueComparison::NextDay,
        );
        check(
            "1985-04-12T00:00:00Z",
            "1985-04-13T00:00:00Z",
            ValueComparison::NextDay,
        );
        check(
            "1985-04-12T00:00:00Z",
            "1985-12-04",
            ValueComparison::Different,
        );
        check(
            "1985-04-12T00:00:00Z",
            "12/04/1985",
            ValueComparison::Different,
        );
        check(
            "9999-12-31T00:00:00Z",
            "1985-04-12",
            ValueComparison::Different,
        );
        super::tests::check(Field::DateOfBirth, "null", "null", ValueComparison::Same);
        super::tests::check(
            Field::DateOfBirth,
            "null",
            "\"1985-04-12\"",
            ValueComparison::Different,
        );
        super::tests::check(
            Field::DateOfBirth,
            "\"1985-04-12T00:00:00Z\"",
            "482112000",
            ValueComparison::Different,
        );
    }

    #[test]
    fn numbers_and_words_are_the_same_or_not() {
        check(
            Field::Gender,
            r#""male""#,
            r#""male""#,
            ValueComparison::Same,
        );
        check(
            Field::Gender,
            r#""male""#,
            r#""Male""#,
            ValueComparison::Different,
        );
        check(Field::DefaultChannelId, "3", "3", ValueComparison::Same);
        check(
            Field::DefaultChannelId,
            "3",
            r#""3""#,
            ValueComparison::Same,
        );
        check(
            Field::DefaultChannelId,
            "3",
            "4",
            ValueComparison::Different,
        );
        check(
            Field::DefaultChannelId,
            "3",
            "3.5",
            ValueComparison::Different,
        );
        check(
            Field::DefaultChannelId,
            "3",
            "null",
            ValueComparison::Different,
        );
        check(
            Field::DefaultChannelId,
            "null",
            "0",
            ValueComparison::Different,
        );
        check(
            Field::DefaultChannelId,
            "9223372036854775807",
            "9223372036854775808",
            ValueComparison::Different,
        );
    }

    #[test]
    fn the_user_is_the_related_user() {
        check(
            Field::UserId,
            "3",
            r#"{"id":3,"name":"x"}"#,
            ValueComparison::Same,
        );
        check(Field::UserId, "3", r#"{"id":"3"}"#, ValueComparison::Same);
        check(
            Field::UserId,
            "3",
            r#"{"id":4}"#,
            ValueComparison::Different,
        );
        check(
            Field::UserId,
            "3",
            r#"{"id":3,"id":3}"#,
            ValueComparison::Different,
        );
        check(Field::UserId, "3", "null", ValueComparison::Different);
        check(Field::UserId, "null", "null", ValueComparison::Same);
        check(
            Field::UserId,
            "3",
            r#"{"name":"x"}"#,
            ValueComparison::NotShown,
        );
        check(Field::UserId, "3", "3", ValueComparison::Different);
        check(Field::UserId, "null", "[]", ValueComparison::Different);
    }

    #[test]
    fn what_is_not_shown_or_not_comparable_is_not_as_sent() {
        let check = |sent: &str, answer: &str, want: Option<Shown>| {
            let customer = CustomerId::new(CUSTOMER).expect("an id");
            assert_eq!(
                compare_answer(sent.as_bytes(), answer.as_bytes(), customer),
                want,
                "{sent} {answer}"
            );
        };
        let email = r#"{"email":"a"}"#;
        check(email, r#"{"id":7,"email":"a"}"#, Some(Shown::AsSent));
        check(email, r#"{"id":7}"#, Some(Shown::Otherwise));
        check(
            email,
            r#"{"id":7,"email":"a","email":"a"}"#,
            Some(Shown::Otherwise),
        );
        check(
            r#"{"country_id":84}"#,
            r#"{"id":7,"country_name":"x","country_id":84}"#,
            Some(Shown::AsSentButCountry),
        );
        check(
            r#"{"country_id":84}"#,
            r#"{"id":7}"#,
            Some(Shown::Otherwise),
        );
        check(
            r#"{"country_id":84,"email":"a"}"#,
            r#"{"id":7,"country_name":"x","email":"b"}"#,
            Some(Shown::Otherwise),
        );
        check(
            r#"{"user_id":3}"#,
            r#"{"id":7,"user_id":3}"#,
            Some(Shown::Otherwise),
        );
        check(
            r#"{"email":"a","job":"b"}"#,
            r#"{"id":7,"email":"a","job":"c"}"#,
            Some(Shown::Otherwise),
        );
        check("{}", r#"{"id":7,"email":"a"}"#, Some(Shown::Otherwise));
        check("", r#"{"id":7,"email":"a"}"#, Some(Shown::Otherwise));
        check(email, r#"{"id":9,"email":"a"}"#, None);
        check(email, r#"{"email":"a"}"#, None);
        check(email, r#"{"id":7,"id":7,"email":"a"}"#, None);
        check(email, "[]", None);
        let country = SentFields::of_request(br#"{"country_id":84}"#).expect("an object");
        let compared = |answer: &str| {
            let resource = Resource::of_answer(answer.as_bytes()).expect("an object");
            country
                .fields()
                .map(|(field, value)| compare(field, value, &resource))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            compared(r#"{"country_name":"x"}"#),
            [ValueComparison::NotComparable]
        );
        assert_eq!(compared("{}"), [ValueComparison::NotShown]);
    }

    #[test]
    fn values_that_no_field_has_are_the_same_if_their_text_is() {
        let compared = |one: &'static str, other: &'static str| {
            let [one, other] = [one, other].map(|json| MemberValue::Other(json.into()));
            compare_values(Field::Job, &one, &other)
        };
        assert_eq!(compared("[1]", "[1]"), ValueComparison::Same);
        assert_eq!(compared("[1]", "[2]"), ValueComparison::Different);
    }
}
