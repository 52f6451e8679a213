//! Reads all rows of the inputs in order before anything is requested, records the invalid ones, and
//! passes on the others: the first part of a preview.

use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use jiff::Timestamp;

use super::input_stop::ReadStop;
use super::reading::Batch;
use super::recorder::{EndedRow, Message, Recorded, Recorder, RowEnd};
use super::sender::ReadTo;
use super::{BATCHES_QUEUED_MAX, Bounds, Checked, Readers, Reading};
use crate::journal::Outcome;
use crate::results::progress::RunProgress;
use crate::results::tally::RowsRead;
use crate::row::{Row, RowContent};
use crate::schedule::StopReason;

/// The time after which signals are looked for while a slow input is read.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// The result of reading all rows.
pub(crate) struct Surveyed<E> {
    /// The rows that were read, and the reason of an early stop.
    pub(crate) checked: Checked,
    /// The invalid rows.
    pub(crate) recorded: Recorded,
    /// The error of the receiver, which stopped the reading.
    pub(crate) fault: Option<E>,
}

/// Reads all rows, records the invalid ones, and passes on all of them, in the order of the input.
pub(crate) fn survey<E>(
    reading: Reading,
    mut recorder: Recorder,
    bounds: &Bounds,
    progress: &RunProgress,
    mut take: impl FnMut(&Row) -> Result<(), E>,
) -> io::Result<Surveyed<E>> {
    let (batches_in, batches) = sync_channel(BATCHES_QUEUED_MAX);
    let send = move |batch| match batches_in.send(batch) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let readers = Readers::start(reading, send)?;
    let mut checked = Checked {
        stop: None,
        input_fault: None,
        read: RowsRead::default(),
        read_to: ReadTo::End,
    };
    let (mut journal_fault, mut fault) = (None, None);
    while checked.stop.is_none() && fault.is_none() {
        if let Some(signal) = bounds.drain.first_signal() {
            checked.stop = Some(signal.reason());
            break;
        }
        let batch = match batches.recv_timeout(LOOK_INTERVAL) {
            Ok(Ok(batch)) => batch,
            Ok(Err(ReadStop { reason, fault })) => {
                checked.stop = Some(reason);
                checked.input_fault = fault.map(|fault| *fault);
                break;
            }
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        checked.read.append(&batch.read);
        fault = batch.rows.iter().try_for_each(&mut take).err();
        if let Err(error) = recorder.take(&invalid_rows(batch, progress)) {
            journal_fault = Some(error);
            checked.stop = Some(StopReason::JournalUnwritable);
        }
        let errors = recorder.tally().count(Outcome::Invalid);
        if bounds.error_limit.is_exceeded(checked.read.rows, errors) {
            checked.stop = Some(StopReason::ErrorLimit {
                ended: checked.read.rows,
                errors,
                limit: bounds.error_limit,
            });
        }
    }
    if checked.stop.is_some() || fault.is_some() {
        checked.read_to = ReadTo::Stop;
    }
    drop(batches);
    readers.join_after(checked.read_to);
    Ok(Surveyed {
        checked,
        recorded: recorder.finish(journal_fault),
        fault,
    })
}

fn invalid_rows(batch: Batch, progress: &RunProgress) -> Message {
    let bytes = batch.rows.iter().map(Row::input_bytes).sum();
    progress.record_ended(batch.read.rows, bytes);
    let at = Timestamp::now();
    let invalid = batch
        .rows
        .into_iter()
        .filter(|row| matches!(row.content, RowContent::Invalid(_)));
    let ended = invalid.map(|row| {
        progress.record_failure();
        EndedRow {
            row,
            end: RowEnd::Invalid,
            at,
        }
    });
    Message::Ended(ended.collect())
}
