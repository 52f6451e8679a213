//! What a schedule gives back: rows that have ended, and how.

use std::time::Duration;

use super::cause::Cause;
use crate::contract::{CustomerId, ServerError};

/// A row that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended<T> {
    /// The row, as it was offered.
    pub row: T,
    /// Its customer, who stays busy until [`Schedule::recorded`](super::Schedule::recorded).
    pub customer: CustomerId,
    /// How it ended.
    pub ending: Ending,
    /// Updates sent for it.
    pub attempts: u32,
    /// An attempt that failed may have been applied all the same, then or later.
    pub ambiguous: bool,
    /// How long the last one took.
    pub took: Duration,
}

/// How a row ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The API applied it.
    Updated {
        /// The answer's status.
        status: u16,
    },
    /// The API refuses it.
    Rejected {
        /// The answer's status.
        status: u16,
        /// What the API says.
        error: ServerError,
    },
    /// Every attempt failed.
    Failed {
        /// Why the last one did.
        cause: Cause,
    },
}
