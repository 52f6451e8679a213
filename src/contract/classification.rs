//! Classifies the text of one cell by its field's rule.

use super::date::{self, DateTime};
use super::decimal::{self, DecimalError};
use super::email::{self, Email};
use super::field::{FieldKind, FieldRule, NullRule};
use super::value_rules::ValueRules;

/// A value without anything unusual, as most are. One is made for each cell, so it fits in two
/// registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsualValue {
    /// The text itself.
    Itself,
    /// A plain date, meaning midnight UTC.
    Day,
    Integer(i64),
}

/// Classifies the text of a field's cell by a quick check. `None` sends the caller to [`classify`].
/// Only the first bytes are checked, so the caller rules out [odd
/// characters](super::has_odd_characters) first.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "called for each cell: a call would take as long as the check"
)]
pub(super) fn classify_usual(
    text: &str,
    rule: &FieldRule,
    rules: &ValueRules,
) -> Option<UsualValue> {
    match rule.kind {
        FieldKind::Text { characters_max } => {
            // A text has no more characters than bytes.
            let is_short = characters_max.is_none_or(|max| text.len() <= max);
            (is_short && starts_as_usual(text.as_bytes())).then_some(UsualValue::Itself)
        }
        FieldKind::Integer => decimal::parse(text).ok().map(UsualValue::Integer),
        FieldKind::Email { .. } | FieldKind::DateTime | FieldKind::OneOf(_) => {
            classify_usual_form(text, rule, rules)
        }
    }
}

fn classify_usual_form(text: &str, rule: &FieldRule, rules: &ValueRules) -> Option<UsualValue> {
    match rule.kind {
        FieldKind::Email { characters_max } => {
            let is_usual = text.len() <= characters_max && email::parse(text) == Some(Email::Usual);
            is_usual.then_some(UsualValue::Itself)
        }
        FieldKind::DateTime if !date::is_usual(text, &rules.today) => None,
        FieldKind::DateTime => match date::parse(text)? {
            DateTime::AsGiven => Some(UsualValue::Itself),
            DateTime::Day => Some(UsualValue::Day),
        },
        FieldKind::OneOf(words) => words.contains(&text).then_some(UsualValue::Itself),
        FieldKind::Text { .. } | FieldKind::Integer => unreachable!("they have no form"),
    }
}

/// The class of a text's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstByte {
    /// Nothing unusual can follow.
    Usual,
    /// The text may be a number in exponent notation.
    Digit,
    /// A short text may be a word for null.
    Word,
    /// White space, or the mark of something unusual.
    Unusual,
}

/// The class of each first byte.
#[expect(
    clippy::indexing_slicing,
    reason = "there is a place for each byte, and the compiler runs this"
)]
const FIRST_BYTES: [FirstByte; 256] = {
    let mut starts = [FirstByte::Usual; 256];
    let mut byte = 0;
    // The lead bytes of white space outside ASCII.
    let mut unusual: &[u8] = b"\x7f\xc2\xe1\xe2\xe3#=-\\(<[u";
    while let [first, rest @ ..] = unusual {
        starts[*first as usize] = FirstByte::Unusual;
        unusual = rest;
    }
    while byte <= b' ' {
        starts[byte as usize] = FirstByte::Unusual;
        byte += 1;
    }
    byte = b'0';
    while byte <= b'9' {
        starts[byte as usize] = FirstByte::Digit;
        byte += 1;
    }
    starts[b'N' as usize] = FirstByte::Word;
    starts[b'n' as usize] = FirstByte::Word;
    starts
};

/// The longest word for null that begins with a letter of [`FirstByte::Word`].
const WORD_BYTES_MAX: usize = 4;

/// Whether the first two bytes show that nothing is unusual about a text. For a possible null word
/// the last byte is checked for white space, too.
#[inline]
fn starts_as_usual(text: &[u8]) -> bool {
    let Some(first) = text.first() else {
        return false;
    };
    match FIRST_BYTES
        .get(usize::from(*first))
        .expect("each byte has a place")
    {
        FirstByte::Usual => true,
        FirstByte::Digit => !matches!(text, [_, b'.' | b',' | b'E' | b'e', ..]),
        FirstByte::Word => {
            text.len() > WORD_BYTES_MAX && text.last().is_some_and(u8::is_ascii_graphic)
        }
        FirstByte::Unusual => false,
    }
}

/// The classification of a cell's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Classification {
    /// A valid value: the text itself.
    Itself,
    /// A valid e-mail address that only a local network can deliver to.
    DomainWithoutDot,
    /// A plain date, meaning midnight UTC.
    Day,
    /// Possibly a date in one of the user's formats.
    OtherDate,
    Integer(i64),
    /// Empty or white space, where the contract allows no null.
    Blank,
    TooLong,
    NotAnEmail,
    NotADate,
    NoneOfTheWords,
    NotAnInteger,
    OutOfRange,
}

/// Classifies the text of a field's cell.
pub(super) fn classify(text: &str, rule: &FieldRule, rules: &ValueRules) -> Classification {
    match rule.kind {
        FieldKind::Text { characters_max } => classify_text(text, characters_max, rule.null),
        FieldKind::Integer => classify_integer(text, rules),
        FieldKind::Email { .. } | FieldKind::DateTime | FieldKind::OneOf(_) => {
            classify_form(text, rule, rules)
        }
    }
}

fn classify_text(text: &str, characters_max: Option<usize>, null: NullRule) -> Classification {
    match null {
        NullRule::Refused if is_blank(text) => Classification::Blank,
        _ if characters_max.is_some_and(|max| is_longer(text, max)) => Classification::TooLong,
        NullRule::Refused | NullRule::Allowed => Classification::Itself,
    }
}

/// Classifies the text of a field that prescribes a form.
fn classify_form(text: &str, rule: &FieldRule, rules: &ValueRules) -> Classification {
    match rule.kind {
        _ if rule.null == NullRule::Refused && is_blank(text) => Classification::Blank,
        // The API turns empty text into null, so the forms below do not apply to it.
        _ if text.is_empty() => Classification::Itself,
        FieldKind::Email { characters_max } if is_longer(text, characters_max) => {
            Classification::TooLong
        }
        FieldKind::Email { .. } => match email::parse(text) {
            Some(Email::Usual) => Classification::Itself,
            Some(Email::DomainWithoutDot) => Classification::DomainWithoutDot,
            None => Classification::NotAnEmail,
        },
        FieldKind::DateTime => match date::parse(text) {
            Some(DateTime::AsGiven) => Classification::Itself,
            Some(DateTime::Day) => Classification::Day,
            None if rules.date_formats.is_empty() => Classification::NotADate,
            None => Classification::OtherDate,
        },
        FieldKind::OneOf(words) if words.contains(&text) => Classification::Itself,
        FieldKind::OneOf(_) => Classification::NoneOfTheWords,
        FieldKind::Text { .. } | FieldKind::Integer => unreachable!("they have no form"),
    }
}

/// Whether text is empty or white space (Unicode `White_Space`). The API trims text and turns empty
/// text into null.
#[inline]
pub(crate) fn is_blank(text: &str) -> bool {
    // The first byte of most text decides: a visible ASCII character.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

fn is_longer(text: &str, characters_max: usize) -> bool {
    text.len() > characters_max && text.chars().count() > characters_max
}

/// Classifies text that must be a whole number.
#[inline]
pub(super) fn classify_integer(text: &str, rules: &ValueRules) -> Classification {
    match decimal::parse(rules.allowed.whole_part(text)) {
        Ok(integer) => Classification::Integer(integer),
        Err(DecimalError::NotAnInteger) => Classification::NotAnInteger,
        Err(DecimalError::OutOfRange) => Classification::OutOfRange,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::contract::field::FIELDS;
    use crate::contract::oddity::{add_warnings, has_odd_characters};
    use crate::contract::warning::Warnings;
    use crate::contract::{Field, Today, damage};

    fn texts() -> impl Strategy<Value = String> {
        let odd = [
            "",
            " ",
            "\u{a0}",
            "\u{3000}x",
            "NULL",
            "nan",
            "None",
            "N/A",
            "NA",
            "undefined",
            "(null)",
            "\\N",
            "<NA>",
            "-nan",
            "=A1",
            "#N/A",
            "###",
            "8.49E+11",
            "1E+12",
            "1,5E3",
            "-1.5E9",
            "+1.5E9",
            "a\0",
            "\u{fffd}",
            "Zo\u{c3}\u{ab}",
            "a\nb",
            "\u{7f}",
            "\u{85}a",
            "\u{1}",
            "2985-04-12",
            "0001-01-01",
            "1985-04-12",
            "1985-04-12T00:00:00Z",
            "2026-12-01T00:00:00+02:00",
            "a@b",
            "a@example.com",
            "84",
            "84.0",
            "-0",
            "male",
            "Nurse",
            "nurse",
            "12 High Street",
            "Zo\u{eb}",
        ];
        prop_oneof![
            prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
            "\\PC{0,12}",
            "[nN#=0-9.,E+-]{0,6}"
        ]
    }

    proptest! {
        #[test]
        fn a_quick_look_finds_what_a_close_one_finds(text in texts()) {
            let rules = ValueRules { today: Today::new(2026, 11, 28).expect("a day"), ..ValueRules::default() };
            for rule in &FIELDS {
                let mut warnings = Warnings::default();
                let Some(usual) = classify_usual(&text, rule, &rules).filter(|_| !has_odd_characters(text.as_bytes())) else { continue };
                let same = match usual {
                    UsualValue::Itself => Classification::Itself,
                    UsualValue::Day => Classification::Day,
                    UsualValue::Integer(integer) => Classification::Integer(integer),
                };
                prop_assert_eq!(classify(&text, rule, &rules), same, "{} {:?}", rule.name, text);
                prop_assert_eq!(date::warning_of(&text, &rules.today).filter(|_| rule.kind == FieldKind::DateTime), None, "{:?}", text);
                if let FieldKind::Text { .. } = rule.kind {
                    add_warnings(&text, rule.field, &mut warnings);
                    prop_assert!(!is_blank(&text), "{:?} is empty to the API", text);
                    prop_assert_eq!(damage::of(&text), None, "{} {:?}", rule.name, text);
                    prop_assert!(warnings.is_empty(), "{} {:?} {:?}", rule.name, text, warnings);
                }
            }
        }
    }

    /// Most values are found by the quick look, and none that is too long.
    #[test]
    fn a_quick_look_finds_what_is_plain_and_as_long_as_allowed() {
        let rules = ValueRules {
            today: Today::new(2026, 11, 28).expect("a day"),
            ..ValueRules::default()
        };
        let check = |field: Field, text: &str, want: Option<UsualValue>| {
            let found = classify_usual(text, field.rule(), &rules);
            assert_eq!(found, want, "{field} {text:?}");
        };
        let address = |last_label: usize| {
            let (local, label) = ("a".repeat(64), "b".repeat(63));
            format!("{local}@{label}.{label}.{}", "b".repeat(last_label))
        };
        assert_eq!(address(62).len(), 255);
        check(Field::Email, &address(62), Some(UsualValue::Itself));
        check(Field::Email, &address(63), None);
        check(Field::FirstName, &"x".repeat(255), Some(UsualValue::Itself));
        check(Field::FirstName, &"x".repeat(256), None);
        check(Field::DateOfBirth, "1985-04-12", Some(UsualValue::Day));
        let at_midnight = "1985-04-12T00:00:00Z";
        check(Field::DateOfBirth, at_midnight, Some(UsualValue::Itself));
        check(Field::DateOfBirth, "2985-04-12", None);
        check(Field::Gender, "female", Some(UsualValue::Itself));
        check(Field::Gender, "Female", None);
        check(Field::UserId, "84", Some(UsualValue::Integer(84)));
    }
}
