//! Threads and queues from reader to recorder; starts and joins all of them.
//!
//! ```text
//! reader ── blocks ──▶ checker ── batches ──▶ sender ── messages ──▶ recorder
//! ```
//!
//! Every queue is bounded, so a slow API holds up the reading of the file. Each stage ends when the one before it has dropped
//! its sender, or the one behind it its receiver.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::input::{Input, InputError, RowRules, RowWindow};
use crate::journal::Outcome;
use crate::progress::Progress;
use crate::reading::{BLOCKS_QUEUED_MAX, Demand, check_blocks, read_blocks};
use crate::recorder::{EndedRow, Fate, MESSAGES_QUEUED_MAX, Message, Recorded, Recorder, Written};
use crate::row::{Batch, Content};
use crate::schedule::StopReason;
use crate::schedule::error_limit::ErrorLimit;
use crate::sender::{self, Extent, Queues, Sending, Sent};
use crate::tally::RowsRead;

/// Batches of about 256 KiB of input that wait to be sent.
const BATCHES_QUEUED_MAX: usize = 4;

/// What is read, and how.
pub struct Reading {
    /// The inputs, open.
    pub inputs: Vec<Input>,
    /// How rows are read.
    pub rules: RowRules,
    /// Which rows take part.
    pub window: RowWindow,
}

/// How a check ended.
#[derive(Debug)]
pub struct Checked {
    /// Why it stopped early.
    pub stop: Option<StopReason>,
    /// Why the input could not be read on.
    pub input_fault: Option<InputError>,
    /// What was read.
    pub read: RowsRead,
    /// Whether the input was read to its end.
    pub extent: Extent,
}

/// Reads, sends and records.
pub fn run(reading: Reading, sending: Sending, recorder: Recorder) -> io::Result<(Sent, Recorded)> {
    let (batches_in, batches) = mpsc::channel(BATCHES_QUEUED_MAX);
    let (messages_in, messages) = mpsc::channel(MESSAGES_QUEUED_MAX);
    let (written_in, written) = watch::channel(Written::Rows(0));
    let readers = Readers::start(reading, move |batch| match batches_in.blocking_send(batch) {
        Ok(()) => Demand::Present,
        Err(_) => Demand::Gone,
    })?;
    let recording = spawn("recorder", move || recorder.run(messages, &written_in))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sent = runtime.block_on(sender::send(sending, Queues { batches, recorder: messages_in, written }))?;
    drop(runtime);
    let recorded = join(recording);
    readers.join_after(sent.extent);
    Ok((sent, recorded))
}

/// Reads and records what is invalid; sends nothing.
pub fn check(
    reading: Reading,
    mut recorder: Recorder,
    error_limit: ErrorLimit,
    progress: &Arc<Progress>,
) -> io::Result<(Checked, Recorded)> {
    let (batches_in, batches) = sync_channel(BATCHES_QUEUED_MAX);
    let readers = Readers::start(reading, move |batch| match batches_in.send(batch) {
        Ok(()) => Demand::Present,
        Err(_) => Demand::Gone,
    })?;
    let mut checked = Checked { stop: None, input_fault: None, read: RowsRead::default(), extent: Extent::Whole };
    let mut fault = None;
    for batch in &batches {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                checked.input_fault = Some(error);
                checked.stop = Some(StopReason::InputUnusable);
                break;
            }
        };
        if let Err(error) = recorder.take(&ended_by_check(batch, &mut checked.read, progress)) {
            fault = Some(error);
            checked.stop = Some(StopReason::JournalUnwritable);
            break;
        }
        let errors = recorder.tally().count(Outcome::Invalid);
        if error_limit.is_exceeded(checked.read.rows, errors) {
            checked.stop = Some(StopReason::ErrorLimit { ended: checked.read.rows, errors, limit: error_limit });
            break;
        }
    }
    drop(batches);
    if checked.stop.is_some() {
        checked.extent = Extent::Partial;
    }
    readers.join_after(checked.extent);
    Ok((checked, recorder.finish(fault)))
}

fn ended_by_check(batch: Batch, read: &mut RowsRead, progress: &Progress) -> Message {
    progress.ended(u64::try_from(batch.rows.len()).unwrap_or(u64::MAX), batch.input_bytes);
    let at = Timestamp::now();
    let ended = batch.rows.into_iter().map(|row| {
        read.add(&row);
        let fate = match row.content {
            Content::Update { .. } => Fate::Valid,
            Content::Invalid(_) => {
                progress.ended_badly();
                Fate::Invalid
            }
        };
        EndedRow { row, fate, at }
    });
    Message::Ended(ended.collect())
}

/// The threads that read and check.
struct Readers {
    reader: JoinHandle<()>,
    checker: JoinHandle<()>,
}

impl Readers {
    fn start(
        reading: Reading,
        send: impl FnMut(Result<Batch, InputError>) -> Demand + Send + 'static,
    ) -> io::Result<Readers> {
        let Reading { inputs, rules, window } = reading;
        let (blocks_in, blocks) = sync_channel(BLOCKS_QUEUED_MAX);
        let checker = spawn("checker", move || check_blocks(&blocks, &rules, send))?;
        let reader = spawn("reader", move || read_blocks(inputs, window, &blocks_in))?;
        Ok(Readers { reader, checker })
    }

    /// Joins them once nobody takes their batches any more. A reader of which more could have come may wait for a pipe that
    /// never says another word, so after an early stop it is left to end with the process.
    fn join_after(self, extent: Extent) {
        match extent {
            Extent::Whole => {
                join(self.reader);
                join(self.checker);
            }
            Extent::Partial => {}
        }
    }
}

fn spawn<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
