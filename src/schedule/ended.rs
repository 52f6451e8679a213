//! Rows that have ended, and how.

use std::time::Duration;

use super::cause::Cause;
use crate::contract::{CustomerId, Echo, Field, FieldSet, ServerError, Unsendable};

/// A row that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended<T> {
    /// The row, as it was offered.
    pub row: T,
    /// Its customer, who is busy until [`Schedule::recorded`](super::Schedule::recorded).
    pub customer: CustomerId,
    /// Its ending.
    pub ending: Ending,
    /// Updates that were sent for it.
    pub attempts: u32,
    /// Whether a failed attempt may have been applied, then or later.
    pub ambiguous: bool,
    /// The time that the last attempt took.
    pub took: Duration,
}

/// The sign by which a change elsewhere is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeSign {
    /// The fields have values that the run has not sent.
    Values,
    /// The customer was changed after each read, before the update came.
    EachTime,
    /// It was changed after the time in the row.
    Since,
    /// There is none, but the API does not show when the customer was changed.
    NotShown,
}

/// The ending of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The API applied it.
    Updated {
        /// The answer's status.
        status: u16,
        /// The comparison of the answer with the values sent, if it shows the customer.
        echo: Option<Echo>,
    },
    /// The API refuses it.
    Rejected {
        /// The answer's status.
        status: u16,
        /// The error that the API reports.
        error: ServerError,
    },
    /// Its customer has the values already, so no update was sent.
    Unchanged,
    /// Its customer was changed elsewhere in the meantime.
    Conflict {
        /// The fields that were changed, or that it would have set.
        fields: FieldSet,
        /// The sign of the change.
        sign: ChangeSign,
    },
    /// Fields that it has to set cannot be sent, so no update was, or one without them.
    Unsendable {
        /// The fields, and the reasons.
        fields: Vec<(Field, Unsendable)>,
        /// The fields that were changed elsewhere besides.
        conflicts: FieldSet,
    },
    /// Every attempt failed.
    Failed {
        /// The cause of the last failure.
        cause: Cause,
    },
}
