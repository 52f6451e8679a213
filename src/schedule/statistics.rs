//! Figures about a run, for the summary.

use std::collections::BTreeMap;
use std::time::Duration;

use super::cause::Cause;

/// Figures about a run so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statistics {
    /// Requests sent.
    pub attempts: u64,
    /// Requests that repeated another one, by the cause of its failure.
    pub retries: BTreeMap<Cause, u64>,
    /// Pauses that the API asked for.
    pub pauses: u64,
    /// Time for which these pauses held all rows back.
    pub paused: Duration,
    /// Outages of the API.
    pub outages: u64,
    /// Time for which the API was down.
    pub down: Duration,
    /// Controls: updates that were read and repeated to show whether the API works.
    pub controls: u64,
    /// Refreshes of the token.
    pub token_refreshes: u64,
    /// The rate a second that was learned from what the API refuses, if it limits the run.
    pub learned_rate: Option<f64>,
    /// The most requests in flight, if that was learned from what the API refuses.
    pub learned_in_flight: Option<usize>,
    /// The most processes that shared the rate at once; `None` without a store.
    pub rate_members: Option<u64>,
    /// The most requests that were in flight at once.
    pub in_flight_max: usize,
}
