//! Errors of a row: field, code and message. A message names the rule and its limit, never the
//! value.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

use super::Field;

/// The subject of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The customer's id.
    Id,
    /// A field of the body.
    Field(Field),
    /// The row as a whole.
    Row,
}

/// The kind of an error. The codes are stable across versions: scripts may match on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// A value is missing.
    Required,
    /// Null, or text that the API turns into null, in a field that allows no null.
    Null,
    /// A value of the wrong type.
    Type,
    /// Text in the wrong form.
    Format,
    /// More characters than allowed.
    TooLong,
    /// Not one of the allowed words.
    Enum,
    /// A number outside its range.
    Range,
    /// A key that appears twice in one object.
    DuplicateKey,
    /// Bytes that are not text in the input's encoding.
    Encoding,
    /// Text that a program has damaged.
    Damaged,
    /// Columns that do not match the header, or an unknown key.
    Columns,
    /// The input ends within the row, or seems to.
    CutOff,
    /// CSV quotes or escapes that do not fit the dialect, or are ambiguous.
    Quotes,
    /// An earlier row has the same customer, and the user wants one row per customer.
    Duplicate,
}

/// One error of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The subject.
    #[serde(rename = "field")]
    pub subject: Subject,
    /// The kind.
    pub code: ErrorCode,
    /// The broken rule, in words that follow the field's name.
    pub message: Cow<'static, str>,
}

impl FieldError {
    /// Creates an error about `subject`.
    pub fn new(
        subject: Subject,
        code: ErrorCode,
        message: impl Into<Cow<'static, str>>,
    ) -> FieldError {
        FieldError {
            subject,
            code,
            message: message.into(),
        }
    }

    /// Returns the error of a row whose customer has an earlier row.
    pub fn duplicate() -> FieldError {
        FieldError::new(
            Subject::Id,
            ErrorCode::Duplicate,
            "duplicates an earlier row (--unique reject)",
        )
    }

    /// The memory that the error takes, in bytes.
    pub fn bytes(&self) -> usize {
        let message = match &self.message {
            Cow::Borrowed(_) => 0,
            Cow::Owned(message) => message.capacity(),
        };
        size_of::<FieldError>() + message
    }
}

impl Subject {
    /// The name as written in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Id => "id",
            Subject::Field(field) => field.name(),
            Subject::Row => "row",
        }
    }
}

impl ErrorCode {
    /// The code as written in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::Required => "required",
            ErrorCode::Null => "null",
            ErrorCode::Type => "type",
            ErrorCode::Format => "format",
            ErrorCode::TooLong => "too_long",
            ErrorCode::Enum => "enum",
            ErrorCode::Range => "range",
            ErrorCode::DuplicateKey => "duplicate_key",
            ErrorCode::Encoding => "encoding",
            ErrorCode::Damaged => "damaged",
            ErrorCode::Columns => "columns",
            ErrorCode::CutOff => "cut_off",
            ErrorCode::Quotes => "quotes",
            ErrorCode::Duplicate => "duplicate",
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.subject, self.code, self.message)
    }
}
