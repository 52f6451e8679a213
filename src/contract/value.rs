//! What one cell says, as a value of its field; or which rule it breaks.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::date::{self, DateFormat, DateTime, MIDNIGHT};
use super::email::{self, Email};
use super::field::{FieldRule, Kind, Null};
use super::near_miss::{none_of, not_a_date, not_a_whole_number, not_an_email};
use super::update::Notes;
use super::{CustomerId, ErrorCode, IdError};

/// What the input says of one field. That it says nothing is `None` around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Null: a JSON `null`, or a cell that the user named as null.
    Null,
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON number, as it is written.
    Number(&'a str),
    /// A JSON `true` or `false`.
    Boolean,
    /// A JSON array or object.
    Nested,
    /// An empty cell where the user wants none (`--empty error`).
    Empty,
    /// A key that stands more than once in its object.
    Repeated,
    /// A key of a field that every row is given (`--set`).
    AlsoSet,
    /// Bytes that are not UTF-8.
    NotText {
        /// The record's first such byte, counted from 1 in the input's text.
        input_byte: u64,
    },
    /// Half of a surrogate pair, which is no character (RFC 8259 §8.2).
    HalfCharacter,
}

/// How values are read, as far as the user decides it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueRules {
    /// Forms of dates beside RFC 3339 and `YYYY-MM-DD`, in the order in which they are tried.
    pub date_formats: Vec<DateFormat>,
}

/// The value of one field. It serialises to what it is in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A plain date, sent as midnight UTC. Most files that have dates have one a row, so it is not copied before it is sent.
    Day(&'a str),
    Integer(i64),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Day(day) => serializer.collect_str(&format_args!("{day}{MIDNIGHT}")),
            Value::Integer(integer) => serializer.serialize_i64(*integer),
        }
    }
}

pub(super) type Refused = (ErrorCode, Cow<'static, str>);

fn refused<T>(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Result<T, Refused> {
    Err((code, message.into()))
}

pub(super) fn customer_id(cell: Option<Cell<'_>>) -> Result<CustomerId, Refused> {
    let parse = |text: &str| {
        CustomerId::parse(text).or_else(|error| match error {
            IdError::NotAnInteger => refused(ErrorCode::Type, not_a_whole_number(text)),
            IdError::OutOfRange => refused(ErrorCode::Range, error.to_string()),
        })
    };
    match cell {
        None => refused(ErrorCode::Required, "is missing"),
        Some(Cell::Text(text)) if text.is_empty() => refused(ErrorCode::Required, "is empty"),
        Some(Cell::Text(text)) => parse(&text),
        Some(Cell::Number(number)) => parse(number),
        Some(Cell::Null) => refused(ErrorCode::Null, "must not be null"),
        Some(other) => Err(unusable(&other, "a whole number")),
    }
}

pub(super) fn value<'a>(
    cell: Cell<'a>,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut Notes,
) -> Result<Value<'a>, Refused> {
    match (cell, rule.kind) {
        (Cell::Text(Cow::Borrowed(text)), _) => text_value(text, rule, rules, notes),
        (Cell::Text(Cow::Owned(text)), _) => Ok(match meaning(&text, rule, rules, notes)? {
            Meaning::Itself => Value::Text(Cow::Owned(text)),
            Meaning::Day => Value::Text(Cow::Owned(text + MIDNIGHT)),
            Meaning::DateTime(date_time) => Value::Text(Cow::Owned(date_time)),
            Meaning::Integer(integer) => Value::Integer(integer),
        }),
        (Cell::Null, _) => match rule.null {
            Null::Allowed => Ok(Value::Null),
            Null::Refused => refused(ErrorCode::Null, "must not be null"),
        },
        (Cell::Number(number), Kind::Integer) => integer(number).map(Value::Integer),
        (Cell::Number(_), _) => refused(
            ErrorCode::Type,
            "is a number where text belongs (leading zeros are lost that way); put it in quotes",
        ),
        (other, Kind::Integer) => Err(unusable(&other, "a whole number")),
        (other, _) => Err(unusable(&other, "text")),
    }
}

/// The same for a cell that is text of the input, as most are.
#[inline]
pub(super) fn text_value<'a>(
    text: &'a str,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut Notes,
) -> Result<Value<'a>, Refused> {
    Ok(match meaning(text, rule, rules, notes)? {
        Meaning::Itself => Value::Text(Cow::Borrowed(text)),
        Meaning::Day => Value::Day(text),
        Meaning::DateTime(date_time) => Value::Text(Cow::Owned(date_time)),
        Meaning::Integer(integer) => Value::Integer(integer),
    })
}

/// What a text that keeps the contract stands for.
enum Meaning {
    /// For itself.
    Itself,
    /// It is a plain date: for midnight UTC.
    Day,
    /// It is a date in another form.
    DateTime(String),
    Integer(i64),
}

fn meaning(text: &str, rule: &FieldRule, rules: &ValueRules, notes: &mut Notes) -> Result<Meaning, Refused> {
    if let Kind::Integer = rule.kind {
        return integer(text).map(Meaning::Integer);
    }
    refuse_blank(text, rule.null)?;
    match rule.kind {
        Kind::Text { characters_max } => characters_max.map_or(Ok(()), |max| at_most(text, max))?,
        // Empty text is null to the API (see `refuse_blank`), so the forms below do not apply to it.
        Kind::Email { .. } | Kind::DateTime | Kind::OneOf(_) if text.is_empty() => {}
        Kind::Email { characters_max } => {
            at_most(text, characters_max)?;
            match email::parse(text) {
                Some(Email::Usual) => {}
                Some(Email::DomainWithoutDot) => notes.email_domain_without_dot = true,
                None => return refused(ErrorCode::Format, not_an_email(text)),
            }
        }
        Kind::DateTime => return date_time(text, rules, notes),
        Kind::OneOf(words) if words.contains(&text) => {}
        Kind::OneOf(words) => return refused(ErrorCode::Enum, none_of(words, text, rule.name)),
        Kind::Integer => unreachable!("a text of digits is no text"),
    }
    Ok(Meaning::Itself)
}

fn date_time(text: &str, rules: &ValueRules, notes: &mut Notes) -> Result<Meaning, Refused> {
    let meaning = match date::parse(text, &rules.date_formats) {
        Some(DateTime::AsGiven) => return Ok(Meaning::Itself),
        Some(DateTime::Day) => Meaning::Day,
        Some(DateTime::Read(date_time)) => Meaning::DateTime(date_time),
        None => return refused(ErrorCode::Format, not_a_date(text, &rules.date_formats)),
    };
    notes.date_normalised = true;
    Ok(meaning)
}

/// The API trims text and turns what is then empty into null, which only some fields allow.
fn refuse_blank(text: &str, null: Null) -> Result<(), Refused> {
    match null {
        Null::Refused if is_blank(text) => {
            refused(ErrorCode::Null, "must not be empty: the API turns empty text into null")
        }
        Null::Refused | Null::Allowed => Ok(()),
    }
}

/// Whether text is white space alone.
fn is_blank(text: &str) -> bool {
    // Most text says so by its first byte: a visible character of ASCII.
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic) && text.trim().is_empty()
}

fn at_most(text: &str, characters_max: usize) -> Result<(), Refused> {
    // A text has no more characters than bytes, so counting is for the few that are long.
    if text.len() <= characters_max || text.chars().count() <= characters_max {
        return Ok(());
    }
    refused(ErrorCode::TooLong, format!("has more than {characters_max} characters"))
}

/// Reads a decimal integer of 64 bits; leading zeros do not count.
fn integer(text: &str) -> Result<i64, Refused> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut value = Some(0_i64);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return refused(ErrorCode::Type, not_a_whole_number(text));
        }
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(sign * i64::from(digit)));
    }
    match value {
        _ if digits.is_empty() => refused(ErrorCode::Type, not_a_whole_number(text)),
        Some(value) => Ok(value),
        None => refused(ErrorCode::Range, "is outside the range of 64-bit integers"),
    }
}

/// The error of a cell that can be no value of any kind.
fn unusable(cell: &Cell<'_>, wanted: &'static str) -> Refused {
    match cell {
        Cell::Empty => (ErrorCode::Required, "is empty (--empty error)".into()),
        Cell::Repeated => (ErrorCode::DuplicateKey, "stands more than once in the object".into()),
        Cell::AlsoSet => (ErrorCode::DuplicateKey, "is given by --set too".into()),
        Cell::NotText { input_byte } => {
            let message =
                format!("is not UTF-8: byte {input_byte} of the input is wrong (--encoding names another encoding)");
            (ErrorCode::Encoding, message.into())
        }
        Cell::HalfCharacter => (ErrorCode::Encoding, "holds one half of a surrogate pair without the other".into()),
        Cell::Boolean => (ErrorCode::Type, format!("is true or false, where {wanted} belongs").into()),
        // A workbook's cells with an error come as objects.
        Cell::Nested => (
            ErrorCode::Type,
            format!("is an array or object (in a workbook: an error such as #N/A), where {wanted} belongs").into(),
        ),
        Cell::Null | Cell::Text(_) | Cell::Number(_) => (ErrorCode::Type, format!("is not {wanted}").into()),
    }
}
