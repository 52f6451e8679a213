//! The parts of a failed row that are withheld: the names in `custsync_overtaken`, and their
//! meaning when the row is read again.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::contract::{CustomerId, ErrorCode, Field, FieldSet, UpdateBuilder};

/// The name for [`Withheld::cut_off`].
const CUT_OFF: &str = "cut_off";
/// The prefix of [`Withheld::refused`], before the customer's id. All names consist of letters,
/// digits and `_`, so that they contain no delimiter.
const REFUSED: &str = "id_";

/// The parts of a failed row that are withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Withheld {
    /// The fields that later rows of the customer set.
    pub fields: FieldSet,
    /// The customer of whom another row was taken (`--unique reject`). The row is invalid as long
    /// as it names this customer.
    pub refused: Option<CustomerId>,
    /// Whether the first input ended within the row, so that its last value may be incomplete. The
    /// row is invalid.
    pub cut_off: bool,
    /// The fault of the row in the first input that its cells in a workbook do not show. The row is
    /// invalid.
    pub hidden: Option<HiddenFault>,
}

/// A fault of a row that the cells of a sheet cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HiddenFault {
    /// The number of columns.
    Columns,
    /// Quotes that can be read in several ways.
    Quotes,
    /// Bytes that are no text.
    Encoding,
    /// A text that is too long for a cell.
    TooLong,
}

impl HiddenFault {
    const ALL: [HiddenFault; 4] = [
        HiddenFault::Columns,
        HiddenFault::Quotes,
        HiddenFault::Encoding,
        HiddenFault::TooLong,
    ];

    /// Returns the code of the row's error. Its name is also the name of what is withheld.
    pub fn code(self) -> ErrorCode {
        match self {
            HiddenFault::Columns => ErrorCode::Columns,
            HiddenFault::Quotes => ErrorCode::Quotes,
            HiddenFault::Encoding => ErrorCode::Encoding,
            HiddenFault::TooLong => ErrorCode::TooLong,
        }
    }

    fn message(self) -> &'static str {
        match self {
            HiddenFault::Columns => {
                "has too few or too many columns in the first input: are all values in their columns?"
            }
            HiddenFault::Quotes => {
                "has quotes in the first input that can be read in several ways: are all values whole?"
            }
            HiddenFault::Encoding => "has bytes in the first input that are not text",
            HiddenFault::TooLong => {
                "has a text in the first input that is too long for a cell, so that it is cut here"
            }
        }
    }
}

/// A name among the overtaken fields that is not a field of the API. It is not kept, because it may be
/// any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnknownName;

impl Withheld {
    /// Nothing is withheld.
    pub const NOTHING: Withheld = Withheld {
        fields: FieldSet::EMPTY,
        refused: None,
        cut_off: false,
        hidden: None,
    };

    /// Reads the names in a cell, with blanks or commas between them.
    pub(crate) fn of_text(text: &str) -> Result<Withheld, UnknownName> {
        let is_between = |character: char| character.is_whitespace() || character == ',';
        Withheld::of_names(text.split(is_between).filter(|name| !name.is_empty()))
    }

    /// Returns what these names withhold.
    pub(crate) fn of_names<'n>(
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Withheld, UnknownName> {
        let mut withheld = Withheld::NOTHING;
        for name in names {
            match (Field::from_name(name), name.strip_prefix(REFUSED)) {
                (Some(field), _) => withheld.fields.insert(field),
                (None, _) if name == CUT_OFF => withheld.cut_off = true,
                (None, Some(id)) => {
                    withheld.refused = Some(CustomerId::parse(id).map_err(|_error| UnknownName)?);
                }
                (None, None) => {
                    let named = |fault: &HiddenFault| fault.code().name() == name;
                    let fault = HiddenFault::ALL.into_iter().find(named);
                    withheld.hidden = Some(fault.ok_or(UnknownName)?);
                }
            }
        }
        Ok(withheld)
    }

    /// Returns what either withholds. Of two customers or faults, it keeps that of `self`.
    #[must_use]
    pub fn union(self, other: Withheld) -> Withheld {
        Withheld {
            fields: self.fields.union(other.fields),
            refused: self.refused.or(other.refused),
            cut_off: self.cut_off || other.cut_off,
            hidden: self.hidden.or(other.hidden),
        }
    }

    /// Returns the names.
    pub fn names(self) -> impl Iterator<Item = Cow<'static, str>> {
        let refused = self.refused.map(|id| Cow::Owned(format!("{REFUSED}{id}")));
        let cut_off = self.cut_off.then_some(Cow::Borrowed(CUT_OFF));
        self.fields
            .names()
            .map(Cow::Borrowed)
            .chain(refused)
            .chain(cut_off)
            .chain(self.hidden.map(|fault| fault.code().name().into()))
    }
}

/// Withholds parts of a row from its builder. A row that may be cut off is withheld by any rule,
/// because the rest of it is unknown.
#[cold]
pub(crate) fn withhold(
    said: Result<Withheld, UnknownName>,
    rule: OvertakenRule,
    builder: &mut UpdateBuilder<'_>,
) {
    match (said, rule) {
        (Err(UnknownName), OvertakenRule::Send) => {}
        (Err(UnknownName), OvertakenRule::LeaveOut) => {
            let message = "names something in custsync_overtaken that is not a field of the API";
            builder.add_row_error(ErrorCode::Format, message.to_owned());
        }
        (Ok(withheld), rule) => {
            if withheld.cut_off {
                builder.add_row_error(
                    ErrorCode::CutOff,
                    "the input ended in this row (is it cut off?)".to_owned(),
                );
            }
            if let Some(fault) = withheld.hidden {
                builder.add_row_error(fault.code(), fault.message().to_owned());
            }
            if rule == OvertakenRule::LeaveOut {
                builder.leave_out(withheld.fields);
                if let Some(id) = withheld.refused {
                    builder.refuse_customer(id);
                }
            }
        }
    }
}

/// The treatment of fields that later rows of a customer set (`--overtaken`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OvertakenRule {
    /// They are left out of the request: an older value never replaces a newer one.
    #[default]
    LeaveOut,
    /// They are sent anyway.
    Send,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let check = |text: &str, want: Option<&str>| {
            let found = Withheld::of_text(text).ok();
            let names = found.map(|withheld| withheld.names().collect::<Vec<_>>().join(" "));
            assert_eq!(names.as_deref(), want, "{text}");
        };
        check("", Some(""));
        check("job email", Some("email job"));
        check("job,email, id_7", Some("email job id_7"));
        check("too_long columns", Some("columns"));
        check("quotes email", Some("email quotes"));
        check(" cut_off  id_007 job ", Some("job id_7 cut_off"));
        for unknown in ["emial", "id", "id_", "id_x", "id_0", "email;job", "cut-off"] {
            check(unknown, None);
        }
    }
}
