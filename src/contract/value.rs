//! Turns one cell into a value of its field, or into the error of the rule that it breaks.

use std::borrow::Cow;

use super::classification::{Classification, classify, classify_integer, classify_usual, is_blank};
use super::damage;
use super::date::{self, MIDNIGHT};
use super::date_format::read_by;
use super::field::{FieldKind, FieldRule, NullRule};
use super::hints::{none_of, not_a_date, not_a_whole_number, not_an_email, not_utf_8};
use super::oddity::{self, has_odd_characters};
use super::row_notes::RowNotes;
use super::sheet_fault::SheetFault;
use super::value_rules::ValueRules;
use super::warning::Warning;
use super::{CustomerId, ErrorCode, Field, FieldError, IdError, Subject};

/// The content of one cell. An absent cell is `None`, outside this type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// Null: a JSON `null`, or a cell with the user's word for null.
    Null,
    /// Text.
    Text(Cow<'a, str>),
    /// A JSON number as written.
    Number(&'a str),
    /// A number in a workbook cell, written as in JSON.
    SheetNumber(&'a str),
    /// A workbook cell that is not empty and has no usable value.
    SheetFault(SheetFault),
    /// A JSON `true` or `false`.
    Boolean,
    /// A JSON array or object.
    Nested,
    /// An empty cell, where the user refuses those (`--empty error`).
    Empty,
    /// A key that appears more than once in its object.
    Repeated,
    /// A key of a field that `--set` gives to every row.
    AlsoSet,
    /// Bytes that are not UTF-8.
    NotText {
        /// The encoding that the bytes probably have.
        reads_as: Option<&'static str>,
    },
    /// Half of a surrogate pair, which is not a character (RFC 8259 §8.2).
    HalfCharacter,
}

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldValue<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A plain date, sent as midnight UTC. Most files with dates have one a row, so it is not
    /// copied before it is sent.
    Day(&'a str),
    Integer(i64),
}

impl FieldValue<'_> {
    /// Appends the value as JSON.
    pub(super) fn write_json(&self, to: &mut Vec<u8>) {
        match self {
            FieldValue::Null => to.extend_from_slice(b"null"),
            FieldValue::Text(text) => write_text(text, to),
            // Digits and hyphens are themselves in JSON.
            FieldValue::Day(day) => {
                to.push(b'"');
                to.extend_from_slice(day.as_bytes());
                to.extend_from_slice(MIDNIGHT.as_bytes());
                to.push(b'"');
            }
            FieldValue::Integer(integer) => {
                to.extend_from_slice(itoa::Buffer::new().format(*integer).as_bytes());
            }
        }
    }
}

/// Appends a text as JSON. Most texts need no escape, which one look at all of their bytes shows.
fn write_text(text: &str, to: &mut Vec<u8>) {
    let is_special = |byte| matches!(byte, ..b' ' | b'"' | b'\\');
    if text
        .bytes()
        .fold(false, |found, byte| found | is_special(byte))
    {
        return serde_json::to_writer(to, text).expect("memory can be written");
    }
    to.push(b'"');
    to.extend_from_slice(text.as_bytes());
    to.push(b'"');
}

/// Returns a field's value as JSON for the request's body, or the error of its cell.
pub(crate) fn field_value(
    field: Field,
    cell: Cell<'_>,
    rules: &ValueRules,
) -> Result<String, FieldError> {
    match value(cell, field.rule(), rules, &mut RowNotes::default()) {
        Ok(value) => {
            let mut json = Vec::new();
            value.write_json(&mut json);
            Ok(String::from_utf8(json).expect("JSON is UTF-8"))
        }
        Err((code, message)) => Err(FieldError::new(Subject::Field(field), code, message)),
    }
}

/// Returns the customer named by a cell, or the error of the cell.
pub(crate) fn id_value(
    cell: Option<Cell<'_>>,
    rules: &ValueRules,
) -> Result<CustomerId, FieldError> {
    customer_id(cell, rules).map_err(|(code, message)| FieldError::new(Subject::Id, code, message))
}

pub(super) type CellError = (ErrorCode, Cow<'static, str>);

fn refused<T>(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Result<T, CellError> {
    Err((code, message.into()))
}

pub(super) fn customer_id(
    cell: Option<Cell<'_>>,
    rules: &ValueRules,
) -> Result<CustomerId, CellError> {
    match cell {
        None => refused(ErrorCode::Required, "is missing"),
        Some(Cell::Text(text)) if is_blank(&text) => refused(ErrorCode::Required, "is empty"),
        Some(Cell::Text(text)) => undamaged_id(&text, rules),
        Some(Cell::SheetNumber(number)) => undamaged_id(number, rules),
        Some(Cell::Number(number)) => customer_id_of(number, rules),
        Some(Cell::Null) => refused(ErrorCode::Null, "must not be null"),
        Some(other) => Err(unusable(&other, "a whole number")),
    }
}

fn undamaged_id(text: &str, rules: &ValueRules) -> Result<CustomerId, CellError> {
    match damage::of(text) {
        Some(damage) => refused(ErrorCode::Damaged, damage.message()),
        None => customer_id_of(text, rules),
    }
}

fn customer_id_of(text: &str, rules: &ValueRules) -> Result<CustomerId, CellError> {
    CustomerId::parse(rules.allowed.whole_part(text)).or_else(|error| match error {
        IdError::NotAnInteger => refused(ErrorCode::Type, not_a_whole_number(text)),
        IdError::OutOfRange => refused(ErrorCode::Range, error.to_string()),
    })
}

pub(super) fn value<'a>(
    cell: Cell<'a>,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut RowNotes,
) -> Result<FieldValue<'a>, CellError> {
    match (cell, rule.kind) {
        (Cell::Text(text), _) => value_of_text(text, rule, rules, notes),
        (Cell::Null, _) => match rule.null {
            NullRule::Allowed => Ok(FieldValue::Null),
            NullRule::Refused => refused(ErrorCode::Null, "must not be null"),
        },
        (Cell::Number(number) | Cell::SheetNumber(number), FieldKind::Integer) => {
            match classify_integer(number, rules) {
                Classification::Integer(integer) => Ok(FieldValue::Integer(integer)),
                broken => Err(broken_rule(broken, number, rule, rules)),
            }
        }
        (Cell::Number(_), _) => refused(
            ErrorCode::Type,
            "is a number where text is expected (numbers lose leading zeros): put it in quotes",
        ),
        (Cell::SheetNumber(_), FieldKind::DateTime) => refused(
            ErrorCode::Type,
            "is a number where a date is expected: format the column as a date",
        ),
        (Cell::SheetNumber(_), _) => refused(
            ErrorCode::Type,
            "is a number where text is expected (numbers lose leading zeros): format the column as text and type it again",
        ),
        (Cell::SheetFault(fault), FieldKind::DateTime) => {
            refused(ErrorCode::Type, fault.message("a date"))
        }
        (other, FieldKind::Integer) => Err(unusable(&other, "a whole number")),
        (other, _) => Err(unusable(&other, "text")),
    }
}

fn value_of_text<'a>(
    text: Cow<'a, str>,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut RowNotes,
) -> Result<FieldValue<'a>, CellError> {
    let is_text = matches!(rule.kind, FieldKind::Text { .. });
    // Most of these texts are here for a quotation mark, not for anything unusual.
    if is_text
        && !has_odd_characters(text.as_bytes())
        && classify_usual(&text, rule, rules).is_some()
    {
        return Ok(FieldValue::Text(text));
    }
    if let (true, false, Some(damage)) = (is_text, rules.allowed.takes_damaged(), damage::of(&text))
    {
        return refused(ErrorCode::Damaged, damage.message_where_it_can_be_sent());
    }
    let finding = classify(&text, rule, rules);
    match (finding, text) {
        (Classification::Itself, text) => {
            match rule.kind {
                FieldKind::Text { .. } => {
                    oddity::add_warnings(&text, rule.field, &mut notes.warnings);
                }
                FieldKind::DateTime => note_date(&text, rule, rules, notes),
                FieldKind::Email { .. } | FieldKind::OneOf(_) | FieldKind::Integer => {}
            }
            Ok(FieldValue::Text(text))
        }
        (Classification::DomainWithoutDot, text) => {
            notes.warnings.insert(Warning::DomainWithoutDot, rule.field);
            Ok(FieldValue::Text(text))
        }
        (Classification::Integer(integer), _) => Ok(FieldValue::Integer(integer)),
        (Classification::Day, text) => {
            notes.date_normalised = true;
            note_date(&text, rule, rules, notes);
            Ok(match text {
                Cow::Borrowed(day) => FieldValue::Day(day),
                Cow::Owned(day) => FieldValue::Text(Cow::Owned(day + MIDNIGHT)),
            })
        }
        (Classification::OtherDate, text) => match read_by(&rules.date_formats, &text) {
            Some(date_time) => {
                notes.date_normalised = true;
                note_date(&date_time, rule, rules, notes);
                Ok(FieldValue::Text(Cow::Owned(date_time)))
            }
            None => Err(refusal(Classification::NotADate, &text, rule, rules)),
        },
        (broken, text) => Err(refusal(broken, &text, rule, rules)),
    }
}

fn note_date(date: &str, rule: &FieldRule, rules: &ValueRules, notes: &mut RowNotes) {
    if let Some(warning) = date::warning_of(date, &rules.today) {
        notes.warnings.insert(warning, rule.field);
    }
}

/// Returns the error of a text that breaks its field's rule.
#[cold]
fn refusal(broken: Classification, text: &str, rule: &FieldRule, rules: &ValueRules) -> CellError {
    // Damaged text could be sent if the user allows it; a damaged date, number or address never
    // could.
    match (rule.kind, damage::of(text)) {
        (FieldKind::Text { .. }, _) | (_, None) => {}
        (_, Some(damage)) => return (ErrorCode::Damaged, damage.message().into()),
    }
    let (code, message) = broken_rule(broken, text, rule, rules);
    match broken {
        Classification::NotAnEmail
        | Classification::NotADate
        | Classification::NoneOfTheWords
        | Classification::NotAnInteger
            if oddity::is_null_word(text) =>
        {
            (
                code,
                format!(
                    "{message}; it looks like a null (--null-string sets the words that mean null)"
                )
                .into(),
            )
        }
        _ => (code, message),
    }
}

fn broken_rule(
    broken: Classification,
    text: &str,
    rule: &FieldRule,
    rules: &ValueRules,
) -> CellError {
    match (broken, rule.kind) {
        (Classification::Blank, _) => (
            ErrorCode::Null,
            "must not be empty: the API turns empty text into null".into(),
        ),
        (
            Classification::TooLong,
            FieldKind::Text {
                characters_max: Some(max),
            }
            | FieldKind::Email {
                characters_max: max,
            },
        ) => (
            ErrorCode::TooLong,
            format!("has more than {max} characters").into(),
        ),
        (Classification::NotAnEmail, _) => (ErrorCode::Format, not_an_email(text)),
        (Classification::NotADate, _) => (ErrorCode::Format, not_a_date(text, &rules.date_formats)),
        (Classification::NoneOfTheWords, FieldKind::OneOf(words)) => {
            (ErrorCode::Enum, none_of(words, text, rule.name).into())
        }
        (Classification::NotAnInteger, _) => (ErrorCode::Type, not_a_whole_number(text)),
        (Classification::OutOfRange, _) => (
            ErrorCode::Range,
            "is outside the range of 64-bit integers".into(),
        ),
        (good, kind) => unreachable!("{good:?} of {kind} breaks no rule"),
    }
}

/// Returns the error of a cell that cannot be a value of any field.
fn unusable(cell: &Cell<'_>, wanted: &'static str) -> CellError {
    match cell {
        Cell::Empty => (ErrorCode::Required, "is empty (--empty error)".into()),
        Cell::Repeated => (ErrorCode::DuplicateKey, "appears more than once in the object".into()),
        Cell::AlsoSet => (ErrorCode::DuplicateKey, "is also given by --set".into()),
        Cell::NotText { reads_as } => (ErrorCode::Encoding, not_utf_8(*reads_as)),
        Cell::HalfCharacter => (ErrorCode::Encoding, "holds one half of a surrogate pair without the other".into()),
        Cell::Boolean => (ErrorCode::Type, format!("is true or false where {wanted} is expected").into()),
        Cell::SheetFault(fault) => (ErrorCode::Type, fault.message(wanted)),
        // Failed rows of a workbook have objects for cells with an error.
        Cell::Nested => (
            ErrorCode::Type,
            format!("is an array or object (in a workbook: an error such as #N/A) where {wanted} is expected").into(),
        ),
        Cell::Null | Cell::Text(_) | Cell::Number(_) | Cell::SheetNumber(_) => {
            (ErrorCode::Type, format!("is not {wanted}").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_the_body_holds() {
        let check = |field: Field, cell: Cell<'_>, want: Result<&str, ErrorCode>| {
            let found =
                field_value(field, cell, &ValueRules::default()).map_err(|error| error.code);
            assert_eq!(found.as_deref().map_err(|code| *code), want, "{field}");
        };
        check(
            Field::FirstName,
            Cell::Text("Zo\u{eb} \"Z\"".into()),
            Ok("\"Zo\u{eb} \\\"Z\\\"\""),
        );
        check(Field::CountryId, Cell::Text("084".into()), Ok("84"));
        check(
            Field::DateOfBirth,
            Cell::Text("1985-04-12".into()),
            Ok("\"1985-04-12T00:00:00Z\""),
        );
        check(Field::Email, Cell::Null, Ok("null"));
        check(Field::FirstName, Cell::Null, Err(ErrorCode::Null));
        check(Field::Gender, Cell::Text("f".into()), Err(ErrorCode::Enum));
        let rules = ValueRules::default();
        assert_eq!(
            id_value(Some(Cell::Number("007")), &rules).map(CustomerId::get),
            Ok(7)
        );
        assert_eq!(
            id_value(None, &rules).map_err(|error| error.code),
            Err(ErrorCode::Required)
        );
    }
}
