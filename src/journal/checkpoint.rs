//! The rows that earlier processes have settled, as ranges.

use std::collections::BTreeMap;

use roaring::RoaringTreemap;

use super::bulk_entry::{BulkEntry, block_of, mixed};
use super::fact::Facts;
use super::header::Header;
use super::overtakers::Overtakers;
use super::processes::Processes;
use super::sent_to::SentTo;
use super::settled::Settled;
use super::{Fact, Outcome};
use crate::contract::FieldSet;

/// Entries further apart than this are read separately: rows end nearly in order, but one may wait
/// for hours.
const STRETCH_GAP_MAX: u64 = 256 << 10;

/// The state of each row by the journal: its last entry counts.
#[derive(Debug)]
pub struct Checkpoint {
    retry: Retry,
    /// The rows by outcome.
    rows: [RoaringTreemap; Outcome::ALL.len()],
    blocks: BTreeMap<u64, RowBlock>,
    overtakers: Overtakers,
    sent_to: SentTo,
    /// Updated rows that the API shows in another way than they were sent.
    echoes: RoaringTreemap,
    last_row: Option<u64>,
    /// The last row that was applied, by its place in the input.
    last_updated: Option<u64>,
    /// The row that was applied last, by time.
    last_applied: Option<u64>,
    answered: u64,
    entries: u64,
    facts: Facts,
    processes: Processes,
}

/// The entries of a block of 1,024 rows.
#[derive(Debug, Default)]
struct RowBlock {
    /// The sum over `(row, hash)` of the rows that have an entry, in any order.
    sum: u64,
    /// The parts of the journal with the entries; none for rows of a bulk entry.
    stretches: Vec<Stretch>,
}

/// A part of the journal, from the offset of one entry to the offset of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    first: u64,
    last: u64,
}

/// The rows of an earlier process that are sent again when a run is continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Rows of which every attempt failed.
    Failed,
    /// Those rows, and rows that the API rejected.
    Rejected,
    /// Those rows, and rows whose customer was changed elsewhere in the meantime.
    Conflict,
}

/// The action for a row, given what earlier processes did with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Send it.
    Send,
    /// Send it again. Its outcome counts until it has another one.
    SendAgain,
    /// Leave it: it is settled.
    Leave,
    /// Do not send it: later rows of its customer have set all of its fields, and it would undo
    /// that.
    Supersede,
    /// Send only the fields that later rows of its customer did not set. The whole row would
    /// overwrite newer values.
    SendRemainder(Remainder),
}

/// The part of an overtaken row that is still to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remainder {
    /// The fields that the row sets and no later row does.
    pub fields: FieldSet,
    /// The fields that later rows of its customer have set.
    pub overtaken: FieldSet,
    /// Whether the row has an outcome, which counts until it has another one.
    pub has_outcome: bool,
}

impl Checkpoint {
    /// Creates a checkpoint in which nothing is settled.
    pub(super) fn new(retry: Retry) -> Checkpoint {
        Checkpoint {
            retry,
            rows: Default::default(),
            blocks: BTreeMap::new(),
            overtakers: Overtakers::default(),
            sent_to: SentTo::default(),
            echoes: RoaringTreemap::new(),
            last_row: None,
            last_updated: None,
            last_applied: None,
            answered: 0,
            entries: 0,
            facts: Facts::default(),
            processes: Processes::default(),
        }
    }

    /// Adds an entry that begins at `offset` in the journal.
    pub(super) fn add(&mut self, entry: &Settled<'_>, offset: u64) -> serde_json::Result<()> {
        self.overtakers.add(entry)?;
        self.sent_to.add(entry);
        self.entries += 1;
        let is_new = self.last_row < Some(entry.row)
            || !self.rows.iter_mut().any(|rows| rows.remove(entry.row));
        let block = self.blocks.entry(block_of(entry.row)).or_default();
        block.add_offset(offset);
        if is_new {
            block.sum = block.sum.wrapping_add(mixed(entry.row, entry.hash));
        }
        match entry.outcome {
            Outcome::Updated => {
                if entry.has_echo() {
                    self.echoes.insert(entry.row);
                    self.sent_to.add_echo(entry.echo()?);
                }
                self.answered += 1;
                self.last_applied = Some(entry.row);
                self.last_updated = self.last_updated.max(Some(entry.row));
            }
            Outcome::Rejected | Outcome::Unchanged => self.answered += 1,
            Outcome::Invalid
            | Outcome::Conflict
            | Outcome::Failed
            | Outcome::Superseded
            | Outcome::Elsewhere
            | Outcome::Other => {}
        }
        self.last_row = self.last_row.max(Some(entry.row));
        self.rows_mut(entry.outcome).insert(entry.row);
        self.facts.until = None;
        self.processes.add_rows(1);
        Ok(())
    }

    /// Adds the rows of a bulk entry.
    pub(super) fn add_bulk(&mut self, bulk: &BulkEntry) {
        for &(first, last) in &bulk.rows {
            for rows in &mut self.rows {
                rows.remove_range(first..=last);
            }
            self.rows_mut(bulk.outcome).insert_range(first..=last);
            self.last_row = self.last_row.max(Some(last));
        }
        let rows = bulk.rows.iter().map(|(first, last)| last - first + 1);
        self.processes.add_rows(rows.sum());
        if let Some((first, _)) = bulk.rows.first() {
            let block = self.blocks.entry(block_of(*first)).or_default();
            block.sum = block.sum.wrapping_add(bulk.sum);
        }
        self.facts.until = None;
    }

    /// Adds the start of the run.
    pub(super) fn add_header(&mut self, header: &Header) {
        self.processes.begin(header);
    }

    /// Adds a fact about the run.
    pub(super) fn add_fact(&mut self, fact: &Fact) {
        self.processes.add_fact(fact);
        match fact {
            Fact::Ended { until, .. } => self.facts.until = *until,
            Fact::LeftOut { kept, .. } => self.facts.left_out_is_kept = Some(*kept),
            Fact::Canary { goes_on, .. } => self.facts.canary_goes_on = Some(*goes_on),
            Fact::Undone { .. } => self.facts.is_undone = true,
            Fact::Continued { .. } | Fact::Synced { .. } | Fact::Unknown => {}
        }
    }

    fn may_be_sent_again(&self, outcome: Outcome) -> bool {
        match outcome {
            Outcome::Failed => true,
            Outcome::Rejected => self.retry == Retry::Rejected,
            Outcome::Conflict => self.retry == Retry::Conflict,
            Outcome::Updated
            | Outcome::Unchanged
            | Outcome::Invalid
            | Outcome::Superseded
            | Outcome::Elsewhere
            | Outcome::Other => false,
        }
    }

    /// Finishes the checkpoint after the last entry.
    pub(super) fn seal(&mut self) {
        self.overtakers.sort();
    }

    /// Returns the action for a row that sets these fields of this customer. `gaps` has the rows
    /// that overtook rows without an outcome.
    pub fn plan(
        &self,
        row: u64,
        update: Option<(u64, FieldSet)>,
        gaps: Option<&Overtakers>,
    ) -> Plan {
        if self.is_settled(row) {
            return Plan::Leave;
        }
        let outcome = self.outcome(row);
        let overtaken = update.map_or(FieldSet::EMPTY, |(customer, _)| {
            self.overtaken(customer, row, gaps)
        });
        let fields = update.map_or(FieldSet::EMPTY, |(_, fields)| fields.without(overtaken));
        match outcome {
            Some(_) if overtaken.is_empty() => Plan::SendAgain,
            None if overtaken.is_empty() => Plan::Send,
            _ if fields.is_empty() => Plan::Supersede,
            outcome => Plan::SendRemainder(Remainder {
                fields,
                overtaken,
                has_outcome: outcome.is_some(),
            }),
        }
    }

    /// Returns the fields that later rows of a customer have set. `gaps` has the rows that overtook
    /// rows without an outcome, where they are known.
    pub fn overtaken(&self, customer: u64, row: u64, gaps: Option<&Overtakers>) -> FieldSet {
        let behind_gaps = gaps.map_or(FieldSet::EMPTY, |gaps| gaps.of(customer, row));
        self.overtakers.of(customer, row).union(behind_gaps)
    }

    /// Whether the row is not sent again.
    pub fn is_settled(&self, row: u64) -> bool {
        self.outcome(row)
            .is_some_and(|outcome| !self.may_be_sent_again(outcome))
    }

    /// Whether the row has no outcome although a later row was updated.
    pub fn is_gap(&self, row: u64) -> bool {
        Some(row) < self.last_updated && self.outcome(row).is_none()
    }

    /// Returns the updated rows of customers with an earlier row that ended badly.
    pub fn overtakers(&self) -> &Overtakers {
        &self.overtakers
    }

    /// Returns the first customers to whom a request was sent, and the echoes of all.
    pub(crate) fn sent_to(&self) -> &SentTo {
        &self.sent_to
    }

    /// Returns the known facts about the run.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// Returns the processes that worked on the run.
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// Returns the row's outcome in the journal.
    pub fn outcome(&self, row: u64) -> Option<Outcome> {
        Outcome::ALL
            .into_iter()
            .find(|outcome| self.rows(*outcome).contains(row))
    }

    /// Returns the number of rows with this outcome.
    pub fn count(&self, outcome: Outcome) -> u64 {
        self.rows(outcome).len()
    }

    /// Returns the number of rows with an outcome.
    pub fn rows_recorded(&self) -> u64 {
        self.rows.iter().map(RoaringTreemap::len).sum()
    }

    /// Returns the number of rows that are not sent again.
    pub fn rows_settled(&self) -> u64 {
        self.count_settled(|_| true)
    }

    /// Returns the number of rows that are not sent again and ended badly.
    pub fn rows_settled_badly(&self) -> u64 {
        self.count_settled(Outcome::needs_attention)
    }

    fn count_settled(&self, counts: impl Fn(Outcome) -> bool) -> u64 {
        let outcomes = Outcome::ALL.into_iter();
        outcomes
            .filter(|outcome| !self.may_be_sent_again(*outcome) && counts(*outcome))
            .map(|outcome| self.count(outcome))
            .sum()
    }

    /// Whether the row was updated, and the API shows it in another way than it was sent.
    pub fn has_echo(&self, row: u64) -> bool {
        self.echoes.contains(row) && self.rows(Outcome::Updated).contains(row)
    }

    /// Returns the number of entries. A row that was sent again has several.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Returns the row that was applied last. No later row of its customer was sent.
    pub fn last_applied(&self) -> Option<u64> {
        self.last_applied
    }

    /// Returns the number of entries that the API's answers decided: rows that it applied or
    /// rejected.
    pub fn answered(&self) -> u64 {
        self.answered
    }

    /// The first row that has an outcome.
    pub fn first_row(&self) -> Option<u64> {
        self.rows.iter().filter_map(RoaringTreemap::min).min()
    }

    /// The last row that has an outcome.
    pub fn last_row(&self) -> Option<u64> {
        self.last_row
    }

    /// Returns the parts of the journal with entries of a block, each as the offsets of its first
    /// and last entry.
    pub(super) fn places(&self, block: u64) -> impl Iterator<Item = (u64, u64)> {
        self.blocks
            .get(&block)
            .into_iter()
            .flat_map(|block| &block.stretches)
            .map(|stretch| (stretch.first, stretch.last))
    }

    /// Returns the offset of the first entry of this row or a later one.
    pub(super) fn first_offset_from(&self, row: u64) -> Option<u64> {
        let blocks = self.blocks.range(block_of(row)..);
        blocks
            .filter_map(|(_, block)| block.stretches.first())
            .map(|stretch| stretch.first)
            .min()
    }

    /// Returns the sum over the rows with an outcome of each block, see [`mixed`].
    pub(super) fn sums(&self) -> impl Iterator<Item = (u64, u64)> {
        self.blocks
            .iter()
            .map(|(block, RowBlock { sum, .. })| (*block, *sum))
    }

    fn rows(&self, outcome: Outcome) -> &RoaringTreemap {
        self.rows
            .get(outcome as usize)
            .expect("there is a set for each outcome")
    }

    fn rows_mut(&mut self, outcome: Outcome) -> &mut RoaringTreemap {
        self.rows
            .get_mut(outcome as usize)
            .expect("there is a set for each outcome")
    }
}

impl RowBlock {
    /// Adds the offset of an entry, which lies behind all earlier ones.
    fn add_offset(&mut self, offset: u64) {
        match self.stretches.last_mut() {
            Some(stretch) if offset - stretch.last <= STRETCH_GAP_MAX => stretch.last = offset,
            Some(_) | None => self.stretches.push(Stretch {
                first: offset,
                last: offset,
            }),
        }
    }
}

#[cfg(test)]
impl Checkpoint {
    /// Adds the line of an entry.
    pub(super) fn add_entry(&mut self, entry: &crate::journal::Entry<'_>, offset: u64) {
        let line = entry.line();
        let settled = Settled::read(&line).expect("an entry's line");
        self.add(&settled, offset).expect("an entry's field sets");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;
    use crate::journal::Entry;

    fn fields(of: &[Field]) -> FieldSet {
        of.iter().copied().collect()
    }

    fn plans(entries: &[Entry<'_>], retry: Retry, rows: &[(u64, u64, FieldSet)]) -> Vec<Plan> {
        let mut checkpoint = Checkpoint::new(retry);
        for (entry, offset) in entries.iter().zip(0..) {
            checkpoint.add_entry(entry, offset);
        }
        checkpoint.seal();
        rows.iter()
            .map(|(row, id, fields)| checkpoint.plan(*row, Some((*id, *fields)), None))
            .collect()
    }

    #[test]
    fn what_is_sent_again() {
        let entry = |row, id, outcome| Entry {
            id: Some(id),
            fields: FieldSet::ALL,
            ..Entry::of_row(row, outcome)
        };
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
        let (send, again, leave, supersede) =
            (Plan::Send, Plan::SendAgain, Plan::Leave, Plan::Supersede);
        let rows = [
            (1, 7),
            (2, 8),
            (3, 9),
            (4, 9),
            (5, 9),
            (6, 6),
            (7, 7),
            (8, 8),
        ];
        let rows = rows.map(|(row, id)| (row, id, fields(&[Field::Email])));
        for (retry, rejected) in [(Retry::Failed, leave), (Retry::Rejected, again)] {
            let want = [
                supersede, rejected, supersede, leave, again, leave, leave, send,
            ];
            assert_eq!(plans(&entries, retry, &rows), want, "{retry:?}");
        }
    }

    #[test]
    fn a_row_owes_what_no_later_row_has_set() {
        let (email, job, address) = (
            fields(&[Field::Email]),
            fields(&[Field::Job]),
            fields(&[Field::Address]),
        );
        let entry = |row, outcome, fields| Entry {
            id: Some(7),
            fields,
            ..Entry::of_row(row, outcome)
        };
        let remains = |fields, overtaken| {
            Plan::SendRemainder(Remainder {
                fields,
                overtaken,
                has_outcome: true,
            })
        };
        let entries = [
            entry(1, Outcome::Failed, email.union(job)),
            entry(3, Outcome::Updated, email),
            entry(4, Outcome::Failed, email),
            entry(5, Outcome::Updated, address),
        ];
        let rows = [
            (1, 7, email.union(job)),
            (1, 7, email),
            (1, 7, job),
            (4, 7, email),
            (1, 8, email),
        ];
        let later = email.union(address);
        let want = [
            remains(job, later),
            Plan::Supersede,
            remains(job, later),
            remains(email, address),
            Plan::SendAgain,
        ];
        assert_eq!(plans(&entries, Retry::Failed, &rows), want);
        // The overtaken fields that an entry itself lists count as well.
        let told = Entry {
            overtaken: email,
            ..entry(1, Outcome::Failed, email.union(job))
        };
        assert_eq!(
            plans(&[told], Retry::Failed, &[(1, 7, email.union(job))]),
            [remains(job, email)]
        );
    }
}
