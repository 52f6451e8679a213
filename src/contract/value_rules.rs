//! The rules for values that the user chooses.

use super::allowed::Allowed;
use super::date::Today;
use super::date_format::DateFormat;

/// The rules for values that the user chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueRules {
    /// Date formats beside RFC 3339 and `YYYY-MM-DD`, in the order in which they are tried.
    pub date_formats: Vec<DateFormat>,
    /// Values that are accepted although they are probably mistakes.
    pub allowed: Allowed,
    /// The current day. Later dates are in the future, which is a warning.
    pub today: Today,
    /// The need of each row for a latest time at which others may have changed its customer.
    pub since: SinceRule,
}

/// The need of a row for a latest time at which others may have changed its customer
/// (`--unless-changed-since`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SinceRule {
    /// Rows have none.
    #[default]
    Unused,
    /// A row without one is invalid.
    Required,
}
