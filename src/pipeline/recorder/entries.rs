//! Makes the journal entry of a row that has ended.

use super::ended_row::{EndedRow, Inputs, RowEnd};
use crate::contract::{Field, FieldError, Unsendable};
use crate::journal::{BulkEntry, Entry, EntryError, Outcome};
use crate::row::RowContent;
use crate::schedule::{ChangeSign, Ending};

/// The error code of a field of a customer who was changed after the time in the row.
const CHANGED_SINCE: &str = "changed_since";
/// The error code of a field of a customer who is shown without the time of the last change.
const UPDATED_AT_NOT_SHOWN: &str = "updated_at_not_shown";
/// The error code of a row that was not sent because later rows of its customer were updated.
const OVERTAKEN: &str = "overtaken";

/// The error code of a field that has to be sent and cannot be.
const UNSENDABLE: &str = "unsendable";
/// The error code of a field that was changed elsewhere in the meantime.
const CHANGED: &str = "changed";
/// The error code of a field of a customer who was changed elsewhere after each read.
const CHANGED_EACH_TIME: &str = "changed_each_time";

/// The entry of a row that ended in this process.
pub(super) fn of(ended: &EndedRow, inputs: Inputs) -> Entry<'_> {
    let EndedRow { row, end, at } = ended;
    let file = match inputs {
        Inputs::One => None,
        Inputs::Several => u32::try_from(row.position.input + 1).ok(),
    };
    let mut entry = Entry {
        file,
        id: row.id.map(crate::contract::CustomerId::get),
        ..Entry::new(
            row.position.row,
            row.position.line,
            Outcome::Invalid,
            *at,
            row.hash,
        )
    };
    if let RowContent::Update {
        fields,
        request,
        read_first,
        ..
    } = &row.content
    {
        entry.updated_at = read_first.as_ref().and_then(|read| read.updated_at);
        entry.fields = *fields;
        entry.request = Some(*request);
    }
    match end {
        RowEnd::Sent {
            ending,
            attempts,
            ambiguous,
            took,
        } => {
            entry.attempts = Some(*attempts);
            entry.ambiguous = *ambiguous;
            entry.ms = u64::try_from(took.as_millis()).ok();
            describe(&mut entry, ending);
        }
        RowEnd::Superseded => entry.outcome = Outcome::Superseded,
        RowEnd::Invalid => {
            if let RowContent::Invalid(errors) = &row.content {
                entry.errors = errors.iter().map(contract_error).collect();
            }
        }
        RowEnd::Overtaken(remainder) => {
            entry.outcome = Outcome::Failed;
            entry.error = Some(OVERTAKEN.into());
            entry.overtaken = remainder.overtaken;
        }
        RowEnd::Unchanged | RowEnd::Elsewhere => unreachable!("it shares a line"),
        RowEnd::Earlier => unreachable!("it has an entry"),
    }
    entry
}

/// The lines of the rows that share one with others of the same outcome. Each line's rows are in
/// order.
pub(super) fn bulk(ended: &[EndedRow]) -> Vec<BulkEntry> {
    let mut lines: Vec<BulkEntry> = Vec::new();
    for EndedRow { row, at, end } in ended {
        let Some(outcome) = end.shared_outcome() else {
            continue;
        };
        let (number, hash) = (row.position.row, row.hash);
        let last = lines.iter_mut().rev().find(|line| line.outcome == outcome);
        let is_added = last.is_some_and(|line| {
            line.at = *at;
            line.add(number, hash)
        });
        if !is_added {
            let mut line = BulkEntry::new(outcome, *at);
            line.add(number, hash);
            lines.push(line);
        }
    }
    lines
}

fn describe<'a>(entry: &mut Entry<'a>, ending: &'a Ending) {
    match ending {
        Ending::Updated { status, echo } => {
            entry.outcome = Outcome::Updated;
            entry.status = Some(*status);
            if let Some(echo) = echo {
                entry.echo = echo.differs;
                entry.echo_spelling = echo.spelling;
                entry.echo_next_day = echo.next_day;
            }
        }
        Ending::Unchanged => entry.outcome = Outcome::Unchanged,
        Ending::Conflict { fields, sign } => {
            entry.outcome = Outcome::Conflict;
            let fields = fields.iter();
            entry.errors = fields.map(|field| changed(field, *sign)).collect();
        }
        Ending::Unsendable { fields, conflicts } => {
            entry.outcome = Outcome::Failed;
            entry.error = Some(UNSENDABLE.into());
            let fields = fields.iter();
            entry.errors = fields
                .map(|(field, reason)| unsendable(*field, *reason))
                .chain((conflicts.iter()).map(|field| changed(field, ChangeSign::Values)))
                .collect();
        }
        Ending::Rejected { status, error } => {
            entry.outcome = Outcome::Rejected;
            entry.status = Some(*status);
            entry.error = error.code.as_deref().map(Into::into);
            entry.message = error.message.as_deref().map(Into::into);
            let fields = error.fields.iter();
            entry.errors = fields
                .map(|(field, text)| EntryError {
                    field: field.into(),
                    code: None,
                    message: text.into(),
                })
                .collect();
        }
        Ending::Failed { cause } => {
            entry.outcome = Outcome::Failed;
            entry.status = cause.status();
            entry.cause = Some(cause.to_string().into());
        }
    }
}

fn unsendable(field: Field, reason: Unsendable) -> EntryError<'static> {
    EntryError {
        field: field.name().into(),
        code: Some(UNSENDABLE.into()),
        message: reason.to_string().into(),
    }
}

fn changed(field: Field, sign: ChangeSign) -> EntryError<'static> {
    let (code, message) = match sign {
        ChangeSign::Values => (CHANGED, "was changed elsewhere in the meantime"),
        ChangeSign::EachTime => (
            CHANGED_EACH_TIME,
            "was not set: the customer was changed elsewhere after each read",
        ),
        ChangeSign::Since => (
            CHANGED_SINCE,
            "was not set: the customer was changed after the time in the row",
        ),
        ChangeSign::NotShown => (
            UPDATED_AT_NOT_SHOWN,
            "was not set: the API does not show when the customer was changed",
        ),
    };
    EntryError {
        field: field.name().into(),
        code: Some(code.into()),
        message: message.into(),
    }
}

fn contract_error(error: &FieldError) -> EntryError<'_> {
    EntryError {
        field: error.subject.name().into(),
        code: Some(error.code.name().into()),
        message: error.message.as_ref().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_cannot_be_put_back_names_what_others_have_changed_too() {
        let ending = Ending::Unsendable {
            fields: vec![(Field::CountryId, Unsendable::UnknownCountry)],
            conflicts: [Field::Job].into_iter().collect(),
        };
        let mut entry = Entry::of_row(1, Outcome::Invalid);
        describe(&mut entry, &ending);
        assert_eq!(entry.outcome, Outcome::Failed);
        let errors: Vec<_> = (entry.errors.iter())
            .map(|error| (error.field.as_ref(), error.code.as_deref()))
            .collect();
        let want = [("country_id", Some("unsendable")), ("job", Some("changed"))];
        assert_eq!(errors, want);
    }
}
