//! The remarks about a failed row, as custsync's own columns or member hold them.

use std::borrow::Cow;

use super::spool::SpooledRow;
use crate::contract::FieldSet;
use crate::input::{HiddenFault, Overtaken, OwnPart, Texts, Withheld};

/// custsync's columns, in front of the row's own.
pub(super) const COLUMNS: [&str; 4] = [
    "custsync_row",
    "custsync_outcome",
    "custsync_error",
    "custsync_overtaken",
];
/// The remarks of this run about a row.
pub(super) struct Remarks {
    /// The row's place in this input.
    pub(super) place: String,
    /// The outcome's name.
    pub(super) outcome: &'static str,
    /// The reason.
    pub(super) error: String,
    /// The part of the row that is withheld when it is read again.
    pub(super) withheld: Withheld,
}

/// The longest reason in custsync's own columns, in bytes: an API's text may have any length.
const REASON_BYTES_MAX: usize = 16 << 10;

impl Remarks {
    /// Returns the remarks about a row of the input with this name. `hidden` is the fault that the
    /// file does not show.
    pub(super) fn of(
        row: &SpooledRow<'_>,
        own: &OwnPart<'_>,
        overtaken: FieldSet,
        hidden: Option<HiddenFault>,
        input: &str,
    ) -> Remarks {
        let now = Withheld {
            hidden,
            ..row.withheld(overtaken)
        };
        let withheld = match own.overtaken {
            Overtaken::Read(earlier) => now.union(earlier),
            Overtaken::Unread(_) => now,
        };
        Remarks {
            place: format!("{input}:{}", row.line),
            outcome: row.outcome.name(),
            error: with_withheld(&shortened(&row.error), own.texts, withheld),
            withheld,
        }
    }

    /// Returns the names of what is withheld, after the text that could not be read as names.
    pub(super) fn withheld_names(&self, unread: Option<String>) -> Vec<String> {
        unread
            .into_iter()
            .chain(self.withheld.names().map(Cow::into_owned))
            .collect()
    }
}

/// Returns the beginning of a reason that is too long.
fn shortened(reason: &str) -> Cow<'_, str> {
    match reason.get(..reason.floor_char_boundary(REASON_BYTES_MAX)) {
        Some(beginning) if beginning.len() < reason.len() => Cow::Owned(format!("{beginning} ...")),
        Some(_) | None => Cow::Borrowed(reason),
    }
}

/// Returns the reason why a row ended badly, with what happened to its fields since and how to send
/// it in spite of that.
fn with_withheld(reason: &str, texts: Texts, withheld: Withheld) -> String {
    let marked = match texts {
        Texts::Good => None,
        Texts::Marked => Some(
            "here, write its text as it is meant, without the backslash behind its quotes"
                .to_owned(),
        ),
    };
    let fields = match withheld.fields {
        FieldSet::EMPTY => None,
        FieldSet::ALL => Some("a later row of this customer was sent instead".to_owned()),
        fields => {
            let names = fields.names().collect::<Vec<_>>().join(", ");
            Some(format!("later rows of this customer have set {names}"))
        }
    };
    let marks: Vec<_> = Withheld {
        fields: FieldSet::EMPTY,
        ..withheld
    }
    .names()
    .map(|name| format!("`{name}`"))
    .collect();
    let way_out = (!marks.is_empty()).then(|| {
        format!(
            "to send this row after all, remove {} from custsync_overtaken",
            marks.join(" and ")
        )
    });
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    reason
        .into_iter()
        .chain(marked)
        .chain(fields)
        .chain(way_out)
        .collect::<Vec<_>>()
        .join("; ")
}
