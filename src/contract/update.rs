//! One customer update: the only thing that a request body is made from.

use std::borrow::Cow;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::date::{self, DateFormat, DateTime};
use super::email::{self, Email};
use super::field::{FIELDS, Field, FieldRule, Kind, Null};
use super::near_miss::{none_of, not_a_date, not_a_whole_number, not_an_email};
use super::{CustomerId, ErrorCode, FieldError, IdError, Subject};

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

/// What the input says of one customer, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells<'a> {
    /// The customer's id.
    pub id: Option<Cell<'a>>,
    /// The fields of the body, in the order of [`FIELDS`].
    pub fields: [Option<Cell<'a>>; FIELDS.len()],
    /// What is wrong with the row beyond its fields, found while it was read.
    pub row_errors: Vec<FieldError>,
}

/// How values are read, as far as the user decides it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueRules {
    /// Forms of dates beside RFC 3339 and `YYYY-MM-DD`, in the order in which they are tried.
    pub date_formats: Vec<DateFormat>,
}

/// A row that keeps the contract: a customer's id and the fields to set, each checked.
///
/// It serialises to the request's body: a field that is omitted, null, or has a value is three different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerUpdate<'a> {
    id: CustomerId,
    values: [Option<Value<'a>>; FIELDS.len()],
    notes: Notes,
}

/// What is worth counting about a row that keeps the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notes {
    /// The date was given in another form and is sent as RFC 3339.
    pub date_normalised: bool,
    /// A warning: the e-mail address can only be delivered inside some network.
    pub email_domain_without_dot: bool,
    /// Fields of the contract are not in the body; the API's pages do not agree on what it does with them.
    pub fields_left_out: bool,
}

/// A row that breaks the contract: all of its errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// The customer, where at least the id is good.
    pub id: Option<CustomerId>,
    /// What is wrong: the row's own errors, then the fields' in the contract's order. Never empty.
    pub errors: Vec<FieldError>,
}

/// The value of one field. It serialises to what it is in JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Value<'a> {
    Null,
    Text(Cow<'a, str>),
    Integer(i64),
}

impl<'a> CustomerUpdate<'a> {
    /// Checks a row against the contract.
    pub fn new(cells: Cells<'a>, rules: &ValueRules) -> Result<CustomerUpdate<'a>, InvalidRow> {
        let mut errors = cells.row_errors;
        let id = customer_id(cells.id).map_err(|error| errors.push(error)).ok();
        let mut notes = Notes::default();
        let mut values = [const { None }; FIELDS.len()];
        let mut given = 0;
        for ((cell, rule), slot) in cells.fields.into_iter().zip(&FIELDS).zip(&mut values) {
            let Some(cell) = cell else { continue };
            given += 1;
            match value(cell, rule, rules, &mut notes) {
                Ok(value) => *slot = Some(value),
                Err((code, message)) => errors.push(FieldError::new(Subject::Field(rule.field), code, message)),
            }
        }
        if given == 0 && errors.is_empty() {
            errors.push(FieldError::new(
                Subject::Row,
                ErrorCode::Required,
                "has nothing to update: no field beside the id",
            ));
        }
        notes.fields_left_out = given < FIELDS.len();
        match id {
            Some(id) if errors.is_empty() => Ok(CustomerUpdate { id, values, notes }),
            id => Err(InvalidRow { id, errors }),
        }
    }

    /// The customer.
    pub fn id(&self) -> CustomerId {
        self.id
    }

    /// What is worth counting.
    pub fn notes(&self) -> Notes {
        self.notes
    }

    /// Appends the request's body.
    pub fn write_body(&self, body: &mut Vec<u8>) {
        serde_json::to_writer(body, self).expect("a map with text keys, written to memory, cannot fail");
    }
}

impl Serialize for CustomerUpdate<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (rule, value) in FIELDS.iter().zip(&self.values) {
            if let Some(value) = value {
                map.serialize_entry(rule.name, value)?;
            }
        }
        map.end()
    }
}

pub(super) type Refused = (ErrorCode, Cow<'static, str>);

fn refused<T>(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Result<T, Refused> {
    Err((code, message.into()))
}

pub(super) fn customer_id(cell: Option<Cell<'_>>) -> Result<CustomerId, FieldError> {
    let parse = |text: &str| {
        CustomerId::parse(text).or_else(|error| match error {
            IdError::NotAnInteger => refused(ErrorCode::Type, not_a_whole_number(text)),
            IdError::OutOfRange => refused(ErrorCode::Range, error.to_string()),
        })
    };
    let id = match cell {
        None => refused(ErrorCode::Required, "is missing"),
        Some(Cell::Text(text)) if text.is_empty() => refused(ErrorCode::Required, "is empty"),
        Some(Cell::Text(text)) => parse(&text),
        Some(Cell::Number(number)) => parse(number),
        Some(Cell::Null) => refused(ErrorCode::Null, "must not be null"),
        Some(other) => Err(unusable(&other, "a whole number")),
    };
    id.map_err(|(code, message)| FieldError::new(Subject::Id, code, message))
}

pub(super) fn value<'a>(
    cell: Cell<'a>,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut Notes,
) -> Result<Value<'a>, Refused> {
    if cell == Cell::Null {
        return match rule.null {
            Null::Allowed => Ok(Value::Null),
            Null::Refused => refused(ErrorCode::Null, "must not be null"),
        };
    }
    match (rule.kind, cell) {
        (Kind::Integer, Cell::Text(digits)) => integer(&digits).map(Value::Integer),
        (Kind::Integer, Cell::Number(number)) => integer(number).map(Value::Integer),
        (Kind::Integer, other) => Err(unusable(&other, "a whole number")),
        (_, Cell::Text(text)) => {
            refuse_blank(&text, rule.null)?;
            checked_text(text, rule, rules, notes).map(Value::Text)
        }
        (_, Cell::Number(_)) => refused(
            ErrorCode::Type,
            "is a number where text belongs (leading zeros are lost that way); put it in quotes",
        ),
        (_, other) => Err(unusable(&other, "text")),
    }
}

/// The API trims text and turns what is then empty into null, which only some fields allow.
fn refuse_blank(text: &str, null: Null) -> Result<(), Refused> {
    match null {
        Null::Refused if text.trim().is_empty() => {
            refused(ErrorCode::Null, "must not be empty: the API turns empty text into null")
        }
        Null::Refused | Null::Allowed => Ok(()),
    }
}

fn checked_text<'a>(
    text: Cow<'a, str>,
    rule: &FieldRule,
    rules: &ValueRules,
    notes: &mut Notes,
) -> Result<Cow<'a, str>, Refused> {
    match rule.kind {
        Kind::Text { characters_max } => {
            characters_max.map_or(Ok(()), |max| at_most(&text, max))?;
            Ok(text)
        }
        // Empty text is null to the API (see `refuse_blank`), so the forms below do not apply to it.
        Kind::Email { .. } | Kind::DateTime | Kind::OneOf(_) if text.is_empty() => Ok(text),
        Kind::Email { characters_max } => {
            at_most(&text, characters_max)?;
            match email::parse(&text) {
                Some(Email::Usual) => {}
                Some(Email::DomainWithoutDot) => notes.email_domain_without_dot = true,
                None => return refused(ErrorCode::Format, not_an_email(&text)),
            }
            Ok(text)
        }
        Kind::DateTime => match date::parse(&text, &rules.date_formats) {
            Some(DateTime::AsGiven) => Ok(text),
            Some(DateTime::Normalised(normalised)) => {
                notes.date_normalised = true;
                Ok(Cow::Owned(normalised))
            }
            None => refused(ErrorCode::Format, not_a_date(&text, &rules.date_formats)),
        },
        Kind::OneOf(words) if words.contains(&&*text) => Ok(text),
        Kind::OneOf(words) => refused(ErrorCode::Enum, none_of(words, &text, rule.name)),
        Kind::Integer => unreachable!("integers are read from digits before text is looked at"),
    }
}

fn at_most(text: &str, characters_max: usize) -> Result<(), Refused> {
    // A text has no more characters than bytes, so counting is for the few that are long.
    if text.len() <= characters_max || text.chars().count() <= characters_max {
        return Ok(());
    }
    refused(ErrorCode::TooLong, format!("has more than {characters_max} characters"))
}

/// Reads a decimal integer of 64 bits; leading zeros do not count.
fn integer(digits: &str) -> Result<i64, Refused> {
    let unsigned = digits.strip_prefix('-').unwrap_or(digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return refused(ErrorCode::Type, not_a_whole_number(digits));
    }
    digits
        .parse()
        .or_else(|_: std::num::ParseIntError| refused(ErrorCode::Range, "is outside the range of 64-bit integers"))
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

impl Field {
    /// The code of the error that a row of this one cell would have; for tests of single values.
    #[cfg(test)]
    fn errors_of(self, cell: Cell<'_>) -> Vec<(Subject, ErrorCode)> {
        let mut cells = Cells { id: Some(Cell::Number("1")), ..Cells::default() };
        cells.fields[self.index()] = Some(cell);
        match CustomerUpdate::new(cells, &ValueRules::default()) {
            Ok(_) => Vec::new(),
            Err(row) => row.errors.iter().map(|error| (error.subject, error.code)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(text))
    }

    #[test]
    fn omitted_null_and_value_are_three_things() {
        let mut cells = Cells { id: Some(text("0042")), ..Cells::default() };
        cells.fields[Field::FirstName.index()] = Some(text("Zoë \"Z\"\n"));
        cells.fields[Field::Email.index()] = Some(Cell::Null);
        cells.fields[Field::CountryId.index()] = Some(text("084"));
        cells.fields[Field::DateOfBirth.index()] = Some(text("1985-04-12"));
        let update = CustomerUpdate::new(cells, &ValueRules::default()).expect("a good row");
        let mut body = Vec::new();
        update.write_body(&mut body);
        assert_eq!(
            std::str::from_utf8(&body).expect("JSON is UTF-8"),
            r#"{"first_name":"Zoë \"Z\"\n","email":null,"date_of_birth":"1985-04-12T00:00:00Z","country_id":84}"#
        );
        assert_eq!(update.id().get(), 42);
        let notes = Notes { date_normalised: true, fields_left_out: true, ..Notes::default() };
        assert_eq!(update.notes(), notes);
    }

    #[test]
    fn every_field_keeps_its_rule() {
        fn check(field: Field, cell: &Cell<'_>, want: Option<ErrorCode>) {
            let want: Vec<_> = want.map(|code| (Subject::Field(field), code)).into_iter().collect();
            assert_eq!(field.errors_of(cell.clone()), want, "{field} {cell:?}");
        }
        for rule in &FIELDS {
            let null = match rule.null {
                Null::Allowed => None,
                Null::Refused => Some(ErrorCode::Null),
            };
            check(rule.field, &Cell::Null, null);
            check(rule.field, &Cell::Boolean, Some(ErrorCode::Type));
            check(rule.field, &Cell::Nested, Some(ErrorCode::Type));
            check(rule.field, &Cell::Empty, Some(ErrorCode::Required));
            check(rule.field, &Cell::Repeated, Some(ErrorCode::DuplicateKey));
            check(rule.field, &Cell::AlsoSet, Some(ErrorCode::DuplicateKey));
            check(rule.field, &Cell::NotText { input_byte: 3 }, Some(ErrorCode::Encoding));
            check(rule.field, &Cell::HalfCharacter, Some(ErrorCode::Encoding));
            match rule.kind {
                Kind::Integer => {
                    check(rule.field, &Cell::Number("9223372036854775807"), None);
                    check(rule.field, &Cell::Number("-7"), None);
                    check(rule.field, &Cell::Number("9223372036854775808"), Some(ErrorCode::Range));
                    for no_integer in ["1e3", "1.0", "", " 7", "+7", "-", "７", "abc"] {
                        check(rule.field, &text(no_integer), Some(ErrorCode::Type));
                    }
                }
                Kind::Text { .. } | Kind::Email { .. } | Kind::DateTime | Kind::OneOf(_) => {
                    check(rule.field, &Cell::Number("7"), Some(ErrorCode::Type));
                    check(rule.field, &text(""), null);
                }
            }
            if let Kind::Text { characters_max: Some(max) } = rule.kind {
                check(rule.field, &text(&"ë".repeat(max)), None);
                check(rule.field, &text(&"ë".repeat(max + 1)), Some(ErrorCode::TooLong));
            }
        }
        check(Field::Email, &text("not-an-email"), Some(ErrorCode::Format));
        check(Field::Email, &text(&format!("a@{}", "b.".repeat(127))), Some(ErrorCode::TooLong));
        check(Field::DateOfBirth, &text("31/12/1999"), Some(ErrorCode::Format));
        check(Field::Gender, &text("other"), None);
        check(Field::Gender, &text("Male"), Some(ErrorCode::Enum));
        check(Field::LastName, &text(" \t"), Some(ErrorCode::Null));
    }

    #[test]
    fn all_errors_of_a_row_are_found() {
        let mut cells = Cells { id: Some(text("x")), ..Cells::default() };
        cells.fields[Field::FirstName.index()] = Some(Cell::Null);
        cells.fields[Field::UserId.index()] = Some(text("many"));
        cells.row_errors.push(FieldError::new(Subject::Row, ErrorCode::Columns, "has an unknown field"));
        let row = CustomerUpdate::new(cells, &ValueRules::default()).expect_err("a bad row");
        let found: Vec<_> = row.errors.iter().map(|error| (error.subject.name(), error.code)).collect();
        let want = [
            ("row", ErrorCode::Columns),
            ("id", ErrorCode::Type),
            ("first_name", ErrorCode::Null),
            ("user_id", ErrorCode::Type),
        ];
        assert_eq!(found, want);
        assert_eq!(row.id, None);
    }

    #[test]
    fn a_row_with_an_id_alone_has_nothing_to_update() {
        let row = CustomerUpdate::new(Cells { id: Some(text("7")), ..Cells::default() }, &ValueRules::default());
        let row = row.expect_err("a bad row");
        assert_eq!(row.id.map(CustomerId::get), Some(7));
        assert_eq!(
            row.errors.first().map(|error| (error.subject, error.code)),
            Some((Subject::Row, ErrorCode::Required))
        );
    }
}
