//! The facts about a valid row that the summary counts.

use super::field_set::FieldSet;
use super::warning::Warnings;

/// The facts about a valid row that the summary counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowNotes {
    /// Whether the date was in another format and is sent as RFC 3339.
    pub date_normalised: bool,
    /// The warnings about its values.
    pub warnings: Warnings,
    /// Whether fields of the contract are not in the body. The API's pages contradict each other on
    /// the effect.
    pub fields_left_out: bool,
    /// Fields that are not in the body because later rows have set them, see
    /// [`UpdateBuilder::leave_out`](super::UpdateBuilder::leave_out).
    pub overtaken: FieldSet,
}
