//! The handle of a held row.

/// The handle of a row, valid while the row is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Ticket {
    /// Creates the handle with this number.
    pub(crate) fn numbered(number: u64) -> Ticket {
        Ticket(number)
    }
}
