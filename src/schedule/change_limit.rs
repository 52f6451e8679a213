//! The limit on what differs from the state of earlier nights: `--max-changes`.

use std::fmt;
use std::str::FromStr;

use super::error_limit::{ErrorLimit, ErrorLimitError};

/// The fewest customers of whom a share is meaningful.
const CUSTOMERS_BEFORE_A_SHARE_COUNTS: u64 = 20;

/// The limit on rows that have changed, on rows of new customers, and on customers without a row.
/// Each is held to it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeLimit(ErrorLimit);

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A row has another request than was sent last.
    Changed,
    /// The state does not have the row's customer.
    New,
    /// A customer of the state has no row.
    Absent,
}

impl ChangeLimit {
    /// Whether so many changes are too many for a state of this many customers. A share counts from
    /// 20 customers on.
    pub fn is_exceeded(self, customers: u64, changes: u64) -> bool {
        match self.0 {
            ErrorLimit::Count(changes_max) => changes > changes_max,
            ErrorLimit::Share(share) => {
                customers >= CUSTOMERS_BEFORE_A_SHARE_COUNTS
                    && share.is_exceeded(customers, changes)
            }
            ErrorLimit::None => false,
        }
    }
}

impl FromStr for ChangeLimit {
    type Err = ErrorLimitError;

    fn from_str(text: &str) -> Result<Self, ErrorLimitError> {
        text.parse().map(ChangeLimit)
    }
}

impl fmt::Display for ChangeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_from_20_customers_on() {
        let check = |limit: &str, customers: u64, changes: u64, want: bool| {
            let limit: ChangeLimit = limit.parse().expect("a limit");
            assert_eq!(limit.is_exceeded(customers, changes), want, "{limit}");
        };
        check("20%", 19, 19, false);
        check("20%", 20, 4, false);
        check("20%", 20, 5, true);
        check("0", 0, 1, true);
        check("3", 1_000, 3, false);
        check("none", 20, 20, false);
    }
}
