//! What becomes of rows that stream in when a run is continued: settled ones are left, others are sent, and nothing is sent
//! before the input was found to be the one that the journal is about.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::contract::CustomerId;
use crate::journal::{
    Checkpoint, Difference, EntryReader, InputComparison, LineError, Overtakers, Plan, Remainder,
};
use crate::row::{Position, Row};
use crate::schedule::StopReason;

/// Rows of an input that can be read only once wait in memory until it was compared. More bytes than these are refused.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// An earlier process's work.
#[derive(Debug)]
pub struct Resume {
    checkpoint: Arc<Checkpoint>,
    /// What overtook rows without an outcome: known once the input was compared.
    gaps: Arc<OnceLock<Overtakers>>,
    terms: Terms,
    comparing: Option<Comparing>,
    /// Rows that have waited for the comparison, in order.
    compared: VecDeque<Row>,
}

/// On what terms a run is continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The rows that may be sent. Of others those come, too, that earlier processes have settled.
    pub asked: AskedRows,
    /// What is known of fields that a request leaves out.
    pub left_out: LeftOut,
}

/// The rows that may be sent: all that hold failed rows, and of the others those in a range, in which failed rows do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedRows {
    range: Range<u64>,
    /// The inputs that hold failed rows, from 0.
    of_failed_rows: BTreeSet<usize>,
    /// Failed rows that have come.
    failed_rows: u64,
    /// Failed rows before each input that has come.
    failed_rows_before: BTreeMap<usize, u64>,
}

impl AskedRows {
    /// Of these inputs all rows, of the others those in the range.
    pub fn new(range: Range<u64>, of_failed_rows: BTreeSet<usize>) -> AskedRows {
        AskedRows {
            range,
            of_failed_rows,
            failed_rows: 0,
            failed_rows_before: BTreeMap::new(),
        }
    }

    /// A row came. They have to come in order.
    fn take(&mut self, position: Position) {
        self.failed_rows_before
            .entry(position.input)
            .or_insert(self.failed_rows);
        self.failed_rows += u64::from(self.of_failed_rows.contains(&position.input));
    }

    /// Whether a row that came may be sent.
    fn contain(&self, position: Position) -> bool {
        let before = self
            .failed_rows_before
            .get(&position.input)
            .copied()
            .unwrap_or_default();
        self.of_failed_rows.contains(&position.input)
            || self.range.contains(&(position.row - before))
    }
}

/// What the API does with fields that a request leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// It keeps them: it was found out, or the user says so.
    Kept,
    /// Nobody knows.
    Unknown,
}

/// When the input is compared with the journal.
#[derive(Debug)]
pub enum Compare {
    /// It was, by reading it twice; what overtook rows without an outcome.
    Done(Overtakers),
    /// While it streams past: standard input and pipes can be read only once. The journal is read again for them.
    WhileStreaming(EntryReader),
}

/// An input that has not been compared to its end.
#[derive(Debug)]
struct Comparing {
    comparison: InputComparison,
    entries: EntryReader,
    gaps: Gaps,
    waiting: VecDeque<Row>,
    waiting_bytes: usize,
}

/// The customers of rows that have no outcome though later ones were updated.
#[derive(Debug, Default)]
pub struct Gaps {
    first_row: Option<u64>,
    overtakers: Overtakers,
}

/// Something to do about a row, after what earlier processes did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send it.
    Send,
    /// Send it; until that has an outcome it keeps the one that it has.
    SendAgain,
    /// It is settled, or not asked for.
    Leave,
    /// Later rows of its customer have set all of its fields.
    Supersede,
    /// Send these of its fields alone; where it has an outcome, it keeps that one until then.
    SendFragment(Remainder),
    /// It would have to be sent in part, and the API may not keep what is left out: tell it.
    Tell(Remainder),
}

impl Gaps {
    /// Takes in a row of the input, and the customer that it names. An invalid row is told as overtaken, too.
    pub fn add(&mut self, checkpoint: &Checkpoint, row: u64, customer: Option<CustomerId>) {
        if let Some(customer) = customer
            && checkpoint.is_gap(row)
        {
            self.first_row.get_or_insert(row);
            self.overtakers.watch(customer.get());
        }
    }

    /// What overtook those rows, looked up in the journal.
    pub fn find(
        mut self,
        checkpoint: &Checkpoint,
        entries: &EntryReader,
    ) -> Result<Overtakers, LineError> {
        if let Some(first_row) = self.first_row {
            entries.overtake(checkpoint, first_row, &mut self.overtakers)?;
        }
        Ok(self.overtakers)
    }
}

impl Resume {
    /// Goes on after this checkpoint. What overtook rows without an outcome is set into `gaps` before one of them is planned.
    pub fn new(
        checkpoint: Arc<Checkpoint>,
        gaps: Arc<OnceLock<Overtakers>>,
        compare: Compare,
        terms: Terms,
    ) -> Resume {
        let comparing = match compare {
            Compare::Done(found) => {
                gaps.get_or_init(|| found);
                None
            }
            Compare::WhileStreaming(entries) => Some(Comparing {
                comparison: InputComparison::new(checkpoint.clone()),
                entries,
                gaps: Gaps::default(),
                waiting: VecDeque::new(),
                waiting_bytes: 0,
            }),
        };
        Resume {
            checkpoint,
            gaps,
            terms,
            comparing,
            compared: VecDeque::new(),
        }
    }

    /// The last row that the journal knows.
    pub fn last_row(&self) -> Option<u64> {
        self.checkpoint.last_row()
    }

    /// Whether this row was the last one to be applied.
    pub fn was_applied_last(&self, row: u64) -> bool {
        self.checkpoint.last_applied() == Some(row)
    }

    /// Takes a row in, and gives it back with what is to be done about it, unless it has to wait for the comparison.
    pub fn take(&mut self, row: Row) -> Result<Option<(Row, Step)>, StopReason> {
        self.terms.asked.take(row.position);
        let Some(comparing) = &mut self.comparing else {
            let step = self.step(&row);
            return Ok(Some((row, step)));
        };
        let number = row.position.row;
        comparing.comparison.add(number, row.hash);
        comparing.gaps.add(&self.checkpoint, number, row.id);
        let is_last = self.checkpoint.last_row() <= Some(number);
        let is_asked_for = self.terms.asked.contain(row.position);
        if (self.checkpoint.is_settled(number) || !is_asked_for) && !is_last {
            return Ok(Some((row, Step::Leave)));
        }
        comparing.waiting_bytes += row.bytes();
        comparing.waiting.push_back(row);
        if comparing.waiting_bytes > WAITING_BYTES_MAX {
            return Err(StopReason::CannotCompare);
        }
        if is_last {
            self.end()?;
        }
        Ok(None)
    }

    /// All rows that the journal knows have come, or no more will: the comparison ends, and the rows that waited for it go on.
    pub fn end(&mut self) -> Result<(), StopReason> {
        let Some(comparing) = self.comparing.take() else {
            return Ok(());
        };
        if let Some(Difference {
            first_row,
            last_row,
            ..
        }) = comparing.comparison.difference()
        {
            return Err(StopReason::InputChanged {
                first_row,
                last_row,
            });
        }
        // A journal that cannot be read any more cannot be written for long either.
        let found = comparing
            .gaps
            .find(&self.checkpoint, &comparing.entries)
            .or(Err(StopReason::JournalUnwritable))?;
        self.gaps.get_or_init(|| found);
        self.compared = comparing.waiting;
        Ok(())
    }

    /// Whether rows are left that have waited for the comparison.
    pub fn has_compared(&self) -> bool {
        !self.compared.is_empty()
    }

    /// The next of these rows, which come before all that are taken in later.
    pub fn next_compared(&mut self) -> Option<(Row, Step)> {
        let row = self.compared.pop_front()?;
        let step = self.step(&row);
        Some((row, step))
    }

    fn step(&self, row: &Row) -> Step {
        if !self.terms.asked.contain(row.position) {
            return Step::Leave;
        }
        let update = row
            .update()
            .map(|(customer, fields)| (customer.get(), fields));
        match (
            self.checkpoint
                .plan(row.position.row, update, self.gaps.get()),
            self.terms.left_out,
        ) {
            (Plan::Send, _) => Step::Send,
            (Plan::SendAgain, _) => Step::SendAgain,
            (Plan::Leave, _) => Step::Leave,
            (Plan::Supersede, _) => Step::Supersede,
            (Plan::SendRemainder(remainder), LeftOut::Kept) => Step::SendFragment(remainder),
            (Plan::SendRemainder(remainder), LeftOut::Unknown) => Step::Tell(remainder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_the_rows_that_are_no_failed_ones() {
        let mut asked = AskedRows::new(2..4, BTreeSet::from([0, 2]));
        // Two failed rows, three others, and a failed one.
        let inputs = [0, 0, 1, 1, 1, 2];
        let found: Vec<_> = (1..)
            .zip(inputs)
            .filter(|&(row, input)| {
                let position = Position {
                    row,
                    input,
                    line: row,
                };
                asked.take(position);
                asked.contain(position)
            })
            .map(|(row, _)| row)
            .collect();
        assert_eq!(
            found,
            [1, 2, 4, 5, 6],
            "of the three the second and the third"
        );
    }
}
