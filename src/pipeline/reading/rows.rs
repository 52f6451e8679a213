//! The loop over the rows of a block. `check` and `run` differ only in what they do with a row.

use std::ops::ControlFlow;

use super::source::SourceBlock;
use crate::contract::{CustomerId, CustomerUpdate, ErrorCode, FieldError, InvalidRow, Subject};
use crate::input::{ExplainedCell, RowRules};
use crate::results::tally::RowsRead;
use crate::row::Position;
use crate::row::duplicates::Occurrence;

/// Takes the rows of a block, in order.
pub(super) trait RowSink {
    /// Whether a row of this customer is sent by this process, and not by another shard.
    fn is_own(&self, customer: Option<CustomerId>) -> bool;

    /// Applies `--unique` to a valid row.
    fn occurrence(&mut self, update: &CustomerUpdate<'_>, position: Position) -> Occurrence;

    /// Whether `--unique` would refuse a row of this customer if it were valid.
    fn would_refuse(&self, id: CustomerId) -> bool;

    /// Returns the counts that the rows are added to.
    fn counts(&mut self) -> &mut RowsRead;

    /// Takes a row that has been counted. `Break` leaves the rest of the block.
    fn take(&mut self, row: ReadRow<'_>) -> ControlFlow<()>;
}

/// A row, read and checked.
pub(super) struct ReadRow<'r> {
    /// The bytes of the record, without the line end.
    pub(super) raw: &'r [u8],
    pub(super) position: Position,
    pub(super) verdict: RowVerdict<'r>,
    /// The number of records before it in the block.
    pub(super) ordinal: u64,
    /// The cells, if they are explained.
    pub(super) cells: &'r [ExplainedCell],
}

/// The consequence of a row.
pub(crate) enum RowVerdict<'r> {
    /// It is sent.
    Valid(CustomerUpdate<'r>),
    /// It is not sent: a later row of its customer is (`--unique last`).
    Superseded(CustomerUpdate<'r>),
    /// It is not sent: later rows of its customer have set all its fields.
    Overtaken(CustomerUpdate<'r>),
    /// It is not sent, because of these errors.
    Invalid(InvalidRow),
    /// It belongs to another shard.
    Elsewhere(Option<CustomerId>),
}

/// Reads and checks the rows of a block, which `rows_before` rows precede, until the sink has
/// enough. The cells of the first `explained` rows are explained. Returns the number of blank rows
/// in the whole block.
pub(super) fn read_rows(
    source: &SourceBlock,
    rows_before: u64,
    rules: &RowRules,
    explained: u64,
    sink: &mut impl RowSink,
) -> u64 {
    let SourceBlock {
        input,
        skipped,
        block,
        layout,
    } = source;
    let first_row = skipped + rows_before + 1;
    let mut flow = ControlFlow::Continue(());
    layout.parse(block, rules, explained, &mut |record| {
        if flow.is_break() {
            return;
        }
        let position = Position {
            row: first_row + record.ordinal,
            input: *input,
            line: record.line,
        };
        let verdict = verdict(record.checked, position, sink);
        flow = sink.take(ReadRow {
            raw: record.raw,
            position,
            verdict,
            ordinal: record.ordinal,
            cells: record.cells,
        });
    })
}

/// Counts a row, and returns its consequence.
fn verdict<'r>(
    checked: Result<CustomerUpdate<'r>, InvalidRow>,
    position: Position,
    sink: &mut impl RowSink,
) -> RowVerdict<'r> {
    let customer = match &checked {
        Ok(update) => Some(update.id()),
        Err(invalid) => invalid.id,
    };
    if !sink.is_own(customer) {
        sink.counts().add_elsewhere(position);
        return RowVerdict::Elsewhere(customer);
    }
    match checked {
        Ok(update) if update.fields().is_empty() => {
            sink.counts().add_overtaken(position, update.notes());
            RowVerdict::Overtaken(update)
        }
        Ok(update) => {
            let occurrence = sink.occurrence(&update, position);
            let counts = sink.counts();
            counts.add_occurrence(position, occurrence);
            match occurrence {
                Occurrence::Refused => {
                    counts.add_invalid(position);
                    RowVerdict::Invalid(refused(update.id()))
                }
                Occurrence::Superseded => {
                    counts.add_valid(position, update.notes());
                    RowVerdict::Superseded(update)
                }
                Occurrence::Sent
                | Occurrence::SentAgain
                | Occurrence::SentInstead { .. }
                | Occurrence::Unknown => {
                    counts.add_valid(position, update.notes());
                    RowVerdict::Valid(update)
                }
            }
        }
        Err(mut invalid) => {
            sink.counts().add_invalid(position);
            if invalid.id.is_some_and(|id| sink.would_refuse(id)) {
                add_duplicate(&mut invalid.errors);
            }
            RowVerdict::Invalid(invalid)
        }
    }
}

/// The error of a valid row that is refused as a duplicate.
fn refused(id: CustomerId) -> InvalidRow {
    InvalidRow {
        id: Some(id),
        errors: vec![FieldError::duplicate()],
    }
}

/// Adds the error of a duplicate to an invalid row: once corrected, it would overwrite the row
/// before it.
pub(super) fn add_duplicate(errors: &mut Vec<FieldError>) {
    if errors
        .iter()
        .all(|error| error.code != ErrorCode::Duplicate)
    {
        let behind_row_errors = errors
            .iter()
            .take_while(|error| error.subject == Subject::Row)
            .count();
        errors.insert(behind_row_errors, FieldError::duplicate());
    }
}
