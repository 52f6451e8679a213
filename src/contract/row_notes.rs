//! The facts about a valid row that the summary counts.

use super::field_set::FieldSet;
use super::warning::Warnings;

/// What is worth counting about a row that keeps the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowNotes {
    /// The date was given in another form and is sent as RFC 3339.
    pub date_normalised: bool,
    /// What is unusual about its values.
    pub warnings: Warnings,
    /// Fields of the contract are not in the body; the API's pages do not agree on what it does with them.
    pub fields_left_out: bool,
    /// Fields that are not in the body because later rows have set them, see [`UpdateBuilder::leave_out`](super::UpdateBuilder::leave_out).
    pub overtaken: FieldSet,
}
