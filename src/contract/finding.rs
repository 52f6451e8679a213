//! What the text of one cell is, by its field's rule.

use super::ValueRules;
use super::date::{self, DateTime};
use super::decimal::{self, DecimalError};
use super::email::{self, Email};
use super::field::{FieldRule, Kind, Null};

/// What a text was found to be. One is made for each cell, so it fits in two registers: whatever takes more words is made of
/// it only where it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
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
#[inline(always)]
#[expect(clippy::inline_always, reason = "called for each cell: a call would take as long as the check")]
pub(super) fn find(text: &str, rule: &FieldRule, rules: &ValueRules) -> Finding {
    match rule.kind {
        Kind::Text { characters_max } => find_text(text, characters_max, rule.null),
        Kind::Integer => integer(text),
        Kind::Email { .. } | Kind::DateTime | Kind::OneOf(_) => find_form(text, rule, rules),
    }
}

#[inline]
fn find_text(text: &str, characters_max: Option<usize>, null: Null) -> Finding {
    match null {
        Null::Refused if is_blank(text) => Finding::Blank,
        _ if characters_max.is_some_and(|max| is_longer(text, max)) => Finding::TooLong,
        Null::Refused | Null::Allowed => Finding::Itself,
    }
}

/// What the text of a cell is that has to have some form.
fn find_form(text: &str, rule: &FieldRule, rules: &ValueRules) -> Finding {
    match rule.kind {
        _ if rule.null == Null::Refused && is_blank(text) => Finding::Blank,
        // Empty text is null to the API, so the forms below do not apply to it.
        _ if text.is_empty() => Finding::Itself,
        Kind::Email { characters_max } if is_longer(text, characters_max) => Finding::TooLong,
        Kind::Email { .. } => match email::parse(text) {
            Some(Email::Usual) => Finding::Itself,
            Some(Email::DomainWithoutDot) => Finding::DomainWithoutDot,
            None => Finding::NotAnEmail,
        },
        Kind::DateTime => match date::parse(text) {
            Some(DateTime::AsGiven) => Finding::Itself,
            Some(DateTime::Day) => Finding::Day,
            None if rules.date_formats.is_empty() => Finding::NotADate,
            None => Finding::OtherDate,
        },
        Kind::OneOf(words) if words.contains(&text) => Finding::Itself,
        Kind::OneOf(_) => Finding::NoneOfTheWords,
        Kind::Text { .. } | Kind::Integer => unreachable!("they have no form"),
    }
}

/// Whether text is white space alone: the API trims text and turns what is then empty into null.
#[inline]
fn is_blank(text: &str) -> bool {
    // Most text says so by its first byte: a visible character of ASCII.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

#[inline]
fn is_longer(text: &str, characters_max: usize) -> bool {
    // A text has no more characters than bytes, so counting is for the few that are long.
    text.len() > characters_max && text.chars().count() > characters_max
}

/// What a text is that has to be a whole number.
pub(super) fn integer(text: &str) -> Finding {
    match decimal::parse(text) {
        Ok(integer) => Finding::Integer(integer),
        Err(DecimalError::NotAnInteger) => Finding::NotAnInteger,
        Err(DecimalError::OutOfRange) => Finding::OutOfRange,
    }
}
