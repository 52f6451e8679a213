//! A request: its kind, and how it left.

use super::moment::Moment;

/// The kind of request that is sent for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `GET /v1/customers/{id}`, to compare what is shown with what the row sets.
    Read,
    /// `PUT /v1/customers/{id}`.
    Write,
}

/// A request that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    /// When.
    pub(super) at: Moment,
    /// How many were in flight then, with itself.
    pub(super) in_flight: usize,
    /// Which of its row's requests it is, beginning with 1.
    pub(super) nth: u32,
    /// How often its row was refused for a limit, with others applied since the time before.
    pub(super) refused_beside_others: u32,
}

impl Departure {
    /// Whether it is the first of its row's requests. The later ones follow a failure, so that they tell more of the row.
    pub(super) fn is_first(self) -> bool {
        self.nth == 1
    }
}
