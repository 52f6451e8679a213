//! Which rows an earlier process has settled: ranges, not a list.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roaring::RoaringTreemap;

use super::{Entry, Outcome};

/// Rows of a record block whose hashes are summed up together.
const ROWS_PER_SUM: u64 = 1024;

/// What a journal says of each row: its last entry counts.
#[derive(Debug)]
pub struct Checkpoint {
    retry: Retry,
    /// The rows that ended so, by outcome.
    rows: [RoaringTreemap; Outcome::ALL.len()],
    /// Where entries other than `updated` begin in the journal, by row; after [`Checkpoint::seal`] the last one of each row.
    offsets: Vec<(u64, u64)>,
    /// The last updated row of each customer that has a row that may be sent again.
    last_updated: HashMap<u64, u64>,
    /// For each [`ROWS_PER_SUM`] rows the sum over `(row, hash)` of those that have an entry, in any order.
    sums: BTreeMap<u64, u64>,
    answered: u64,
    /// The row that was applied last.
    last_applied: Option<u64>,
    entries: u64,
}

/// Which rows of an earlier run are sent again, when it is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Those of which every attempt failed.
    Failed,
    /// Those that the API refused, too.
    Rejected,
}

/// What to do with a row, after what an earlier process did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Send it.
    Send,
    /// Send it, though it has an outcome, which counts until it has another.
    SendAgain,
    /// It is settled.
    Leave,
    /// It would be sent again, but a later row of its customer was updated since: sending it would undo that.
    Supersede,
}

impl Checkpoint {
    /// Nothing is settled; rows that ended so are to be sent again.
    pub(super) fn new(retry: Retry) -> Checkpoint {
        Checkpoint {
            retry,
            rows: Default::default(),
            offsets: Vec::new(),
            last_updated: HashMap::new(),
            sums: BTreeMap::new(),
            answered: 0,
            last_applied: None,
            entries: 0,
        }
    }

    /// Takes in an entry that begins at this offset of the journal.
    pub(super) fn add(&mut self, entry: &Entry<'_>, offset: u64) {
        self.entries += 1;
        let had_entry = self.rows.iter_mut().any(|rows| rows.remove(entry.row));
        if !had_entry {
            let sum = self.sums.entry(block_of(entry.row)).or_default();
            *sum = sum.wrapping_add(mixed(entry.row, entry.hash));
        }
        if entry.outcome != Outcome::Updated {
            self.offsets.push((entry.row, offset));
        }
        self.follow_customer(entry);
        match entry.outcome {
            Outcome::Updated => {
                self.answered += 1;
                self.last_applied = Some(entry.row);
            }
            Outcome::Rejected => self.answered += 1,
            Outcome::Invalid | Outcome::Failed | Outcome::Superseded => {}
        }
        self.rows_mut(entry.outcome).insert(entry.row);
    }

    /// A customer's entries stand in the order of the file, so a row that may be sent again comes before those that
    /// supersede it.
    fn follow_customer(&mut self, entry: &Entry<'_>) {
        let Some(id) = entry.id else { return };
        if self.may_be_sent_again(entry.outcome) {
            self.last_updated.entry(id).or_default();
        } else if entry.outcome == Outcome::Updated
            && let Some(last) = self.last_updated.get_mut(&id)
        {
            *last = entry.row.max(*last);
        }
    }

    fn may_be_sent_again(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Failed => true,
            Outcome::Rejected => self.retry == Retry::Rejected,
            Outcome::Updated | Outcome::Invalid | Outcome::Superseded => false,
        }
    }

    /// All entries were taken in.
    pub(super) fn seal(&mut self) {
        self.offsets.sort_unstable();
        // The later of two entries of a row has the greater offset.
        self.offsets.dedup_by(|later, kept| {
            let same_row = later.0 == kept.0;
            if same_row {
                *kept = *later;
            }
            same_row
        });
        self.offsets.shrink_to_fit();
    }

    /// What to do with a row of this customer.
    pub fn plan(&self, row: u64, customer: Option<u64>) -> Plan {
        let Some(outcome) = self.outcome(row) else { return Plan::Send };
        let last_updated = customer.and_then(|id| self.last_updated.get(&id)).copied().unwrap_or_default();
        match (self.may_be_sent_again(outcome), last_updated > row) {
            (false, _) => Plan::Leave,
            (true, true) => Plan::Supersede,
            (true, false) => Plan::SendAgain,
        }
    }

    /// How the row ended, as far as the journal goes.
    pub fn outcome(&self, row: u64) -> Option<Outcome> {
        Outcome::ALL.into_iter().find(|outcome| self.rows(*outcome).contains(row))
    }

    /// How many rows ended so.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.rows(outcome).len()
    }

    /// Rows that have an entry.
    pub fn rows_recorded(&self) -> u64 {
        self.rows.iter().map(RoaringTreemap::len).sum()
    }

    /// Entries, of which a row that was sent again has several.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The row that was applied last: none of its customer was sent since.
    pub fn last_applied(&self) -> Option<u64> {
        self.last_applied
    }

    /// Outcomes that the API has spoken: rows that it applied or refused.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// The last row that has an entry.
    pub fn last_row(&self) -> Option<u64> {
        self.rows.iter().filter_map(RoaringTreemap::max).max()
    }

    /// Where the row's entry begins in the journal, where it is not `updated`.
    pub fn offset(&self, row: u64) -> Option<u64> {
        if self.rows(Outcome::Updated).contains(row) {
            return None;
        }
        let index = self.offsets.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        self.offsets.get(index).map(|(_, offset)| *offset)
    }

    fn rows(&self, outcome: Outcome) -> &RoaringTreemap {
        self.rows.get(outcome as usize).expect("there is a set for each outcome")
    }

    fn rows_mut(&mut self, outcome: Outcome) -> &mut RoaringTreemap {
        self.rows.get_mut(outcome as usize).expect("there is a set for each outcome")
    }
}

/// Compares the input with the journal while it streams past, record by record.
#[derive(Debug)]
pub struct Comparison {
    checkpoint: Arc<Checkpoint>,
    sums: BTreeMap<u64, u64>,
}

/// The first rows at which input and journal differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    /// The first row of a block that differs.
    pub first_row: u64,
    /// The last one.
    pub last_row: u64,
    /// How many blocks differ.
    pub blocks: usize,
}

impl Comparison {
    /// Against this checkpoint.
    pub fn new(checkpoint: Arc<Checkpoint>) -> Comparison {
        Comparison { checkpoint, sums: BTreeMap::new() }
    }

    /// Takes in a record of the input.
    pub fn add(&mut self, row: u64, hash: u64) {
        if self.checkpoint.outcome(row).is_some() {
            let sum = self.sums.entry(block_of(row)).or_default();
            *sum = sum.wrapping_add(mixed(row, hash));
        }
    }

    /// Where they differ, once all rows up to the last recorded one were taken in.
    pub fn difference(&self) -> Option<Difference> {
        let journal = &self.checkpoint.sums;
        let mut differing = journal.iter().filter(|(block, sum)| self.sums.get(block) != Some(sum));
        let first_row = differing.next().map(|(block, _)| *block)? * ROWS_PER_SUM + 1;
        let last_row = self.checkpoint.last_row().unwrap_or(first_row).min(first_row + ROWS_PER_SUM - 1);
        Some(Difference { first_row, last_row, blocks: 1 + differing.count() })
    }
}

fn block_of(row: u64) -> u64 {
    row.saturating_sub(1) / ROWS_PER_SUM
}

/// A number of row and hash together, so that swapped rows do not cancel out in a sum.
fn mixed(row: u64, hash: u64) -> u64 {
    let mut mixed = (hash ^ row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^= mixed >> 31;
    mixed.wrapping_mul(0x94d0_49bb_1331_11eb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(rows: &[(u64, u64)]) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(Retry::Failed);
        for (row, hash) in rows {
            let entry = Entry { hash: *hash, ..Entry::of_row(*row, Outcome::Updated) };
            checkpoint.add(&entry, 0);
        }
        checkpoint
    }

    fn check(journal: &[(u64, u64)], input: &[(u64, u64)], want: Option<(u64, u64)>) {
        let mut comparison = Comparison::new(Arc::new(checkpoint(journal)));
        for (row, hash) in input {
            comparison.add(*row, *hash);
        }
        let found = comparison.difference().map(|difference| (difference.first_row, difference.last_row));
        assert_eq!(found, want, "{journal:?} {input:?}");
    }

    #[test]
    fn a_changed_input_is_noticed() {
        let journal = [(3, 30), (1, 10), (2, 20), (2000, 7)];
        check(&journal, &[(1, 10), (2, 20), (3, 30), (4, 40), (2000, 7), (2001, 8)], None);
        check(&journal, &[(1, 10), (2, 21), (3, 30), (2000, 7)], Some((1, 1024)));
        check(&journal, &[(1, 20), (2, 10), (3, 30), (2000, 7)], Some((1, 1024)));
        check(&journal, &[(1, 10), (2, 20), (3, 30), (2000, 8)], Some((1025, 2000)));
        check(&journal, &[(1, 10), (2, 20), (3, 30)], Some((1025, 2000)));
        check(&[], &[(1, 10)], None);
    }

    #[test]
    fn an_entry_that_repeats_a_row_counts_once() {
        check(&[(1, 10), (1, 10)], &[(1, 10)], None);
    }

    #[test]
    fn what_is_sent_again() {
        let entry = |row, id, outcome| Entry { id: Some(id), ..Entry::of_row(row, outcome) };
        let entries = [
            entry(1, 7, Outcome::Failed),
            entry(2, 8, Outcome::Rejected),
            entry(3, 9, Outcome::Failed),
            entry(4, 9, Outcome::Updated),
            entry(5, 9, Outcome::Failed),
            entry(6, 6, Outcome::Invalid),
            entry(7, 7, Outcome::Failed),
            entry(7, 7, Outcome::Updated),
        ];
        let (send, again, leave, supersede) = (Plan::Send, Plan::SendAgain, Plan::Leave, Plan::Supersede);
        for (retry, rejected) in [(Retry::Failed, leave), (Retry::Rejected, again)] {
            let mut checkpoint = Checkpoint::new(retry);
            for (entry, offset) in entries.iter().zip(0..) {
                checkpoint.add(entry, offset);
            }
            checkpoint.seal();
            let rows = [(1, 7), (2, 8), (3, 9), (4, 9), (5, 9), (6, 6), (7, 7), (8, 8)];
            let plans = rows.map(|(row, id)| checkpoint.plan(row, Some(id)));
            assert_eq!(plans, [supersede, rejected, supersede, leave, again, leave, leave, send], "{retry:?}");
            assert_eq!((checkpoint.offset(5), checkpoint.offset(7), checkpoint.offset(8)), (Some(4), None, None));
        }
    }
}
