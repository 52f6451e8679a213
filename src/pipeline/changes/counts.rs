//! The counts of a comparison, and the sentence that says them.

use crate::schedule::change_limit::{ChangeKind, ChangeLimit};
use crate::text::{counted, grouped};

/// The rows of an input by what the state knows of their customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChangeCounts {
    /// All rows.
    pub(crate) rows: u64,
    /// Rows whose request was sent before.
    pub(crate) unchanged: u64,
    /// Those of them that are sent again.
    pub(crate) resync: u64,
    /// Rows with another request than was sent last.
    pub(crate) changed: u64,
    /// Rows of customers who are not in the state.
    pub(crate) new: u64,
    /// Rows of customers whose last request is unknown, because a night did not finish.
    pub(crate) unknown: u64,
    /// Rows without a request that can be sent.
    pub(crate) invalid: u64,
    /// Rows that later rows of their customers replace.
    pub(crate) superseded: u64,
    /// Rows of other shards.
    pub(crate) elsewhere: u64,
    /// Customers of the state without a row.
    pub(crate) absent: u64,
    /// Those of them who had a row before.
    pub(crate) newly_absent: u64,
    /// All customers of the state.
    pub(crate) customers: u64,
}

/// More changes than the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) kind: ChangeKind,
    pub(crate) count: u64,
    pub(crate) customers: u64,
}

impl ChangeCounts {
    /// Returns the number of rows that are sent.
    pub(crate) fn to_send(self) -> u64 {
        self.resync + self.changed + self.new + self.unknown
    }

    /// Returns the first kind of change that exceeds the limit. A customer counts as absent only
    /// once, and customers whose last request is unknown do not count.
    pub(crate) fn excess(&self, limit: ChangeLimit) -> Option<Excess> {
        let kinds = [
            (ChangeKind::Changed, self.changed),
            (ChangeKind::New, self.new),
            (ChangeKind::Absent, self.newly_absent),
        ];
        let excessive = |(_, count): &(_, u64)| limit.is_exceeded(self.customers, *count);
        kinds
            .into_iter()
            .find(excessive)
            .map(|(kind, count)| Excess {
                kind,
                count,
                customers: self.customers,
            })
    }
}

impl std::fmt::Display for ChangeCounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}: {} unchanged, {} changed",
            counted(self.rows, "row"),
            grouped(self.unchanged),
            grouped(self.changed)
        )?;
        let others = [
            (self.new, "new"),
            (self.unknown, "unknown from an unfinished run"),
            (self.superseded, "superseded"),
            (self.invalid, "invalid"),
            (self.elsewhere, "of other shards"),
        ];
        for (count, name) in others.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {} {name}", grouped(count))?;
        }
        if self.resync > 0 {
            write!(
                f,
                "; {} of the unchanged are sent again",
                grouped(self.resync)
            )?;
        }
        match (self.absent, self.newly_absent) {
            (0, _) => Ok(()),
            (absent, new) if absent == new => write!(
                f,
                "; {} of the state {} absent",
                counted(absent, "customer"),
                are(absent)
            ),
            (absent, new) => write!(
                f,
                "; {} of the state {} absent, {} of them for the first time",
                counted(absent, "customer"),
                are(absent),
                grouped(new)
            ),
        }
    }
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_there_is() {
        let counts = ChangeCounts {
            rows: 1_000_000,
            unchanged: 987_411,
            changed: 12_580,
            invalid: 9,
            absent: 412,
            newly_absent: 412,
            customers: 1_000_000,
            ..ChangeCounts::default()
        };
        let want = "1,000,000 rows: 987,411 unchanged, 12,580 changed, 9 invalid; 412 customers of the state are absent";
        assert_eq!(counts.to_string(), want);
        let counts = ChangeCounts {
            rows: 1,
            new: 1,
            absent: 2,
            newly_absent: 1,
            customers: 2,
            ..ChangeCounts::default()
        };
        let want = "1 row: 0 unchanged, 0 changed, 1 new; 2 customers of the state are absent, 1 of them for the first time";
        assert_eq!(counts.to_string(), want);
    }

    #[test]
    fn each_kind_of_change_is_held_to_the_limit() {
        let check = |counts: ChangeCounts, want: Option<(ChangeKind, u64)>| {
            let limit: ChangeLimit = "20%".parse().expect("a limit");
            let counts = ChangeCounts {
                customers: 100,
                ..counts
            };
            let found = counts.excess(limit);
            assert_eq!(found.map(|excess| (excess.kind, excess.count)), want);
        };
        let counts = ChangeCounts::default;
        check(
            ChangeCounts {
                changed: 20,
                ..counts()
            },
            None,
        );
        check(
            ChangeCounts {
                changed: 21,
                ..counts()
            },
            Some((ChangeKind::Changed, 21)),
        );
        check(
            ChangeCounts {
                new: 21,
                ..counts()
            },
            Some((ChangeKind::New, 21)),
        );
        check(
            ChangeCounts {
                newly_absent: 21,
                absent: 50,
                ..counts()
            },
            Some((ChangeKind::Absent, 21)),
        );
        check(
            ChangeCounts {
                absent: 100,
                unknown: 100,
                ..counts()
            },
            None,
        );
    }
}
