//! What becomes of rows that stream in when a run is continued: settled ones are left, others are sent, and nothing is sent
//! before the input was found to be the one that the journal is about.

use std::sync::Arc;

use crate::contract::CustomerId;
use crate::journal::{Checkpoint, Comparison, Plan};
use crate::row::Row;
use crate::schedule::StopReason;

/// Rows of an input that can be read only once wait in memory until it was compared. More bytes than these are refused.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// An earlier process's work.
#[derive(Debug)]
pub struct Resume {
    checkpoint: Arc<Checkpoint>,
    comparing: Option<Comparing>,
}

/// When the input is compared with the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// It was, by reading it twice.
    Done,
    /// While it streams past: standard input and pipes can be read only once.
    WhileStreaming,
}

/// An input that has not been compared to its end.
#[derive(Debug)]
struct Comparing {
    comparison: Comparison,
    waiting: Vec<(Row, Plan)>,
    waiting_bytes: usize,
}

impl Resume {
    /// Goes on after this checkpoint.
    pub fn new(checkpoint: Arc<Checkpoint>, compare: Compare) -> Resume {
        let comparing = match compare {
            Compare::Done => None,
            Compare::WhileStreaming => Some(Comparing {
                comparison: Comparison::new(checkpoint.clone()),
                waiting: Vec::new(),
                waiting_bytes: 0,
            }),
        };
        Resume { checkpoint, comparing }
    }

    /// The last row that the journal knows.
    pub fn last_row(&self) -> Option<u64> {
        self.checkpoint.last_row()
    }

    /// Whether this row was the last one to be applied.
    pub fn was_applied_last(&self, row: u64) -> bool {
        self.checkpoint.last_applied() == Some(row)
    }

    /// Takes a row in; the rows that something can be done about now, and what.
    pub fn take(&mut self, row: Row) -> Result<Vec<(Row, Plan)>, StopReason> {
        let plan = self.checkpoint.plan(row.position.row, row.id.map(CustomerId::get));
        let Some(comparing) = &mut self.comparing else { return Ok(vec![(row, plan)]) };
        comparing.comparison.add(row.position.row, row.hash);
        let is_last = self.checkpoint.last_row() <= Some(row.position.row);
        if plan == Plan::Leave && !is_last {
            return Ok(vec![(row, plan)]);
        }
        comparing.waiting_bytes += row.bytes();
        comparing.waiting.push((row, plan));
        if comparing.waiting_bytes > WAITING_BYTES_MAX {
            return Err(StopReason::CannotCompare);
        }
        if is_last { self.end_comparison() } else { Ok(Vec::new()) }
    }

    /// The input has ended; the rows that waited.
    pub fn end(&mut self) -> Result<Vec<(Row, Plan)>, StopReason> {
        self.end_comparison()
    }

    fn end_comparison(&mut self) -> Result<Vec<(Row, Plan)>, StopReason> {
        let Some(comparing) = self.comparing.take() else { return Ok(Vec::new()) };
        match comparing.comparison.difference() {
            None => Ok(comparing.waiting),
            Some(difference) => {
                Err(StopReason::InputChanged { first_row: difference.first_row, last_row: difference.last_row })
            }
        }
    }
}
