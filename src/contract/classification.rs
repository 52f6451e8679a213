//! What the text of one cell is, by its field's rule.

use super::date::{self, DateTime};
use super::decimal::{self, DecimalError};
use super::email::{self, Email};
use super::field::{FieldKind, FieldRule, NullRule};
use super::value_rules::ValueRules;

/// What most texts are: a value about which nothing is unusual. One is made for each cell, so it fits in two registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UsualValue {
    /// A value as it stands.
    Itself,
    /// A plain date, which stands for midnight UTC.
    Day,
    Integer(i64),
}

/// What the text of a field's cell is, where a quick look tells; [`classify`] says of the others what they are. The look is at the
/// first bytes alone: text in which [odd characters](super::has_odd_characters) may be is not to be shown to it.
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

/// What the first byte of a text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstByte {
    /// Nothing.
    Usual,
    /// A number may be a shortened one.
    Digit,
    /// A short text may be a word for null.
    Word,
    /// White space, or a mark of something unusual.
    Unusual,
}

/// What each first byte tells.
#[expect(
    clippy::indexing_slicing,
    reason = "there is a place for each byte, and the compiler runs this"
)]
const FIRST_BYTES: [FirstByte; 256] = {
    let mut starts = [FirstByte::Usual; 256];
    let mut byte = 0;
    // The lead bytes are those of all white space that is not ASCII.
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

/// Whether the first two bytes of a text say that nothing is unusual about it. What may be a word for null shows at its end whether
/// white space is around it.
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

/// What a text was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Classification {
    /// A value as it stands.
    Itself,
    /// The same, an e-mail address that can only be delivered inside some network.
    DomainWithoutDot,
    /// A plain date, which stands for midnight UTC.
    Day,
    /// Perhaps a date in a form that the user names.
    OtherDate,
    Integer(i64),
    /// White space alone, or nothing, where the contract allows no null.
    Blank,
    TooLong,
    NotAnEmail,
    NotADate,
    NoneOfTheWords,
    NotAnInteger,
    OutOfRange,
}

/// What the text of a field's cell is.
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

/// What the text of a cell is that has to have some form.
fn classify_form(text: &str, rule: &FieldRule, rules: &ValueRules) -> Classification {
    match rule.kind {
        _ if rule.null == NullRule::Refused && is_blank(text) => Classification::Blank,
        // Empty text is null to the API, so the forms below do not apply to it.
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

/// Whether text is white space alone (Unicode `White_Space`), or empty: the API trims text and turns what is then empty into null.
#[inline]
pub fn is_blank(text: &str) -> bool {
    // Most text says so by its first byte: a visible character of ASCII.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

fn is_longer(text: &str, characters_max: usize) -> bool {
    text.len() > characters_max && text.chars().count() > characters_max
}

/// What a text is that has to be a whole number.
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
    use crate::contract::oddity::{has_odd_characters, look_at};
    use crate::contract::warning::Warnings;
    use crate::contract::{Today, damage};

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
                    look_at(&text, rule.field, &mut warnings);
                    prop_assert!(!is_blank(&text), "{:?} is empty to the API", text);
                    prop_assert_eq!(damage::of(&text), None, "{} {:?}", rule.name, text);
                    prop_assert!(warnings.is_empty(), "{} {:?} {:?}", rule.name, text, warnings);
                }
            }
        }
    }
}
