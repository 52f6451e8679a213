//! The care that rows need, and the driver's decisions about them.

use super::ended::Ending;

/// The care that a row's update needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Care {
    /// None: the update leaves at once.
    #[default]
    None,
    /// The customer is read before, and the driver decides.
    Read,
    /// The same, and the driver also decides once its update is applied. No row that was not sent
    /// yet leaves until then, or until the row is in doubt. After [`Schedule::go_together`](super::Schedule::go_together) it needs
    /// less.
    Alone,
    /// The customer is known already: the driver decides without a read, once it is the row's turn.
    Known,
}

/// The use of an answer to a read that does not show the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadNeed {
    /// The update must not leave without the read: the row is refused as if by its update.
    #[default]
    Required,
    /// The driver decides without the customer.
    Wanted,
    /// Nothing but reads is sent: a customer who is shown proves that the API works, as an applied
    /// update does, and from then on that it means its refusals.
    Only,
}

/// The driver's decision about a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Its update leaves. If it is applied, the row has this ending, or is updated without one.
    Write(Option<Ending>),
    /// Its customer is read once more, to decide about the applied update.
    Read,
    /// Its customer is read once more, to decide about another update.
    Again,
    /// It goes once more, behind the rows that were not sent yet.
    Later,
    /// It ends like this.
    End(Ending),
    /// Its update was applied, which ends it.
    Applied,
    /// It leaves the schedule without an outcome. The run is about to stop.
    Drop,
}
