//! What a schedule is given: its rules, and what came before it.

use std::time::Duration;

use super::error_limit::ErrorLimit;
use super::moment::Moment;
use super::rate::Rate;
use super::retry::RetryPolicy;

/// The rules that a schedule keeps.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The user's rate.
    pub rate: Rate,
    /// The most requests in flight.
    pub in_flight_max: u16,
    /// How long a request may take, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// How often a row is tried.
    pub retry: RetryPolicy,
    /// How many rows may end badly.
    pub error_limit: ErrorLimit,
    /// The longest time in which the API lets nothing through: a named time, the end of an outage.
    pub wait_max: Duration,
    /// How long requests in flight may take to finish once the run stops.
    pub grace: Duration,
}

/// What earlier processes of the same run directory have seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Rows that have ended.
    pub ended: u64,
    /// Those that ended invalid, rejected or failed.
    pub errors: u64,
    /// Rows that ended by an answer of the API.
    pub answered: u64,
    /// The end of a wait that the API named to them.
    pub not_before: Moment,
}

impl History {
    /// Rows that were updated.
    pub(super) fn updated(self) -> u64 {
        self.ended.saturating_sub(self.errors)
    }
}
