//! The update of a row, made from its own request and from the customer.

use crate::schedule::Ending;

/// Whether an update that failed may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It may have been.
    Maybe,
    /// There is none, or it was not.
    No,
}

/// The update of a row whose customer is shown.
#[derive(Debug)]
pub(super) enum Prepared {
    /// It can be sent. If it is applied, the row has this ending, or is updated without one.
    Write(Option<Ending>),
    /// There is none: the row ends like this.
    End(Ending),
}
