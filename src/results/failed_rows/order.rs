//! Failed rows in the order of the input, however rows end.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

/// Rows that wait to be written in the order of the file may take this many bytes; beyond it they are written as they come.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// The order in which rows end.
#[derive(Debug)]
pub(super) enum RowOrder {
    /// That of the input: nothing has to wait.
    OfTheInput,
    /// Any.
    Any(Waiting),
}

/// Rows that wait for those before them.
#[derive(Debug)]
pub(super) struct Waiting {
    ended: EndedRows,
    rows: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

/// Which rows have ended, as the first one that has not and those behind it that have.
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
    /// Rows end in any order; the first one to come is `first_row`.
    pub(super) fn any(first_row: u64) -> RowOrder {
        let ended = EndedRows {
            first_open: first_row,
            beyond: RoaringTreemap::new(),
        };
        RowOrder::Any(Waiting {
            ended,
            rows: BTreeMap::new(),
            bytes: 0,
        })
    }

    /// A row ended.
    pub(super) fn record_success(&mut self, row: u64) {
        match self {
            RowOrder::OfTheInput => {}
            RowOrder::Any(waiting) => waiting.ended.add(row),
        }
    }

    /// A row ended badly, and this is to be written of it; returned where its turn is now.
    pub(super) fn record_failure(&mut self, row: u64, content: Vec<u8>) -> Option<Vec<u8>> {
        let RowOrder::Any(waiting) = self else {
            return Some(content);
        };
        waiting.ended.add(row);
        waiting.bytes += content.len();
        waiting.rows.insert(row, content);
        None
    }

    /// What is to be written next, where its turn has come or too much waits.
    pub(super) fn next_due(&mut self) -> Option<Vec<u8>> {
        match self {
            RowOrder::OfTheInput => None,
            RowOrder::Any(waiting) => {
                let (first, _) = waiting.rows.first_key_value()?;
                let is_due = *first < waiting.ended.first_open || waiting.bytes > WAITING_BYTES_MAX;
                if is_due { waiting.next() } else { None }
            }
        }
    }

    /// What is to be written next, where no more rows end.
    pub(super) fn next_at_the_end(&mut self) -> Option<Vec<u8>> {
        match self {
            RowOrder::OfTheInput => None,
            RowOrder::Any(waiting) => waiting.next(),
        }
    }
}

impl Waiting {
    fn next(&mut self) -> Option<Vec<u8>> {
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
        let mut order = RowOrder::any(1);
        let mut written = Vec::new();
        for row in [5, 2, 4, 1, 3] {
            assert_eq!(
                order.record_failure(row, vec![u8::try_from(row).expect("small")]),
                None
            );
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
        let mut order = RowOrder::any(1);
        let half = WAITING_BYTES_MAX / 2;
        for (row, due) in [(3, 0), (2, 0), (4, 1)] {
            assert_eq!(order.record_failure(row, vec![0; half]), None);
            assert_eq!(
                std::iter::from_fn(|| order.next_due()).count(),
                due,
                "row {row}"
            );
        }
        assert_eq!(std::iter::from_fn(|| order.next_at_the_end()).count(), 2);
    }
}
