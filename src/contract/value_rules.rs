//! The rules of values that the user chooses.

use super::allowed::Allowed;
use super::date::Today;
use super::date_format::DateFormat;

/// How values are read, as far as the user decides it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ValueRules {
    /// Forms of dates beside RFC 3339 and `YYYY-MM-DD`, in the order in which they are tried.
    pub date_formats: Vec<DateFormat>,
    /// What is taken although it is probably a mistake.
    pub allowed: Allowed,
    /// The day from which on a date is in the future, which is a warning.
    pub today: Today,
}
