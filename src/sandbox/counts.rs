//! What a sandbox has seen so far.

use std::collections::BTreeMap;

use super::fault::FaultKind;

/// What a sandbox has seen since its start. Requests for `/api/health` and `/oauth` are in none of the numbers but those of
/// logins and refreshes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that arrived whole.
    pub requests: u64,
    /// Those of them that asked for customers: GET and the like.
    pub reads: u64,
    /// Those of them that came over HTTP/2.
    pub http2_requests: u64,
    /// Connections that were accepted.
    pub connections: u64,
    /// Updates that were applied, the answers of which may have been lost.
    pub applied: u64,
    /// Answers by status. Less than `requests` together: connection faults and clients that left have no answer.
    pub by_status: BTreeMap<u16, u64>,
    /// Injected faults by kind, without those that a customer's updates always meet.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The most requests that were ever in flight at the same time.
    pub in_flight_max: u32,
    /// Authorization codes that were exchanged for tokens.
    pub logins: u64,
    /// Refresh tokens that were exchanged for new ones.
    pub refreshes: u64,
    /// Refresh tokens that were sent again after they had been exchanged.
    pub spent_refresh_tokens: u64,
}

impl Counts {
    /// Requests that were no reads.
    pub fn writes(&self) -> u64 {
        self.requests - self.reads
    }

    /// Injected faults of all kinds.
    pub fn faults_injected(&self) -> u64 {
        self.faults.values().sum()
    }
}
