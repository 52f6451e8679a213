//! The counts of a sandbox: requests, answers, faults, logins.

use std::collections::BTreeMap;

use super::fault::FaultKind;

/// The counts since the sandbox's start. Requests for `/api/health` and `/oauth` only count as
/// logins and refreshes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that arrived completely.
    pub requests: u64,
    /// Those of them with a safe method (RFC 9110 §9.2.1), such as GET.
    pub reads: u64,
    /// Those of them over HTTP/2.
    pub http2_requests: u64,
    /// Accepted connections.
    pub connections: u64,
    /// Applied updates, including those whose answers were lost.
    pub applied: u64,
    /// Answers by status. Their sum is less than `requests` if connections failed or clients left.
    pub by_status: BTreeMap<u16, u64>,
    /// Injected faults by kind, without those that a customer's updates always meet.
    pub faults: BTreeMap<FaultKind, u64>,
    /// The highest number of requests in flight.
    pub in_flight_max: u32,
    /// Authorization codes that were exchanged for tokens.
    pub logins: u64,
    /// Refresh tokens that were exchanged for new ones.
    pub refreshes: u64,
    /// Refresh tokens that were sent again after their exchange.
    pub spent_refresh_tokens: u64,
}

impl Counts {
    /// Requests that were not reads.
    pub fn writes(&self) -> u64 {
        self.requests - self.reads
    }

    /// Injected faults of all kinds.
    pub fn faults_injected(&self) -> u64 {
        self.faults.values().sum()
    }
}
