//! Outcomes to the journal, the failed rows and the tally. One recorder, one thread, no decisions.

mod ended_row;
mod entries;

use std::io;
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, watch};

pub use self::ended_row::{EndedRow, Fate, Inputs};
use crate::contract::FieldSet;
use crate::journal::{
    Checkpoint, Entry, EntryReader, JournalWriter, LineError, Outcome, Overtakers, WriteError,
};
use crate::process::crash;
use crate::results::failed_rows::FailedRows;
use crate::results::tally::Tally;
use crate::row::Row;

/// Messages that wait for the recorder.
pub const MESSAGES_QUEUED_MAX: usize = 64;

/// What the recorder is asked to do.
#[derive(Debug)]
pub enum Message {
    /// These rows have ended, in this order.
    Ended(Vec<EndedRow>),
    /// Make what was written durable.
    Sync,
    /// The run directory is about another input: leave its files of failed rows as they were.
    LeaveFailedRows,
}

/// How far the recorder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// This many rows are written down.
    Rows(u64),
    /// Nothing can be written any more.
    Failed,
}

/// Why outcomes could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] WriteError),
    /// The file of failed rows.
    #[error("the failed rows cannot be written")]
    FailedRows(#[source] io::Error),
    /// The journal, read back for rows that an earlier process settled.
    #[error("the journal cannot be read back")]
    ReadBack(#[source] LineError),
}

/// What an earlier process has settled.
#[derive(Debug)]
pub struct Earlier {
    /// Which rows.
    pub checkpoint: Arc<Checkpoint>,
    /// What was said of them.
    pub entries: EntryReader,
    /// What overtook rows without an outcome. To be known before one of those ends.
    pub gaps: Arc<OnceLock<Overtakers>>,
}

/// Records outcomes.
#[derive(Debug)]
pub struct Recorder {
    journal: JournalWriter,
    failed: FailedRows,
    tally: Tally,
    earlier: Option<Earlier>,
    /// Updated rows of this process's, of customers of whom an earlier row ended badly.
    overtakers: Overtakers,
    /// Whether results name the input of a row.
    inputs: Inputs,
    /// Outcomes that could not be recorded.
    unrecorded: u64,
}

/// What the recorder leaves behind.
#[derive(Debug)]
pub struct Recorded {
    /// Counts.
    pub tally: Tally,
    /// Files of failed rows, where they could be finished.
    pub failed_files: Vec<String>,
    /// Why it could not record everything.
    pub fault: Option<RecordError>,
    /// Outcomes that could not be recorded.
    pub unrecorded: u64,
    /// The journal, to be written on.
    pub journal: JournalWriter,
}

impl Recorder {
    /// Records into these files, after what an earlier process has.
    pub fn new(
        journal: JournalWriter,
        failed: FailedRows,
        earlier: Option<Earlier>,
        inputs: Inputs,
    ) -> Recorder {
        let (tally, overtakers) = (Tally::default(), Overtakers::default());
        Recorder {
            journal,
            failed,
            tally,
            earlier,
            overtakers,
            inputs,
            unrecorded: 0,
        }
    }

    /// Records what comes until the queue's other end is dropped. After a failure it only counts what it could not record.
    pub fn run(
        mut self,
        mut messages: mpsc::Receiver<Message>,
        written: &watch::Sender<Written>,
    ) -> Recorded {
        let mut rows = 0;
        let mut fault = None;
        while let Some(message) = messages.blocking_recv() {
            if fault.is_some() {
                self.leave_unrecorded(&message);
                continue;
            }
            match self.take(&message) {
                Ok(()) => {
                    rows += message.rows();
                    written.send_replace(Written::Rows(rows));
                }
                Err(error) => {
                    fault = Some(error);
                    written.send_replace(Written::Failed);
                }
            }
        }
        self.finish(fault)
    }

    /// Does what one message asks for.
    pub fn take(&mut self, message: &Message) -> Result<(), RecordError> {
        crash::provoke("recorder");
        match message {
            Message::Sync => Ok(self.journal.sync()?),
            Message::LeaveFailedRows => {
                self.failed.abandon();
                Ok(())
            }
            Message::Ended(ended) => {
                let entries = match ended
                    .iter()
                    .map(|row| self.entry_of(row))
                    .collect::<Result<Vec<_>, _>>()
                {
                    Ok(entries) => entries,
                    Err(error) => {
                        self.leave_unrecorded(message);
                        return Err(error);
                    }
                };
                entries
                    .iter()
                    .flatten()
                    .for_each(|entry| self.journal.push(entry));
                let (mut written, fault) = match self.journal.flush() {
                    Ok(()) => (entries.len(), None),
                    Err(error) => (error.written, Some(error.source)),
                };
                // Only what is written down has an outcome, and what is has one even where its failed row cannot be listed.
                let counted = ended.iter().zip(&entries).map(|(row, entry)| {
                    if entry.is_some() {
                        let Some(left) = written.checked_sub(1) else {
                            self.unrecorded += 1;
                            return Ok(());
                        };
                        written = left;
                    }
                    self.count(row, entry.as_ref())
                });
                let counted = counted.fold(Ok(()), Result::and);
                fault.map_or(counted, |fault| Err(fault.into()))
            }
        }
    }

    /// Counts what the journal cannot take any more. Rows that an earlier process has settled are in it already.
    fn leave_unrecorded(&mut self, message: &Message) {
        let Message::Ended(ended) = message else {
            return;
        };
        for row in ended {
            match row.fate {
                // The files of failed rows are given up, so whether they could be written is of no interest.
                Fate::Earlier => self.count(row, None).unwrap_or_default(),
                Fate::Invalid | Fate::Superseded | Fate::Overtaken(_) | Fate::Sent { .. } => {
                    self.unrecorded += 1;
                }
            }
        }
    }

    /// What was counted so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Makes all of it durable, and puts the files of failed rows into place.
    pub fn finish(mut self, fault: Option<RecordError>) -> Recorded {
        let mut failed_files = Vec::new();
        self.overtakers.sort();
        let (earlier, overtakers) = (self.earlier.as_ref(), &self.overtakers);
        let overtaken = |row: u64, id: Option<u64>| {
            let Some(id) = id else { return FieldSet::EMPTY };
            let before = earlier.map_or(FieldSet::EMPTY, |earlier| earlier.overtaken(id, row));
            before.union(overtakers.of(id, row))
        };
        let fault = match fault.or_else(|| self.journal.close().err().map(RecordError::from)) {
            None => {
                let finished = self.failed.finish(&overtaken);
                failed_files = finished.names;
                finished.fault.map(RecordError::FailedRows)
            }
            Some(fault) => {
                // The fault is what has to be said; where these files stay, the next process takes them away.
                self.failed.abandon();
                Some(fault)
            }
        };
        let Recorder {
            tally,
            unrecorded,
            journal,
            ..
        } = self;
        Recorded {
            tally,
            failed_files,
            fault,
            unrecorded,
            journal,
        }
    }

    /// What is to be written of a row, where anything is.
    fn entry_of<'r>(&mut self, ended: &'r EndedRow) -> Result<Option<Entry<'r>>, RecordError> {
        let mut entry = match &ended.fate {
            Fate::Earlier => return Ok(None),
            Fate::Overtaken(remainder) if remainder.has_outcome => {
                let earlier = self.earlier_entry(ended.row.position.row)?;
                // It was said before.
                let Some(earlier) = earlier.filter(|entry| entry.overtaken != remainder.overtaken)
                else {
                    return Ok(None);
                };
                Entry {
                    overtaken: remainder.overtaken,
                    at: ended.at,
                    ..earlier
                }
            }
            Fate::Invalid | Fate::Sent { .. } | Fate::Superseded | Fate::Overtaken(_) => {
                entries::of(ended, self.inputs)
            }
        };
        if entry.outcome.is_bad()
            && let (Some(earlier), Some(id)) = (&self.earlier, entry.id)
        {
            entry.overtaken = entry.overtaken.union(earlier.overtaken(id, entry.row));
        }
        Ok(Some(entry))
    }

    /// The entry that an earlier process wrote of a row.
    fn earlier_entry(&mut self, row: u64) -> Result<Option<Entry<'static>>, RecordError> {
        let Some(earlier) = &mut self.earlier else {
            return Ok(None);
        };
        let line = earlier
            .entries
            .line_of(&earlier.checkpoint, row)
            .map_err(RecordError::ReadBack)?;
        let Some(line) = line else { return Ok(None) };
        let entry: Entry<'_> = serde_json::from_slice(&line)
            .map_err(|error| RecordError::ReadBack(io::Error::from(error).into()))?;
        Ok(Some(entry.into_owned()))
    }

    /// Counts a row, of which this entry was written.
    fn count(&mut self, ended: &EndedRow, entry: Option<&Entry<'_>>) -> Result<(), RecordError> {
        match entry {
            Some(entry) => {
                self.count_entry(entry, &ended.row);
                Ok(())
            }
            None => self.count_earlier(&ended.row),
        }
    }

    /// Counts a row that is settled already, so that summary and failed rows describe the whole run directory.
    fn count_earlier(&mut self, row: &Row) -> Result<(), RecordError> {
        let Some(earlier) = &self.earlier else {
            return Ok(());
        };
        // A row without one was not asked for.
        let outcome = earlier.checkpoint.outcome(row.position.row);
        if outcome.is_some_and(Outcome::is_bad)
            && let Some(entry) = self.earlier_entry(row.position.row)?
        {
            self.count_entry(&entry, row);
            return Ok(());
        }
        if let Some(outcome) = outcome {
            self.tally.record_success(outcome);
        }
        self.failed.record_success(row.position.row);
        Ok(())
    }

    fn count_entry(&mut self, entry: &Entry<'_>, row: &Row) {
        self.follow_customer(entry);
        if entry.outcome.is_bad() {
            self.tally.record_failure(entry, row.position);
            self.failed.record_failure(entry, row.position, &row.raw);
        } else {
            self.tally.record_success(entry.outcome);
            self.failed.record_success(entry.row);
        }
    }

    /// Remembers what overtakes rows that ended badly.
    fn follow_customer(&mut self, entry: &Entry<'_>) {
        let Some(id) = entry.id else { return };
        if entry.outcome.needs_attention() {
            self.overtakers.watch(id);
        } else if entry.outcome.sets_fields() {
            if self
                .earlier
                .as_ref()
                .is_some_and(|earlier| earlier.watches(id))
            {
                self.overtakers.remember(id, entry.row, entry.fields);
            } else {
                self.overtakers.updated(id, entry.row, entry.fields);
            }
        }
    }
}

impl Earlier {
    /// The fields that later rows of a customer have set in earlier processes.
    fn overtaken(&self, customer: u64, row: u64) -> FieldSet {
        self.checkpoint.overtaken(customer, row, self.gaps.get())
    }

    /// Whether a row of this customer ended badly, or is without an outcome behind others.
    fn watches(&self, customer: u64) -> bool {
        self.checkpoint.overtakers().is_watched(customer)
            || self
                .gaps
                .get()
                .is_some_and(|gaps| gaps.is_watched(customer))
    }
}

impl Message {
    /// Rows that it is about.
    fn rows(&self) -> u64 {
        match self {
            Message::Ended(ended) => u64::try_from(ended.len()).unwrap_or(u64::MAX),
            Message::Sync | Message::LeaveFailedRows => 0,
        }
    }
}
