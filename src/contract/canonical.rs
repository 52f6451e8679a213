//! A canonical form of values: two values that [`compare`](super::compare) calls the same, or
//! another spelling, have the same form. So a hash of it stands for a value that is not kept.
//!
//! The form is coarser than the comparison: it also passes over white space around every text.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::point_in_time::point_in_time;
use super::resource::MemberValue;
use super::{Field, Image};

/// The first byte of a form, which keeps the kinds apart.
const EMPTY: u8 = b'0';
const TEXT: u8 = b't';
const DIGITS: u8 = b'd';
const INSTANT: u8 = b'i';
const OTHER: u8 = b'o';

/// Appends the canonical form of a value that was sent, or that is shown, for a field. For
/// `country_id`, a shown value is the name of the country. Returns `None`, and appends nothing, if
/// the value appears twice, so that it is not known.
pub(crate) fn write_canonical(
    field: Field,
    value: &MemberValue<'_>,
    form: &mut Vec<u8>,
) -> Option<()> {
    match value {
        MemberValue::Null => form.push(EMPTY),
        MemberValue::Integer(number) => write_text(field, &number.to_string(), form),
        MemberValue::Text(text) => write_text(field, text, form),
        MemberValue::Other(json) => write(OTHER, json, form),
        MemberValue::Repeated => return None,
    }
    Some(())
}

/// Appends the canonical form of what a customer's image shows for a field: for `country_id`, the
/// name of the country. Returns `None`, and appends nothing, if it is not shown.
pub(crate) fn write_shown(image: &Image, field: Field, form: &mut Vec<u8>) -> Option<()> {
    write_canonical(field, image.shown(field)?, form)
}

fn write_text(field: Field, text: &str, form: &mut Vec<u8>) {
    let text = text.trim();
    if text.is_empty() {
        return form.push(EMPTY);
    }
    match field {
        Field::FirstName
        | Field::LastName
        | Field::Job
        | Field::Address
        | Field::IdentityNumber => {
            let nfc = ComposingNormalizerBorrowed::new_nfc();
            write(TEXT, &nfc.normalize(text), form);
        }
        Field::Email => write(TEXT, &text.to_ascii_lowercase(), form),
        Field::PhoneNumber => {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            if digits.is_empty() {
                write(TEXT, text, form);
            } else {
                write(DIGITS, &digits, form);
            }
        }
        Field::DateOfBirth => match point_in_time(text) {
            Some(at) => write(INSTANT, &at.as_nanosecond().to_string(), form),
            None => write(TEXT, text, form),
        },
        Field::Gender | Field::CountryId | Field::DefaultChannelId | Field::UserId => {
            write(TEXT, text, form);
        }
    }
}

fn write(kind: u8, text: &str, form: &mut Vec<u8>) {
    form.push(kind);
    form.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::FieldSet;
    use crate::contract::compare::{ValueComparison, compare_values};

    fn form(field: Field, value: &MemberValue<'_>) -> Option<Vec<u8>> {
        let mut form = Vec::new();
        write_canonical(field, value, &mut form).map(|()| form)
    }

    fn text(text: &str) -> MemberValue<'static> {
        MemberValue::Text(text.to_owned().into())
    }

    #[test]
    fn spellings_of_a_value_have_one_form_and_other_values_another() {
        let check = |field: Field, one: MemberValue<'_>, other: MemberValue<'_>, is_same: bool| {
            let (one_form, other_form) = (form(field, &one), form(field, &other));
            assert_eq!(
                one_form == other_form,
                is_same,
                "{field} {one:?} {other:?}: {one_form:?} {other_form:?}"
            );
        };
        check(Field::Email, text("A@b.example"), text("a@B.example"), true);
        check(
            Field::Email,
            text("\u{c4}@b.example"),
            text("\u{e4}@b.example"),
            false,
        );
        check(Field::Job, text("Zo\u{eb} "), text("Zoe\u{308}"), true);
        check(Field::Job, text("a"), text("A"), false);
        check(Field::Job, text("\u{a0}"), MemberValue::Null, true);
        check(
            Field::Address,
            text("12"),
            MemberValue::Other("12".into()),
            false,
        );
        check(Field::PhoneNumber, text("+41 79"), text("4179"), true);
        check(Field::PhoneNumber, text("+"), text("-"), false);
        check(
            Field::DateOfBirth,
            text("1985-04-12"),
            text("1985-04-12T02:00:00+02:00"),
            true,
        );
        check(
            Field::DateOfBirth,
            text("1985-04-12"),
            text("1985-04-13"),
            false,
        );
        check(Field::UserId, text("7"), MemberValue::Integer(7), true);
        check(Field::UserId, text("07"), MemberValue::Integer(7), false);
        check(Field::CountryId, text("Norway"), text("Norway "), true);
        assert_eq!(form(Field::Job, &MemberValue::Repeated), None);
    }

    /// Values that are often equal, or nearly so.
    fn any_value() -> impl Strategy<Value = MemberValue<'static>> {
        let part = prop_oneof![
            Just(" "),
            Just("\u{a0}"),
            Just("a"),
            Just("A"),
            Just("\u{eb}"),
            Just("e\u{308}"),
            Just("\u{1e9b}\u{323}"),
            Just("1"),
            Just("-"),
            Just("+"),
            Just("0"),
        ];
        let texts = proptest::collection::vec(part, 0..5).prop_map(|parts| parts.concat());
        let dates = prop_oneof![
            Just("1985-04-12"),
            Just("1985-04-12T00:00:00Z"),
            Just("1985-04-12t00:00:00z"),
            Just("1985-04-12 00:00:00"),
            Just("1985-04-12T02:00:00+02:00"),
            Just("1985-04-12T00:00:00.000000Z"),
            Just(" 1985-04-12"),
            Just("1985-04-13"),
        ];
        prop_oneof![
            Just(MemberValue::Null),
            (-12..12_i64).prop_map(MemberValue::Integer),
            (-12..12_i64).prop_map(|number| text(&number.to_string())),
            texts.prop_map(|parts| text(&parts)),
            dates.prop_map(text),
            Just(MemberValue::Other("true".into())),
            Just(MemberValue::Other("1.0".into())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

        #[test]
        fn what_compares_as_the_same_has_the_same_form(sent in any_value(), shown in any_value()) {
            for field in FieldSet::ALL.iter() {
                let comparison = compare_values(field, &sent, &shown);
                if matches!(comparison, ValueComparison::Same | ValueComparison::Spelling) {
                    prop_assert_eq!(
                        form(field, &sent), form(field, &shown), "{} {:?} {:?}", field, sent, shown
                    );
                }
            }
        }
    }
}
