//! Continues a run: decides for each row that is read whether to send it, in full or in part, or to
//! leave it settled. Nothing is sent before the input is known to be the one in the journal.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::contract::CustomerId;
use crate::journal::{
    Checkpoint, Difference, EntryReader, InputComparison, LineError, Overtakers, Plan, Remainder,
};
use crate::row::{Position, Row};
use crate::schedule::StopReason;

/// The most bytes of rows that wait in memory until an input that can be read only once is
/// compared. Beyond it the run is refused.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// The results of earlier processes, and what to do with each row.
#[derive(Debug)]
pub(crate) struct Resume {
    checkpoint: Arc<Checkpoint>,
    /// The later rows that overtook rows without an outcome; known once the input is compared.
    gaps: Arc<OnceLock<Overtakers>>,
    terms: Terms,
    comparing: Option<Comparing>,
    /// Rows that waited for the comparison, in order.
    compared: VecDeque<Row>,
}

/// The terms on which a run is continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The rows that may be sent. Other rows also come, if earlier processes settled them.
    pub asked: AskedRows,
    /// The API's treatment of fields that a request leaves out.
    pub left_out: LeftOut,
}

/// The rows that may be sent: all rows of inputs of failed rows, and a range of the other rows, in
/// which failed rows do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskedRows {
    range: Range<u64>,
    /// The inputs of failed rows, counted from 0.
    of_failed_rows: BTreeSet<usize>,
    /// The failed rows that have come.
    failed_rows: u64,
    /// The failed rows before each input that has come.
    failed_rows_before: BTreeMap<usize, u64>,
}

impl AskedRows {
    /// All rows of these inputs, and the range of the others.
    pub(crate) fn new(range: Range<u64>, of_failed_rows: BTreeSet<usize>) -> AskedRows {
        AskedRows {
            range,
            of_failed_rows,
            failed_rows: 0,
            failed_rows_before: BTreeMap::new(),
        }
    }

    /// Takes in a row. Rows have to come in order.
    fn take(&mut self, position: Position) {
        self.failed_rows_before
            .entry(position.input)
            .or_insert(self.failed_rows);
        self.failed_rows += u64::from(self.of_failed_rows.contains(&position.input));
    }

    /// Whether a row that has come may be sent.
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

/// The API's treatment of fields that a request leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// The fields keep their values: a test showed it, or the user says so.
    Kept,
    /// It is unknown.
    Unknown,
}

/// The time at which the input is compared with the journal.
#[derive(Debug)]
pub(crate) enum Compare {
    /// Already compared, by reading it twice; with the rows that overtook rows without an outcome.
    Done(Overtakers),
    /// While it is read: standard input and pipes can be read only once. The journal is read again
    /// for the overtaking rows.
    WhileStreaming(EntryReader),
}

/// An input that is not yet compared to its end.
#[derive(Debug)]
struct Comparing {
    comparison: InputComparison,
    entries: EntryReader,
    gaps: Gaps,
    waiting: VecDeque<Row>,
    waiting_bytes: usize,
}

/// The customers with rows that have no outcome though later rows were updated.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    first_row: Option<u64>,
    overtakers: Overtakers,
}

/// The step to take for a row, after the steps of earlier processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send it.
    Send,
    /// Send it. Until it has a new outcome, it keeps its old one.
    SendAgain,
    /// It is settled, or not asked for.
    Leave,
    /// Later rows of its customer have set all of its fields.
    Supersede,
    /// Send only these fields. If it has an outcome, it keeps that until it has a new one.
    SendPart(Remainder),
    /// Report it: it could only be sent in part, and the API may reset fields that are left out.
    Report(Remainder),
}

impl Gaps {
    /// Takes in a row of the input and its customer. An invalid row is reported as overtaken, too.
    pub(crate) fn add(&mut self, checkpoint: &Checkpoint, row: u64, customer: Option<CustomerId>) {
        if let Some(customer) = customer
            && checkpoint.is_gap(row)
        {
            self.first_row.get_or_insert(row);
            self.overtakers.watch(customer.get());
        }
    }

    /// The rows that overtook rows without an outcome, from the journal.
    pub(crate) fn find(
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
    /// Continues after this checkpoint. The rows that overtook rows without an outcome are set into
    /// `gaps` before one of those rows is planned.
    pub(crate) fn new(
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

    /// The last row in the journal.
    pub(crate) fn last_row(&self) -> Option<u64> {
        self.checkpoint.last_row()
    }

    /// Whether this row was the last one that was applied.
    pub(crate) fn was_applied_last(&self, row: u64) -> bool {
        self.checkpoint.last_applied() == Some(row)
    }

    /// Takes in a row and returns it with its step, unless it has to wait for the comparison.
    pub(crate) fn take(&mut self, row: Row) -> Result<Option<(Row, Step)>, StopReason> {
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

    /// Ends the comparison, after the last row in the journal or of the input. The rows that waited
    /// for it go on.
    pub(crate) fn end(&mut self) -> Result<(), StopReason> {
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
        // A journal that cannot be read will soon not be writable either.
        let found = comparing
            .gaps
            .find(&self.checkpoint, &comparing.entries)
            .or(Err(StopReason::JournalUnwritable))?;
        self.gaps.get_or_init(|| found);
        self.compared = comparing.waiting;
        Ok(())
    }

    /// Whether rows are left that waited for the comparison.
    pub(crate) fn has_compared(&self) -> bool {
        !self.compared.is_empty()
    }

    /// The next of these rows. They precede all rows that are taken in later.
    pub(crate) fn next_compared(&mut self) -> Option<(Row, Step)> {
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
            (Plan::SendRemainder(remainder), LeftOut::Kept) => Step::SendPart(remainder),
            (Plan::SendRemainder(remainder), LeftOut::Unknown) => Step::Report(remainder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_of_the_rows_that_are_no_failed_ones() {
        let mut asked = AskedRows::new(2..4, BTreeSet::from([0, 2]));
        // Two failed rows, three others, and one failed row.
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
