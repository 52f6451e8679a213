//! Puts failed rows into the order of the input, in whatever order rows end.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

/// The most bytes of rows that wait for earlier rows. Beyond it, rows are written in the order in
/// which they end.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// Rows that wait for those before them.
#[derive(Debug)]
pub(super) struct RowOrder {
    ended: EndedRows,
    rows: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

/// The rows that have ended: all before the first open one, and a set of those behind it.
#[derive(Debug)]
struct EndedRows {
    first_open: u64,
    beyond: RoaringTreemap,
}

impl EndedRows {
    fn add(&mut self, row: u64) {
        // Skipped rows never end; the first row that does shows where counting starts.
        if row != self.first_open {
            self.beyond.insert(row);
            return;
        }
        self.first_open += 1;
        while !self.beyond.is_empty() && self.beyond.remove(self.first_open) {
            self.first_open += 1;
        }
    }
}

impl RowOrder {
    /// Creates the order for rows from `first_row` on.
    pub(super) fn new(first_row: u64) -> RowOrder {
        let ended = EndedRows {
            first_open: first_row,
            beyond: RoaringTreemap::new(),
        };
        RowOrder {
            ended,
            rows: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Records a row that ended well.
    pub(super) fn record_success(&mut self, row: u64) {
        self.ended.add(row);
    }

    /// Records a row that ended badly, with the bytes to write.
    pub(super) fn record_failure(&mut self, row: u64, content: Vec<u8>) {
        self.ended.add(row);
        self.bytes += content.len();
        self.rows.insert(row, content);
    }

    /// Returns the next bytes to write, if it is their turn or too many bytes wait.
    pub(super) fn next_due(&mut self) -> Option<Vec<u8>> {
        let (first, _) = self.rows.first_key_value()?;
        let is_due = *first < self.ended.first_open || self.bytes > WAITING_BYTES_MAX;
        if is_due { self.next_at_the_end() } else { None }
    }

    /// Returns the next bytes to write, when no more rows end.
    pub(super) fn next_at_the_end(&mut self) -> Option<Vec<u8>> {
        let (_, content) = self.rows.pop_first()?;
        self.bytes -= content.len();
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_the_order_of_the_input_however_they_end() {
        let mut order = RowOrder::new(1);
        let mut written = Vec::new();
        for row in [5, 2, 4, 1, 3] {
            order.record_failure(row, vec![u8::try_from(row).expect("small")]);
            written.extend(std::iter::from_fn(|| order.next_due()).flatten());
            let want: &[u8] = match row {
                1 => &[1, 2],
                3 => &[1, 2, 3, 4, 5],
                _ => &[],
            };
            assert_eq!(written, want, "rows behind one that is open wait");
        }
    }

    #[test]
    fn rows_do_not_wait_without_end() {
        let mut order = RowOrder::new(1);
        let half = WAITING_BYTES_MAX / 2;
        for (row, due) in [(3, 0), (2, 0), (4, 1)] {
            order.record_failure(row, vec![0; half]);
            assert_eq!(
                std::iter::from_fn(|| order.next_due()).count(),
                due,
                "row {row}"
            );
        }
        assert_eq!(std::iter::from_fn(|| order.next_at_the_end()).count(), 2);
    }
}
