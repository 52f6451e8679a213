//! Requests: their kind, and the circumstances in which they left.

use super::moment::Moment;

/// The kind of a request for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// `GET /v1/customers/{id}`, to compare the customer with what the row sets.
    Read,
    /// `PUT /v1/customers/{id}`.
    Write,
}

/// The circumstances in which a request left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    /// The time at which it left.
    pub(super) at: Moment,
    /// Requests in flight at that time, itself included.
    pub(super) in_flight: usize,
    /// Its number among the requests of its row, from 1.
    pub(super) nth: u32,
    /// The number of times a limit refused its row although others were applied since the time
    /// before.
    pub(super) refused_beside_others: u32,
}

impl Departure {
    /// Whether it is the first request of its row. Later ones follow a failure, so they say more
    /// about the row.
    pub(super) fn is_first(self) -> bool {
        self.nth == 1
    }
}
