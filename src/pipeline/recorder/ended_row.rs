//! A row that has ended, on its way to the journal.

use jiff::Timestamp;

use crate::journal::Remainder;
use crate::row::Row;
use crate::schedule::Ending;

/// A row that has ended.
#[derive(Debug)]
pub struct EndedRow {
    /// The row.
    pub row: Row,
    /// How it ended.
    pub fate: Fate,
    /// When.
    pub at: Timestamp,
}

/// How a row ended.
#[derive(Debug)]
pub enum Fate {
    /// It breaks the contract.
    Invalid,
    /// It was sent.
    Sent {
        /// What came of it.
        ending: Ending,
        /// Updates sent for it.
        attempts: u32,
        /// An attempt that failed may have been applied all the same.
        ambiguous: bool,
        /// How long the last one took.
        took: std::time::Duration,
    },
    /// An earlier process has settled it.
    Earlier,
    /// Later rows of its customer have set all of its fields, or one is to be sent in its place.
    Superseded,
    /// It was not sent: later rows of its customer were updated, and the API may not keep what a request leaves out.
    Overtaken(Remainder),
}

/// How many inputs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// One: results do not name it.
    One,
    /// Several.
    Several,
}

impl Inputs {
    /// For so many inputs.
    pub fn of(count: usize) -> Inputs {
        if count > 1 {
            Inputs::Several
        } else {
            Inputs::One
        }
    }
}
