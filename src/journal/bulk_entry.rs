//! One journal line for many rows with the same outcome. Rows that need no request are too many for
//! an entry each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{Outcome, hex, milliseconds};
use super::line;

/// The number of rows whose hashes are added up together.
pub(super) const ROWS_PER_SUM: u64 = 1024;

/// Rows of one block of 1,024 with the same outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkEntry {
    /// Ranges of rows, each as its first and last row, in ascending order. All lie in one block of
    /// 1,024; rows 1 to 1,024 are the first block.
    pub rows: Vec<(u64, u64)>,
    /// The outcome of all of them.
    pub outcome: Outcome,
    /// The time when the last of them ended.
    #[serde(with = "milliseconds")]
    pub at: Timestamp,
    /// The sum of a number that mixes row and hash, over all rows.
    #[serde(with = "hex")]
    pub sum: u64,
}

impl BulkEntry {
    /// Creates a line without rows.
    pub fn new(outcome: Outcome, at: Timestamp) -> BulkEntry {
        BulkEntry {
            rows: Vec::new(),
            outcome,
            at,
            sum: 0,
        }
    }

    /// Adds a row behind the others. Returns whether it belongs there; a row of another block or
    /// before the last one is not added.
    pub fn add(&mut self, row: u64, hash: u64) -> bool {
        match self.rows.last_mut() {
            Some((first, last)) if block_of(*first) != block_of(row) || row <= *last => {
                return false;
            }
            Some((_, last)) if *last + 1 == row => *last = row,
            Some(_) | None => self.rows.push((row, row)),
        }
        self.sum = self.sum.wrapping_add(mixed(row, hash));
        true
    }

    /// Whether a row is among them.
    pub fn contains(&self, row: u64) -> bool {
        let behind = self.rows.partition_point(|(first, _)| *first <= row);
        let before = behind.checked_sub(1).and_then(|last| self.rows.get(last));
        before.is_some_and(|(_, last)| row <= *last)
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> u64 {
        self.rows.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether the rows are in order and in one block.
    pub(super) fn is_valid(&self) -> bool {
        let Some(block) = self.rows.first().map(|(first, _)| block_of(*first)) else {
            return false;
        };
        let in_order = self
            .rows
            .windows(2)
            .all(|pair| matches!(pair, [(_, last), (first, _)] if last < first));
        in_order
            && self
                .rows
                .iter()
                .all(|(first, last)| 0 < *first && first <= last && block_of(*last) == block)
            && self.rows.iter().all(|(first, _)| block_of(*first) == block)
    }

    /// Appends the line, with its checksum.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        serde_json::to_writer(&mut *buffer, self).expect("rows, written to memory, cannot fail");
        line::seal(buffer, start);
    }
}

/// Returns the block of [`ROWS_PER_SUM`] rows that a row belongs to, from 0.
pub(super) fn block_of(row: u64) -> u64 {
    row.saturating_sub(1) / ROWS_PER_SUM
}

/// Mixes a row and its hash into one number, so that swapped rows do not cancel out in a sum.
pub(super) fn mixed(row: u64, hash: u64) -> u64 {
    let mut mixed =
        (hash ^ row.wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^= mixed >> 31;
    mixed.wrapping_mul(0x94d0_49bb_1331_11eb)
}
