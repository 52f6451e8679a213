//! Writes outcomes to the journal, the failed rows and the tally. One recorder, on one thread,
//! without decisions of its own.

mod earlier;
mod ended_row;
mod entries;

pub(crate) use self::earlier::Earlier;
pub(crate) use self::ended_row::{EndedRow, Inputs, RowEnd};
use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::contract::FieldSet;
use crate::journal::{Entry, Fact, JournalWriter, LineError, Outcome, Overtakers, WriteError};
use crate::preview::PreviewError;
use crate::process::crash;
use crate::results::failed_rows::FailedRows;
use crate::results::metrics::Metrics;
use crate::results::tally::Tally;
use crate::results::timeline::{TimelineFile, TimelinePoint};
use crate::row::Row;
use crate::state::StateError;

/// Messages that wait for the recorder.
pub(crate) const MESSAGES_QUEUED_MAX: usize = 64;

/// A request to the recorder.
#[derive(Debug)]
pub(crate) enum Message {
    /// Record these rows, which ended in this order.
    Ended(Vec<EndedRow>),
    /// Record these facts, durably.
    Facts(Vec<Fact>),
    /// Make everything written durable.
    Sync,
    /// Append this to the timeline.
    Timeline(TimelinePoint),
    /// The run directory belongs to another input: leave its files of failed rows unchanged.
    LeaveFailedRows,
}

/// The recorder's progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// This many rows are recorded.
    Rows(u64),
    /// Nothing can be recorded any more.
    Failed,
}

/// An error that prevents recording.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] WriteError),
    /// The file of failed rows cannot be written.
    #[error("the failed rows cannot be written")]
    FailedRows(#[source] io::Error),
    /// The findings of a preview cannot be kept.
    #[error(transparent)]
    Preview(#[from] PreviewError),
    /// The results cannot be taken into the state.
    #[error("the state cannot be brought up to date; the next run does that")]
    State(#[source] StateError),
    /// The journal cannot be read back for rows that an earlier process settled.
    #[error("the journal cannot be read back")]
    ReadBack(#[source] LineError),
}

/// Records outcomes.
#[derive(Debug)]
pub(crate) struct Recorder {
    journal: JournalWriter,
    failed: FailedRows,
    /// The timeline; `None` for a check.
    timeline: Option<TimelineFile>,
    tally: Tally,
    /// The metrics, if they are wanted.
    metrics: Option<Arc<Metrics>>,
    earlier: Option<Earlier>,
    /// Rows that this process updated, of customers with an earlier row that failed.
    overtakers: Overtakers,
    /// Whether results name the input of a row.
    inputs: Inputs,
    /// The number of entries written.
    written: u64,
    /// The number of outcomes that could not be recorded.
    unrecorded: u64,
}

/// The recorder's result.
#[derive(Debug)]
pub(crate) struct Recorded {
    /// The counts.
    pub tally: Tally,
    /// The files of failed rows, if they were completed.
    pub failed_files: Vec<String>,
    /// The error, if not everything could be recorded.
    pub fault: Option<RecordError>,
    /// The number of outcomes that this process recorded.
    pub written: u64,
    /// The number of outcomes that could not be recorded.
    pub unrecorded: u64,
    /// The journal, ready for more entries.
    pub journal: JournalWriter,
}

/// The journal line of a row that has ended.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all rows have an entry of their own"
)]
enum RowLine<'r> {
    /// An earlier process wrote it.
    Settled,
    /// An entry of its own.
    Own(Entry<'r>),
    /// It shares a line with other rows of this outcome.
    Shared(Outcome),
}

/// Takes one from a count, if any is left.
fn take_one<N: Copy + PartialOrd + From<u8> + std::ops::SubAssign>(left: &mut N) -> bool {
    let has_one = *left > N::from(0);
    if has_one {
        *left -= N::from(1);
    }
    has_one
}

impl Recorder {
    /// A recorder that appends to these files after the entries of earlier processes.
    pub(crate) fn new(
        journal: JournalWriter,
        failed: FailedRows,
        earlier: Option<Earlier>,
        inputs: Inputs,
    ) -> Recorder {
        let (tally, overtakers) = (Tally::default(), Overtakers::default());
        Recorder {
            journal,
            failed,
            timeline: None,
            tally,
            metrics: None,
            earlier,
            overtakers,
            inputs,
            written: 0,
            unrecorded: 0,
        }
    }

    /// Keeps a timeline, too.
    pub(crate) fn with_timeline(self, timeline: TimelineFile) -> Recorder {
        Recorder {
            timeline: Some(timeline),
            ..self
        }
    }

    /// Counts outcomes for the metrics, too, if they are wanted.
    pub(crate) fn with_metrics(self, metrics: Option<Arc<Metrics>>) -> Recorder {
        if let (Some(metrics), Some(earlier)) = (&metrics, &self.earlier) {
            metrics.set_earlier_rows(|outcome| earlier.checkpoint.count(outcome));
        }
        Recorder { metrics, ..self }
    }

    /// Records messages until the queue's other end is dropped. After an error it only counts what
    /// it cannot record.
    pub(crate) fn run(
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

    /// Handles one message.
    pub(crate) fn take(&mut self, message: &Message) -> Result<(), RecordError> {
        crash::provoke("recorder");
        match message {
            Message::Facts(facts) => {
                for fact in facts {
                    self.journal.push_fact(fact);
                }
                self.journal.flush().map_err(|error| error.source)?;
                crash::kill_at("fact-written");
                Ok(self.journal.sync()?)
            }
            Message::Sync => Ok(self.journal.sync()?),
            Message::Timeline(point) => {
                if let Some(timeline) = &mut self.timeline {
                    timeline.push(point);
                }
                Ok(())
            }
            Message::LeaveFailedRows => {
                self.failed.abandon();
                self.timeline = None;
                Ok(())
            }
            Message::Ended(ended) => self.record(message, ended),
        }
    }

    /// Records rows that have ended. A row has an outcome exactly if its line is written, even if
    /// its failed row cannot be listed.
    fn record(&mut self, message: &Message, ended: &[EndedRow]) -> Result<(), RecordError> {
        let lines = (ended.iter())
            .map(|row| self.line_of(row))
            .collect::<Result<Vec<_>, _>>();
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => {
                self.leave_unrecorded(message);
                return Err(error);
            }
        };
        let bulk = entries::bulk(ended);
        let mut pushed: usize = 0;
        for line in &lines {
            if let RowLine::Own(entry) = line {
                self.journal.push(entry);
                pushed += 1;
            }
        }
        for bulk in &bulk {
            self.journal.push_bulk(bulk);
            pushed += 1;
        }
        let (written, fault) = match self.journal.flush() {
            Ok(()) => (pushed, None),
            Err(error) => (error.written, Some(error.source)),
        };
        crash::kill_at("entry-written");
        if let Some(timeline) = self.timeline.as_mut().filter(|_| written > 0) {
            timeline.confirm();
        }
        let mut own_lines = written;
        let bulk_lines = written.saturating_sub(pushed - bulk.len());
        let bulk_written = bulk.get(..bulk_lines).unwrap_or_default();
        let counted = ended.iter().zip(&lines).map(|(row, line)| {
            let is_written = match line {
                RowLine::Settled => true,
                RowLine::Own(_) => take_one(&mut own_lines),
                RowLine::Shared(_) => {
                    let number = row.row.position.row;
                    bulk_written.iter().any(|line| line.contains(number))
                }
            };
            if !is_written {
                self.unrecorded += 1;
                return Ok(());
            }
            match line {
                RowLine::Settled => self.count_earlier(&row.row),
                RowLine::Own(entry) => {
                    self.written += 1;
                    self.meter(entry.row, entry.outcome);
                    self.count_entry(entry, &row.row);
                    Ok(())
                }
                RowLine::Shared(outcome) => {
                    self.written += 1;
                    self.meter(row.row.position.row, *outcome);
                    self.tally.record_success(*outcome);
                    self.failed.record_success(row.row.position.row);
                    Ok(())
                }
            }
        });
        let counted = counted.fold(Ok(()), Result::and);
        fault.map_or(counted, |fault| Err(fault.into()))
    }

    /// Counts what the journal can no longer take. Rows that an earlier process settled are already
    /// in it.
    fn leave_unrecorded(&mut self, message: &Message) {
        let Message::Ended(ended) = message else {
            return;
        };
        for row in ended {
            match row.end {
                // The files of failed rows are abandoned after a fault; ignore their errors.
                RowEnd::Earlier => self.count_earlier(&row.row).unwrap_or_default(),
                RowEnd::Invalid
                | RowEnd::Superseded
                | RowEnd::Unchanged
                | RowEnd::Elsewhere
                | RowEnd::Overtaken(_)
                | RowEnd::Sent { .. } => {
                    self.unrecorded += 1;
                }
            }
        }
    }

    /// The counts so far.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Makes everything durable, and moves the files of failed rows into place.
    pub(crate) fn finish(mut self, fault: Option<RecordError>) -> Recorded {
        if let Some(timeline) = &mut self.timeline {
            timeline.confirm();
        }
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
                // The first fault is reported instead; the next process removes these files.
                self.failed.abandon();
                Some(fault)
            }
        };
        let Recorder {
            tally,
            written,
            unrecorded,
            journal,
            ..
        } = self;
        Recorded {
            tally,
            failed_files,
            fault,
            written,
            unrecorded,
            journal,
        }
    }

    /// The line to write for a row, if there is one.
    fn line_of<'r>(&mut self, ended: &'r EndedRow) -> Result<RowLine<'r>, RecordError> {
        if let Some(outcome) = ended.end.shared_outcome() {
            return Ok(RowLine::Shared(outcome));
        }
        let mut entry = match &ended.end {
            RowEnd::Earlier => return Ok(RowLine::Settled),
            RowEnd::Overtaken(remainder) if remainder.has_outcome => {
                let earlier = self.earlier_entry(ended.row.position.row)?;
                // The same entry was written before.
                let Some(earlier) = earlier.filter(|entry| entry.overtaken != remainder.overtaken)
                else {
                    return Ok(RowLine::Settled);
                };
                Entry {
                    overtaken: remainder.overtaken,
                    at: ended.at,
                    ..earlier
                }
            }
            RowEnd::Invalid
            | RowEnd::Sent { .. }
            | RowEnd::Superseded
            | RowEnd::Unchanged
            | RowEnd::Elsewhere
            | RowEnd::Overtaken(_) => entries::of(ended, self.inputs),
        };
        if entry.outcome.is_bad()
            && let (Some(earlier), Some(id)) = (&self.earlier, entry.id)
        {
            entry.overtaken = entry.overtaken.union(earlier.overtaken(id, entry.row));
        }
        Ok(RowLine::Own(entry))
    }

    /// The entry that an earlier process wrote for a row.
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

    /// Counts a row that was already settled, so that summary and failed rows describe the whole
    /// run directory.
    fn count_earlier(&mut self, row: &Row) -> Result<(), RecordError> {
        let Some(earlier) = &self.earlier else {
            return Ok(());
        };
        // A row without an outcome was not asked for.
        let outcome = earlier.checkpoint.outcome(row.position.row);
        let has_echo = earlier.checkpoint.has_echo(row.position.row);
        if outcome.is_some_and(Outcome::is_bad)
            && let Some(entry) = self.earlier_entry(row.position.row)?
        {
            self.count_entry(&entry, row);
            return Ok(());
        }
        if has_echo && let Some(entry) = self.earlier_entry(row.position.row)? {
            self.tally.record_good(&entry, row.position);
        } else if let Some(outcome) = outcome {
            self.tally.record_success(outcome);
        }
        self.failed.record_success(row.position.row);
        Ok(())
    }

    /// Counts a row whose outcome was written for the metrics.
    fn meter(&self, row: u64, outcome: Outcome) {
        if let Some(metrics) = &self.metrics {
            let earlier = self.earlier.as_ref();
            let earlier = earlier.and_then(|earlier| earlier.checkpoint.outcome(row));
            metrics.record_row(outcome, earlier);
        }
    }

    fn count_entry(&mut self, entry: &Entry<'_>, row: &Row) {
        self.follow_customer(entry);
        if entry.outcome.is_bad() {
            self.tally.record_failure(entry, row.position);
            self.failed.record_failure(entry, row.position, &row.raw);
        } else {
            self.tally.record_good(entry, row.position);
            self.failed.record_success(entry.row);
        }
    }

    /// Remembers the rows that overtake failed rows.
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

impl Message {
    /// The number of rows in the message.
    fn rows(&self) -> u64 {
        match self {
            Message::Ended(ended) => u64::try_from(ended.len()).unwrap_or(u64::MAX),
            Message::Facts(_) | Message::Sync | Message::Timeline(_) | Message::LeaveFailedRows => {
                0
            }
        }
    }
}
