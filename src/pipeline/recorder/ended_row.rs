//! A row that has ended, as the sender hands it to the recorder. [`RowEnd`] is the way it ended,
//! from which the recorder derives the journal's outcome.

use jiff::Timestamp;

use crate::journal::{Outcome, Remainder};
use crate::row::Row;
use crate::schedule::Ending;

/// A row that has ended.
#[derive(Debug)]
pub(crate) struct EndedRow {
    /// The row.
    pub row: Row,
    /// The way it ended.
    pub end: RowEnd,
    /// The time at which it ended.
    pub at: Timestamp,
}

/// The way a row ended.
#[derive(Debug)]
pub(crate) enum RowEnd {
    /// The row breaks the contract.
    Invalid,
    /// The row was sent.
    Sent {
        /// The result of the last attempt.
        ending: Ending,
        /// The number of updates sent for it.
        attempts: u32,
        /// Whether a failed attempt may have been applied.
        ambiguous: bool,
        /// The duration of the last attempt.
        took: std::time::Duration,
    },
    /// An earlier process settled it.
    Earlier,
    /// Not sent: later rows of its customer have set all its fields, or one of them is sent
    /// instead.
    Superseded,
    /// Not sent: an earlier run has sent the same.
    Unchanged,
    /// Not sent: the row belongs to another shard.
    Elsewhere,
    /// Not sent: later rows of its customer were updated, and the API may reset fields that a
    /// request leaves out.
    Overtaken(Remainder),
}

impl RowEnd {
    /// Returns the outcome of a row that shares a line with others; `None` for a row with a line of
    /// its own, or one that was written before.
    pub(super) fn shared_outcome(&self) -> Option<Outcome> {
        match self {
            RowEnd::Unchanged => Some(Outcome::Unchanged),
            RowEnd::Elsewhere => Some(Outcome::Elsewhere),
            RowEnd::Invalid
            | RowEnd::Sent { .. }
            | RowEnd::Earlier
            | RowEnd::Superseded
            | RowEnd::Overtaken(_) => None,
        }
    }
}

/// Whether there is one input or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// One: results do not name it.
    One,
    /// Several.
    Several,
}

impl Inputs {
    /// For this number of inputs.
    pub(crate) fn of(count: usize) -> Inputs {
        if count > 1 {
            Inputs::Several
        } else {
            Inputs::One
        }
    }
}
