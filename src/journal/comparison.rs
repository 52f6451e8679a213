//! Compares the input with the journal, so that a run is only continued with the same rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bulk_entry::{ROWS_PER_SUM, block_of, mixed};
use super::checkpoint::Checkpoint;

/// Compares the input with the journal record by record, as the input streams past.
#[derive(Debug)]
pub(crate) struct InputComparison {
    checkpoint: Arc<Checkpoint>,
    sums: BTreeMap<u64, u64>,
}

/// The first block of rows in which input and journal differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The first row of the block.
    pub first_row: u64,
    /// The last row of the block.
    pub last_row: u64,
    /// The number of blocks that differ.
    pub blocks: usize,
}

impl InputComparison {
    /// Creates a comparison with this checkpoint.
    pub(crate) fn new(checkpoint: Arc<Checkpoint>) -> InputComparison {
        InputComparison {
            checkpoint,
            sums: BTreeMap::new(),
        }
    }

    /// Adds a record of the input.
    pub(crate) fn add(&mut self, row: u64, hash: u64) {
        if self.checkpoint.outcome(row).is_some() {
            let sum = self.sums.entry(block_of(row)).or_default();
            *sum = sum.wrapping_add(mixed(row, hash));
        }
    }

    /// Returns the first difference. All rows up to the last recorded one must have been added.
    pub(crate) fn difference(&self) -> Option<Difference> {
        let mut differing = self
            .checkpoint
            .sums()
            .filter(|(block, sum)| self.sums.get(block) != Some(sum));
        let first_row = differing.next().map(|(block, _)| block)? * ROWS_PER_SUM + 1;
        let last_row = self
            .checkpoint
            .last_row()
            .unwrap_or(first_row)
            .min(first_row + ROWS_PER_SUM - 1);
        Some(Difference {
            first_row,
            last_row,
            blocks: 1 + differing.count(),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::journal::{BulkEntry, Entry, Outcome, Retry};

    fn checkpoint(rows: &[(u64, u64)]) -> Checkpoint {
        let mut checkpoint = Checkpoint::new(Retry::Failed);
        for (row, hash) in rows {
            let entry = Entry {
                hash: *hash,
                ..Entry::of_row(*row, Outcome::Updated)
            };
            checkpoint.add_entry(&entry, 0);
        }
        checkpoint
    }

    fn check(journal: &[(u64, u64)], input: &[(u64, u64)], want: Option<(u64, u64)>) {
        let mut comparison = InputComparison::new(Arc::new(checkpoint(journal)));
        for (row, hash) in input {
            comparison.add(*row, *hash);
        }
        let found = comparison
            .difference()
            .map(|difference| (difference.first_row, difference.last_row));
        assert_eq!(found, want, "{journal:?} {input:?}");
    }

    #[test]
    fn a_changed_input_is_noticed() {
        let journal = [(3, 30), (1, 10), (2, 20), (2000, 7)];
        check(
            &journal,
            &[(1, 10), (2, 20), (3, 30), (4, 40), (2000, 7), (2001, 8)],
            None,
        );
        check(
            &journal,
            &[(1, 10), (2, 21), (3, 30), (2000, 7)],
            Some((1, 1024)),
        );
        check(
            &journal,
            &[(1, 20), (2, 10), (3, 30), (2000, 7)],
            Some((1, 1024)),
        );
        check(
            &journal,
            &[(1, 10), (2, 20), (3, 30), (2000, 8)],
            Some((1025, 2000)),
        );
        check(&journal, &[(1, 10), (2, 20), (3, 30)], Some((1025, 2000)));
        check(&[], &[(1, 10)], None);
    }

    #[test]
    fn all_blocks_that_differ_are_counted() {
        let journal = [(1, 10), (1025, 20), (2049, 30)];
        for (input, want) in [
            (vec![(1, 10), (1025, 20)], 1),
            (vec![(1, 10)], 2),
            (vec![], 3),
        ] {
            let mut comparison = InputComparison::new(Arc::new(checkpoint(&journal)));
            for (row, hash) in &input {
                comparison.add(*row, *hash);
            }
            let blocks = comparison.difference().map(|difference| difference.blocks);
            assert_eq!(blocks, Some(want), "{input:?}");
        }
    }

    #[test]
    fn an_entry_that_repeats_a_row_counts_once() {
        check(&[(1, 10), (1, 10)], &[(1, 10)], None);
    }

    #[test]
    fn rows_that_ended_alike_are_settled_and_compared() {
        let mut checkpoint = checkpoint(&[(1, 10), (2, 20), (6, 60)]);
        let mut bulk = BulkEntry::new(Outcome::Unchanged, Timestamp::UNIX_EPOCH);
        assert!(
            [(3, 30), (4, 40), (7, 70)]
                .iter()
                .all(|(row, hash)| bulk.add(*row, *hash))
        );
        assert!(!bulk.add(1025, 1), "of another block");
        assert_eq!(
            (&*bulk.rows, bulk.is_valid()),
            (&[(3, 4), (7, 7)][..], true)
        );
        checkpoint.add_bulk(&bulk);
        assert_eq!(
            (
                checkpoint.rows_recorded(),
                checkpoint.count(Outcome::Unchanged)
            ),
            (6, 3)
        );
        assert_eq!(checkpoint.outcome(5), None);
        let mut comparison = InputComparison::new(Arc::new(checkpoint));
        for (row, hash) in [(1, 10), (2, 20), (3, 30), (4, 40), (5, 5), (6, 60)] {
            comparison.add(row, hash);
        }
        assert!(comparison.difference().is_some(), "row 7 is missing");
        comparison.add(7, 70);
        assert_eq!(comparison.difference(), None);
        for rows in [
            vec![],
            vec![(0, 1)],
            vec![(2, 1)],
            vec![(1, 3), (3, 4)],
            vec![(1000, 1025)],
            vec![(1, 2), (1025, 1026)],
        ] {
            assert!(
                !BulkEntry {
                    rows,
                    ..bulk.clone()
                }
                .is_valid()
            );
        }
    }
}
