//! The metrics at one moment, as plain numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::attempts::AttemptCounts;
use crate::journal::{Outcome, Shard};
use crate::results::held_back::Brake;

/// The metrics at one moment.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// In Unix seconds.
    pub(super) now: u64,
    pub(super) shard: Option<Shard>,
    pub(super) rows: BTreeMap<Outcome, u64>,
    pub(super) run_rows: BTreeMap<Outcome, u64>,
    pub(super) sending: SendingMetrics,
    pub(super) last_success: Option<u64>,
    pub(super) completion: Option<Completion>,
}

/// The numbers of sending.
#[derive(Debug, Clone, Default)]
pub(crate) struct SendingMetrics {
    /// The requests that have ended.
    pub(crate) attempts: AttemptCounts,
    /// Requests in flight.
    pub(crate) in_flight: u64,
    /// The most requests that are allowed in flight.
    pub(crate) in_flight_max: u64,
    /// The time for which each cause held the run back.
    pub(crate) waiting: BTreeMap<Brake, Duration>,
    /// Refreshes of the token.
    pub(crate) token_refreshes: u64,
    /// Bytes of input in rows that have ended.
    pub(crate) bytes_read: u64,
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Completion {
    /// In Unix seconds.
    pub(super) at: u64,
    pub(super) exit_code: u8,
}
