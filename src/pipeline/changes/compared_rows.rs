//! The second reading of an input that was compared with the state.

use std::collections::VecDeque;

use roaring::RoaringTreemap;

use super::comparison::Compared;
use crate::pipeline::input_stop::ReadStop;
use crate::pipeline::reading::{Batch, RowFilter, RowsSum};
use crate::row::RowContent;
use crate::schedule::StopReason;

/// Leaves out unchanged rows. Each row has to be the one that was compared.
#[derive(Debug)]
pub(crate) struct ComparedRows {
    unchanged: RoaringTreemap,
    /// The parts of the input that were not read again yet.
    parts: VecDeque<RowsSum>,
}

impl ComparedRows {
    pub(crate) fn of(compared: Compared) -> ComparedRows {
        let parts = compared.parts.into_iter().filter(|part| part.rows > 0);
        ComparedRows {
            unchanged: compared.unchanged,
            parts: parts.collect(),
        }
    }

    /// Whether these rows are the next parts of the input.
    fn are_next(&mut self, batches: &[Batch]) -> bool {
        let mut sum = RowsSum::default();
        for row in batches.iter().flat_map(|batch| &batch.rows) {
            sum.add(row.hash);
            let Some(part) = self.parts.front() else {
                return false;
            };
            if sum.rows == part.rows {
                if sum != *part {
                    return false;
                }
                self.parts.pop_front();
                sum = RowsSum::default();
            }
        }
        sum.rows == 0
    }
}

impl RowFilter for ComparedRows {
    fn take_block(&mut self, batches: &mut [Batch]) -> Result<(), ReadStop> {
        if !self.are_next(batches) {
            return Err(StopReason::InputReplaced.into());
        }
        for row in batches.iter_mut().flat_map(|batch| &mut batch.rows) {
            if self.unchanged.contains(row.position.row) {
                row.content = RowContent::Unchanged;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadStop> {
        if self.parts.is_empty() {
            Ok(())
        } else {
            Err(StopReason::InputReplaced.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::row::{Position, Row};

    fn rows(hashes: &[u64]) -> Batch {
        let rows = (1..).zip(hashes).map(|(row, hash)| Row {
            position: Position {
                row,
                input: 0,
                line: row + 1,
            },
            id: None,
            hash: *hash,
            raw: Bytes::new(),
            content: RowContent::Superseded,
        });
        Batch {
            rows: rows.collect(),
            ..Batch::default()
        }
    }

    /// The filter of an input that was compared in parts of these rows.
    fn compared(parts: &[&[u64]], unchanged: &[u64]) -> ComparedRows {
        let parts = parts.iter().map(|hashes| {
            let mut sum = RowsSum::default();
            hashes.iter().for_each(|hash| sum.add(*hash));
            sum
        });
        ComparedRows::of(Compared {
            unchanged: unchanged.iter().collect(),
            parts: parts.collect(),
            ..Compared::default()
        })
    }

    fn is_replaced(result: Result<(), ReadStop>) -> bool {
        matches!(result, Err(stop) if stop.reason == StopReason::InputReplaced)
    }

    #[test]
    fn rows_are_the_ones_that_were_compared() {
        // A block may have been compared in parts, and be read in several batches.
        let mut filter = compared(&[&[11, 12], &[], &[13], &[14]], &[2]);
        let mut block = [rows(&[11, 12]), rows(&[13])];
        filter.take_block(&mut block).expect("the same rows");
        let is_unchanged = |row: &Row| matches!(row.content, RowContent::Unchanged);
        let of_first: Vec<_> = block[0].rows.iter().map(is_unchanged).collect();
        assert_eq!(of_first, [false, true]);
        assert!(is_replaced(filter.end()), "rows are missing");
        filter.take_block(&mut [rows(&[14])]).expect("the same row");
        filter.end().expect("the same end");
        assert!(
            is_replaced(filter.take_block(&mut [rows(&[15])])),
            "one more"
        );
    }

    #[test]
    fn other_rows_are_refused_before_one_of_them_is_sent() {
        let check = |hashes: &[u64]| {
            let mut filter = compared(&[&[11, 12, 13]], &[1, 2, 3]);
            let mut block = [rows(hashes)];
            assert!(is_replaced(filter.take_block(&mut block)), "{hashes:?}");
            let is_left = |row: &Row| matches!(row.content, RowContent::Superseded);
            assert!(block[0].rows.iter().all(is_left), "{hashes:?}");
        };
        check(&[11, 12, 14]);
        check(&[12, 11, 13]);
        check(&[11, 12]);
        check(&[11, 12, 13, 13]);
    }
}
