//! Outcomes to the journal, the failed rows and the tally. One recorder, one thread, no decisions.

use std::io;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::contract::FieldError;
use crate::failed_rows::FailedRows;
use crate::journal::{Checkpoint, Entry, EntryError, EntryReader, JournalWriter, Outcome, WriteError};
use crate::row::{Content, Row};
use crate::schedule::Ending;
use crate::tally::Tally;

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

/// A row that has ended.
#[derive(Debug)]
pub struct EndedRow {
    /// The row.
    pub row: Row,
    /// How it ended.
    pub fate: Fate,
    /// When.
    pub at: Timestamp,
}

/// How a row ended.
#[derive(Debug)]
pub enum Fate {
    /// It breaks the contract.
    Invalid,
    /// It was sent.
    Sent {
        /// What came of it.
        ending: Ending,
        /// Updates sent for it.
        attempts: u32,
        /// An attempt that failed may have been applied all the same.
        ambiguous: bool,
        /// How long the last one took.
        took: std::time::Duration,
    },
    /// An earlier process has settled it.
    Earlier,
    /// A later row of its customer was updated since an earlier process failed with it, or is to be sent in its place.
    Superseded,
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
    ReadBack(#[source] io::Error),
}

/// What an earlier process has settled.
#[derive(Debug)]
pub struct Earlier {
    /// Which rows.
    pub checkpoint: std::sync::Arc<Checkpoint>,
    /// What was said of them.
    pub entries: EntryReader,
}

/// Records outcomes.
#[derive(Debug)]
pub struct Recorder {
    journal: JournalWriter,
    failed: FailedRows,
    tally: Tally,
    earlier: Option<Earlier>,
    /// Whether results name the input of a row.
    inputs: Inputs,
    /// Outcomes that could not be recorded.
    unrecorded: u64,
}

/// How many inputs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// One: results do not name it.
    One,
    /// Several.
    Several,
}

impl Inputs {
    /// For so many inputs.
    pub fn of(count: usize) -> Inputs {
        if count > 1 { Inputs::Several } else { Inputs::One }
    }
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
}

impl Recorder {
    /// Records into these files, after what an earlier process has.
    pub fn new(journal: JournalWriter, failed: FailedRows, earlier: Option<Earlier>, inputs: Inputs) -> Recorder {
        Recorder { journal, failed, tally: Tally::default(), earlier, inputs, unrecorded: 0 }
    }

    /// Records what comes until the queue's other end is dropped. After a failure it only counts what it could not record.
    pub fn run(mut self, mut messages: mpsc::Receiver<Message>, written: &watch::Sender<Written>) -> Recorded {
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
        match message {
            Message::Sync => Ok(self.journal.sync()?),
            Message::LeaveFailedRows => self.failed.leave().map_err(RecordError::FailedRows),
            Message::Ended(ended) => {
                let entries: Vec<_> = ended.iter().map(|row| entry_of(row, self.inputs)).collect();
                entries.iter().flatten().for_each(|entry| self.journal.push(entry));
                if let Err(error) = self.journal.flush() {
                    self.leave_unrecorded(message);
                    return Err(error.into());
                }
                // Only what is written down has an outcome, and what is has one even where its failed row cannot be listed.
                let counted = ended.iter().zip(&entries).map(|(row, entry)| self.count(row, entry.as_ref()));
                counted.fold(Ok(()), Result::and)
            }
        }
    }

    /// Counts what the journal cannot take any more. Rows that an earlier process has settled are in it already.
    fn leave_unrecorded(&mut self, message: &Message) {
        let Message::Ended(ended) = message else { return };
        for row in ended {
            match row.fate {
                // The files of failed rows are given up, so whether they could be written is of no interest.
                Fate::Earlier => self.count(row, None).unwrap_or_default(),
                Fate::Invalid | Fate::Superseded | Fate::Sent { .. } => self.unrecorded += 1,
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
        let fault = match fault.or_else(|| self.journal.sync().err().map(RecordError::from)) {
            None => match self.failed.finish() {
                Ok(names) => {
                    failed_files = names;
                    None
                }
                Err(error) => Some(RecordError::FailedRows(error)),
            },
            Some(fault) => {
                // The fault is what has to be said; where these files stay, the next process takes them away.
                self.failed.leave().unwrap_or_default();
                Some(fault)
            }
        };
        Recorded { tally: self.tally, failed_files, fault, unrecorded: self.unrecorded }
    }

    /// Counts a row, of which this entry was written.
    fn count(&mut self, ended: &EndedRow, entry: Option<&Entry<'_>>) -> Result<(), RecordError> {
        let EndedRow { row, fate, .. } = ended;
        match (fate, entry) {
            (Fate::Earlier, _) => self.count_earlier(row),
            (_, Some(entry)) => count(&mut self.tally, &mut self.failed, entry, row),
            (_, None) => self.failed.ended_well(row.position.row).map_err(RecordError::FailedRows),
        }
    }

    /// Counts a row that is settled already, so that summary and failed rows describe the whole run directory.
    fn count_earlier(&mut self, row: &Row) -> Result<(), RecordError> {
        let Some(earlier) = &self.earlier else { return Ok(()) };
        let Some(offset) = earlier.checkpoint.offset(row.position.row) else {
            self.tally.ended_well(Outcome::Updated);
            return self.failed.ended_well(row.position.row).map_err(RecordError::FailedRows);
        };
        let line = earlier.entries.line_at(offset).map_err(RecordError::ReadBack)?;
        let entry: Entry<'_> = serde_json::from_slice(&line).map_err(|error| RecordError::ReadBack(error.into()))?;
        count(&mut self.tally, &mut self.failed, &entry, row)
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

fn count(tally: &mut Tally, failed: &mut FailedRows, entry: &Entry<'_>, row: &Row) -> Result<(), RecordError> {
    let written = match entry.outcome {
        Outcome::Updated | Outcome::Superseded => {
            tally.ended_well(entry.outcome);
            failed.ended_well(entry.row)
        }
        Outcome::Invalid | Outcome::Rejected | Outcome::Failed => {
            tally.ended_badly(entry, row.position);
            failed.ended_badly(entry, row.position, &row.raw)
        }
    };
    written.map_err(RecordError::FailedRows)
}

/// What is to be written of a row, where anything is.
fn entry_of(ended: &EndedRow, inputs: Inputs) -> Option<Entry<'_>> {
    let EndedRow { row, fate, at } = ended;
    let file = match inputs {
        Inputs::One => None,
        Inputs::Several => u32::try_from(row.position.input + 1).ok(),
    };
    let mut entry = Entry {
        file,
        id: row.id.map(crate::contract::CustomerId::get),
        ..Entry::new(row.position.row, row.position.line, Outcome::Invalid, *at, row.hash)
    };
    match fate {
        Fate::Sent { ending, attempts, ambiguous, took } => {
            entry.attempts = Some(*attempts);
            entry.ambiguous = *ambiguous;
            entry.ms = u64::try_from(took.as_millis()).ok();
            describe(&mut entry, ending);
        }
        Fate::Superseded => entry.outcome = Outcome::Superseded,
        Fate::Invalid => {
            if let Content::Invalid(errors) = &row.content {
                entry.errors = errors.iter().map(contract_error).collect();
            }
        }
        Fate::Earlier => return None,
    }
    Some(entry)
}

fn describe<'a>(entry: &mut Entry<'a>, ending: &'a Ending) {
    match ending {
        Ending::Updated { status } => {
            entry.outcome = Outcome::Updated;
            entry.status = Some(*status);
        }
        Ending::Rejected { status, error } => {
            entry.outcome = Outcome::Rejected;
            entry.status = Some(*status);
            entry.error = error.code.as_deref().map(Into::into);
            entry.message = error.message.as_deref().map(Into::into);
            let fields = error.fields.iter();
            entry.errors = fields
                .map(|(field, text)| EntryError { field: field.into(), code: None, message: text.into() })
                .collect();
        }
        Ending::Failed { cause } => {
            entry.outcome = Outcome::Failed;
            entry.status = cause.status();
            entry.cause = Some(cause.to_string().into());
        }
    }
}

fn contract_error(error: &FieldError) -> EntryError<'_> {
    EntryError {
        field: error.subject.name().into(),
        code: Some(error.code.name().into()),
        message: error.message.as_ref().into(),
    }
}
