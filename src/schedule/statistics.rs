//! What the schedule did, for the summary.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cause::Cause;

/// What the schedule did so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Requests sent.
    pub attempts: u64,
    /// Requests that repeated another one, by what had come of that.
    pub retries: BTreeMap<Cause, u64>,
    /// Pauses that the API asked for.
    pub pauses: u64,
    /// Time that all rows waited in them.
    pub paused: Duration,
    /// Times that the API was down.
    pub outages: u64,
    /// Time that it was down.
    pub down: Duration,
    /// Times that an update was read and repeated to tell whether the API works.
    pub controls: u64,
    /// Times that the token was renewed.
    pub token_refreshes: u64,
    /// The rate a second that was learned from what the API refuses, where that is what limits the run.
    pub learned_rate: Option<f64>,
    /// The most requests in flight that was learned from it.
    pub learned_in_flight: Option<usize>,
    /// The most requests that were in flight at once.
    pub in_flight_max: usize,
}
