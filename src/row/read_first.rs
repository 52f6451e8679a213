//! The part of a row's life between the read of its customer and its update.

use bytes::Bytes;
use jiff::Timestamp;

use crate::contract::{EntityTag, FieldSet};

/// The notes about a row whose customer was read. It may be read again, and decided anew.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadFirst {
    /// The state of the customer when it was read last, if the API named it.
    pub tag: Option<EntityTag>,
    /// The row's own request, if the customer's values have changed it since.
    pub own: Option<RowRequest>,
    /// The number of times that the customer was changed between the read and the update.
    pub changes: u32,
    /// The fields that its update fills and that no earlier update of the run did.
    pub fills: FieldSet,
    /// The latest time at which others may have changed the customer.
    pub since: Option<Timestamp>,
    /// The time of the row's own change, as the API shows it.
    pub updated_at: Option<Timestamp>,
    /// Whether an undo has counted the row.
    pub is_counted: bool,
}

/// A request of a row.
#[derive(Debug, Clone)]
pub(crate) struct RowRequest {
    /// The body.
    pub body: Bytes,
    /// The fields that it sets.
    pub fields: FieldSet,
}
