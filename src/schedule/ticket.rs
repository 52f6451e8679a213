//! The name of a held row.

/// A held row, for as long as it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Ticket {
    pub(super) fn numbered(number: u64) -> Ticket {
        Ticket(number)
    }
}
