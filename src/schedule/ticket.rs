//! The handle of a held row.

/// The handle of a row, valid while the row is held. Tickets are ordered by their age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The number that no other ticket has.
    number: u64,
    /// The place of the row among the held ones. Another row has it after this one has ended.
    place: usize,
}

impl Ticket {
    /// Creates the handle with this number, for a row in this place.
    pub(super) fn new(number: u64, place: usize) -> Ticket {
        Ticket { number, place }
    }

    /// Creates the handle with this number, for something else than a held row.
    pub(crate) fn numbered(number: u64) -> Ticket {
        Ticket::new(number, usize::MAX)
    }

    /// The place of its row.
    pub(super) fn place(self) -> usize {
        self.place
    }
}
