//! Workbook cells that are not empty and have no usable value.

use std::borrow::Cow;

/// The reason why a workbook cell has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SheetFault {
    /// A formula whose result is not stored, or is stored unchecked.
    NoResult,
    /// A spreadsheet error, as shown.
    Error(&'static str),
    /// A date in a field that takes none.
    Date,
    /// A number that is formatted as a date and is not one.
    NoDay,
    /// A time that is no time of day.
    Duration,
    /// A value that does not match its declared type.
    Unreadable,
}

/// The errors that spreadsheets show.
const ERRORS: [&str; 14] = [
    "#DIV/0!",
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#REF!",
    "#VALUE!",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#BUSY!",
    "#UNKNOWN!",
];

impl SheetFault {
    /// Returns the error that a cell shows.
    pub fn of_error(text: &str) -> SheetFault {
        SheetFault::Error(
            ERRORS
                .iter()
                .find(|error| **error == text)
                .copied()
                .unwrap_or("an error"),
        )
    }

    /// The name as written in rows of a sheet.
    pub fn name(self) -> &'static str {
        match self {
            SheetFault::NoResult => "formula without a result",
            SheetFault::Error(error) => error,
            SheetFault::Date => "date",
            SheetFault::NoDay => "no day",
            SheetFault::Duration => "duration",
            SheetFault::Unreadable => "unreadable",
        }
    }

    /// The message: what is wrong and how to fix it, where `wanted` is expected.
    pub fn message(self, wanted: &str) -> Cow<'static, str> {
        match self {
            SheetFault::NoResult => {
                "is a formula without a stored result: open the file in Excel and save it".into()
            }
            SheetFault::Error("an error") => {
                format!("is a spreadsheet error where {wanted} is expected").into()
            }
            SheetFault::Error(error) => {
                format!("is the spreadsheet error {error} where {wanted} is expected").into()
            }
            SheetFault::Date => format!(
                "is a date where {wanted} is expected: format the column as text and type it again"
            )
            .into(),
            SheetFault::NoDay => {
                "is formatted as a date but is not one: Excel's dates run from 1900-01-01 to 9999-12-31"
                    .into()
            }
            SheetFault::Duration => format!(
                "is a duration where {wanted} is expected: format the column as text and type it again"
            )
            .into(),
            SheetFault::Unreadable => {
                "does not match its own type: open the file in Excel and save it".into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_only_if_a_spreadsheet_has_it() {
        for error in ERRORS {
            assert_eq!(SheetFault::of_error(error), SheetFault::Error(error));
        }
        assert_eq!(
            SheetFault::of_error("jane@example.com"),
            SheetFault::Error("an error")
        );
    }
}
