//! Threads and queues from reader to recorder; starts and joins all of them.
//!
//! ```text
//! run:    reader ── blocks ──▶ checker ── batches ──▶ sender ── messages ──▶ recorder
//! check:  checkers, which take turns to read ── bad rows ──▶ in order ──▶ recorder
//! ```
//!
//! In a check, the recording thread is one of the checkers: there are as many threads as run at
//! once, and no thread is woken for each block. If an input can block its reader, the recording
//! thread leaves the reading to the others, so that it records without delay.
//!
//! Every queue is bounded, so a slow API holds up the reading of the file. Each stage ends when the
//! stage before it drops its sender, or the stage after it drops its receiver.

mod brakes;
pub(crate) mod changes;
pub(crate) mod explanation;
pub(crate) mod image_writer;
mod in_flight;
mod input_stop;
mod outbox;
pub(crate) mod planned_rows;
pub(crate) mod preview_rows;
mod rate_exchange;
mod reading;
pub(crate) mod recorder;
mod reporter;
pub(crate) mod resume;
pub(crate) mod sender;
mod survey;
mod threads;
mod token_refresh;
pub(crate) mod undo_rows;

use std::io;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use self::explanation::Explanation;
use self::input_stop::{ReadStop, reason_of};
use self::preview_rows::PreviewRows;
pub(crate) use self::reading::RowBuilder;
use self::reading::{
    BLOCKS_QUEUED_MAX, Batch, BlockChecker, BlockDigest, BlockSource, CheckOptions, CheckedBlock,
    InOrder, RowFilter, Wanted, check_blocks, count_rows, read_blocks,
};
use self::recorder::{EndedRow, MESSAGES_QUEUED_MAX, Message, Recorded, Recorder, RowEnd, Written};
pub(crate) use self::reporter::explain;
use self::sender::{Queues, ReadTo, Sending, Sent};
pub(crate) use self::survey::survey;
use self::threads::{join, spawn};
use self::undo_rows::UndoRows;
use crate::input::{InputError, KnownInput, RowRange};
use crate::journal::Outcome;
use crate::plan::RequestsWriter;
use crate::process::signals::{Drain, Signals};
use crate::results::progress::RunProgress;
use crate::results::tally::RowsRead;
use crate::row::duplicates::{DuplicateFilter, LaterRows, LaterRowsBuilder};
use crate::schedule::StopReason;
use crate::schedule::error_limit::ErrorLimit;

/// Batches that wait to be sent. Each has the rows of at most about 256 KiB of input.
const BATCHES_QUEUED_MAX: usize = 2;

/// The inputs and how they are read.
pub(crate) struct Reading {
    /// The inputs, opened one at a time.
    pub inputs: Vec<KnownInput>,
    /// Makes rows of records.
    pub builder: RowBuilder,
    /// The rows that take part.
    pub row_range: RowRange,
    /// Applies `--unique` to rows of customers that an earlier row names.
    pub ids: DuplicateFilter,
    /// Leaves out rows that were sent by an earlier run (`--state`).
    pub filter: Option<Box<dyn RowFilter>>,
}

/// The source of the rows of a run.
pub(crate) enum RowFeed {
    /// Inputs.
    Inputs(Box<Reading>),
    /// The customers of a run that is undone.
    Undo(UndoRows),
    /// The customers of a preview.
    Preview(PreviewRows),
}

/// Receives the first rows of the input, for `--explain`.
pub(crate) struct ExplainObserver<'o> {
    /// The number of rows still wanted.
    rows: Arc<AtomicU64>,
    /// Shows a row. Rows come in order.
    show: &'o mut dyn FnMut(&Explanation),
}

/// The limits of a check.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// The number of invalid rows that ends the check.
    pub error_limit: ErrorLimit,
    /// The number of threads.
    pub threads: NonZeroUsize,
    /// The signals that end the check.
    pub drain: Drain,
}

/// The receivers of the rows of a check.
pub(crate) struct CheckOutput<'o> {
    /// Records the invalid ones.
    pub recorder: Recorder,
    /// Keeps the requests of all.
    pub plan: Option<&'o mut RequestsWriter>,
    /// Shows the first ones.
    pub observer: ExplainObserver<'o>,
}

/// The result of a check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// The reason if it stopped early.
    pub stop: Option<StopReason>,
    /// The error if the input could not be read further.
    pub input_fault: Option<InputError>,
    /// The rows that were read.
    pub read: RowsRead,
    /// The point up to which the input was read.
    pub read_to: ReadTo,
}

/// Reads, sends and records.
pub(crate) fn run(
    feed: RowFeed,
    sending: Sending,
    recorder: Recorder,
) -> io::Result<(Sent, Recorded)> {
    let (batches_in, batches) = mpsc::channel(BATCHES_QUEUED_MAX);
    let (messages_in, messages) = mpsc::channel(MESSAGES_QUEUED_MAX);
    let (written_in, written) = watch::channel(Written::Rows(0));
    let send = move |batch| match batches_in.blocking_send(batch) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let readers = match feed {
        RowFeed::Inputs(reading) => Readers::start(*reading, send)?,
        RowFeed::Undo(rows) => Readers(vec![spawn("reader", move || rows.send(send))?]),
        RowFeed::Preview(rows) => Readers(vec![spawn("reader", move || rows.send(send))?]),
    };
    let recording = spawn("recorder", move || recorder.run(messages, &written_in))?;
    // The recorder opens its last files after all connections are closed, which may have taken all
    // file descriptors.
    let until_closed = messages_in.clone();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sent = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(sender::send(
            sending,
            Queues {
                batches,
                recorder: messages_in,
                written,
            },
        ))
    }));
    drop(runtime);
    drop(until_closed);
    // Even if the sender panicked: what it handed over is recorded completely.
    let recorded = join(recording);
    let sent = sent.unwrap_or_else(|panic| resume_unwind(panic));
    readers.join_after(sent.read_to);
    Ok((sent, recorded))
}

/// Counts the rows of the inputs on a thread of its own, for the progress of a run, and passes them
/// on. They are not counted if an input can be read only once, or takes much memory while it is
/// read.
pub(crate) fn count_for_progress(
    reading: &Reading,
    progress: &Arc<RunProgress>,
    counted: impl FnOnce(u64, &RunProgress) + Send + 'static,
) {
    let again = reading.inputs.iter().map(KnownInput::again_cheaply);
    let Some(inputs) = again.collect::<Option<Vec<_>>>() else {
        return;
    };
    let source = BlockSource::of(inputs, reading.row_range.clone());
    let rules = reading.builder.rules.clone();
    let progress = Arc::downgrade(progress);
    let count = move || {
        // The run holds the progress, so the counting ends with the run.
        let is_wanted = || progress.strong_count() > 0;
        let rows = count_rows(source, &rules, is_wanted);
        if let (Some(rows), Some(progress)) = (rows, progress.upgrade()) {
            counted(rows, &progress);
        }
    };
    // Without the thread, the progress has no total.
    spawn("counter", count).ok();
}

/// The most threads of a check. More would wait for their turn to read, which takes about a fifth
/// of a check, and would hold blocks meanwhile.
const THREADS_MAX: NonZeroUsize = NonZeroUsize::new(8).expect("more than none");

/// The number of threads of a check: as many as run at once, up to a limit.
pub(crate) fn threads() -> NonZeroUsize {
    thread::available_parallelism()
        .unwrap_or(NonZeroUsize::MIN)
        .min(THREADS_MAX)
}

/// Reads all rows and records the invalid ones; sends nothing.
pub(crate) fn check(
    reading: Reading,
    output: CheckOutput<'_>,
    bounds: Bounds,
    progress: &RunProgress,
) -> io::Result<(Checked, Recorded)> {
    let CheckOutput {
        mut recorder,
        mut plan,
        mut observer,
    } = output;
    let Reading {
        inputs,
        builder,
        row_range,
        mut ids,
        filter: _,
    } = reading;
    let builder = Arc::new(builder);
    let Bounds {
        error_limit,
        threads,
        drain,
    } = bounds;
    let options = CheckOptions {
        builder: builder.clone(),
        to_explain: observer.rows.clone(),
        wanted: if plan.is_some() {
            Wanted::Plan
        } else {
            Wanted::Customers
        },
    };
    let (checkers, mut in_order) =
        CheckerThreads::start(inputs, row_range, threads, options, &drain)?;
    let mut checked = Checked {
        stop: None,
        input_fault: None,
        read: RowsRead::default(),
        read_to: ReadTo::End,
    };
    let mut fault = None;
    for block in &mut in_order {
        let block = match block {
            Ok(block) => block.apply_uniqueness(&mut ids, &builder),
            Err(error) => {
                checked.stop = Some(reason_of(&error));
                checked.input_fault = Some(error);
                break;
            }
        };
        observer.observe(&block.explained);
        checked.read.append(&block.read);
        if let (Some(plan), Some(digest)) = (&mut plan, &block.digest)
            && let Err(error) = planned_rows::write(plan, digest)
        {
            checked.stop = Some(planned_rows::unusable(&error));
            break;
        }
        if let Err(error) = recorder.take(&invalid_rows(block, progress)) {
            fault = Some(error);
            checked.stop = Some(StopReason::JournalUnwritable);
            break;
        }
        let errors = recorder.tally().count(Outcome::Invalid);
        if error_limit.is_exceeded(checked.read.rows, errors) {
            checked.stop = Some(StopReason::ErrorLimit {
                ended: checked.read.rows,
                errors,
                limit: error_limit,
            });
            break;
        }
    }
    if let Some(signal) = in_order.stopped_by() {
        checked.stop = Some(signal.reason());
    }
    if checked.stop.is_some() {
        checked.read_to = ReadTo::Stop;
    }
    checkers.join_after(checked.read_to);
    Ok((checked, recorder.finish(fault)))
}

impl<'o> ExplainObserver<'o> {
    /// An observer of the first rows, this many.
    pub(crate) fn new(rows: u64, show: &'o mut dyn FnMut(&Explanation)) -> ExplainObserver<'o> {
        ExplainObserver {
            rows: Arc::new(AtomicU64::new(rows)),
            show,
        }
    }

    /// Shows these rows until enough were shown. A checker that sees the new count late explains
    /// more rows than necessary.
    fn observe(&mut self, explained: &[Explanation]) {
        let mut rows = self.rows.load(Ordering::Relaxed);
        for explanation in explained {
            if rows == 0 {
                break;
            }
            rows -= 1;
            (self.show)(explanation);
        }
        self.rows.store(rows, Ordering::Relaxed);
    }
}

/// Reads the inputs on this many threads, and counts the valid rows of each customer.
pub(crate) fn count_repeats(
    inputs: Vec<KnownInput>,
    builder: RowBuilder,
    row_range: RowRange,
    threads: NonZeroUsize,
) -> io::Result<Result<LaterRows, InputError>> {
    let options = CheckOptions::of_pass(builder, Wanted::Customers);
    let drain = Signals::none().drain();
    let (checkers, in_order) = CheckerThreads::start(inputs, row_range, threads, options, &drain)?;
    let mut count = LaterRowsBuilder::default();
    let mut fault = None;
    for block in in_order {
        match block {
            Ok(block) => block.ids().for_each(|id| count.add(id)),
            Err(error) => {
                fault = Some(error);
                break;
            }
        }
    }
    // After an error, too, the reading has ended.
    checkers.join_after(ReadTo::End);
    Ok(fault.map_or_else(|| Ok(count.finish()), Err))
}

/// Reads these rows of the inputs on as many threads as run at once, and passes on the digests of
/// their blocks, in order, until one is refused.
pub(crate) fn digest_rows<E: From<InputError>>(
    inputs: Vec<KnownInput>,
    builder: RowBuilder,
    rows: RowRange,
    mut take: impl FnMut(BlockDigest) -> Result<(), E>,
) -> io::Result<Result<(), E>> {
    let options = CheckOptions::of_pass(builder, Wanted::Digests);
    let drain = Signals::none().drain();
    let (checkers, in_order) = CheckerThreads::start(inputs, rows, threads(), options, &drain)?;
    let mut ended = Ok(());
    for block in in_order {
        ended = block.map_err(E::from).and_then(|mut block| {
            let digest = block.digest.take();
            take(digest.expect("digests are wanted"))
        });
        if ended.is_err() {
            break;
        }
    }
    checkers.join_after(ReadTo::End);
    Ok(ended)
}

fn invalid_rows(block: CheckedBlock, progress: &RunProgress) -> Message {
    progress.record_ended(block.read.rows, block.input_bytes);
    let at = Timestamp::now();
    let ended = block.invalid.into_iter().map(|row| {
        progress.record_failure();
        EndedRow {
            row,
            end: RowEnd::Invalid,
            at,
        }
    });
    Message::Ended(ended.collect())
}

/// The other threads that read and check.
struct CheckerThreads(Vec<JoinHandle<()>>);

impl CheckerThreads {
    fn start(
        inputs: Vec<KnownInput>,
        row_range: RowRange,
        threads: NonZeroUsize,
        options: CheckOptions,
        drain: &Drain,
    ) -> io::Result<(CheckerThreads, InOrder)> {
        let takes_part = inputs.iter().all(KnownInput::is_regular_file);
        let source = BlockSource::of(inputs, row_range);
        let (checker, arrivals, in_order) =
            BlockChecker::with_threads(source, options, threads.get(), takes_part, drain.clone());
        let start = |number| {
            let (checker, arrivals) = (checker.clone(), arrivals.clone());
            spawn(&format!("checker {number}"), move || {
                checker.check_into(&arrivals);
            })
        };
        let others = if takes_part {
            threads.get() - 1
        } else {
            threads.get()
        };
        let checkers = (1..=others).map(start).collect::<io::Result<_>>()?;
        Ok((CheckerThreads(checkers), in_order))
    }

    /// Joins them, as [`Readers::join_after`] does.
    fn join_after(self, read_to: ReadTo) {
        match read_to {
            ReadTo::End => self.0.into_iter().for_each(join),
            ReadTo::Stop => {}
        }
    }
}

/// The threads that read and check in a run.
struct Readers(Vec<JoinHandle<()>>);

impl Readers {
    fn start(
        reading: Reading,
        send: impl FnMut(Result<Batch, ReadStop>) -> ControlFlow<()> + Send + 'static,
    ) -> io::Result<Readers> {
        let Reading {
            inputs,
            builder,
            row_range,
            ids,
            filter,
        } = reading;
        let (blocks_in, blocks) = sync_channel(BLOCKS_QUEUED_MAX);
        let checker = spawn("checker", move || {
            check_blocks(&blocks, &builder, ids, filter, send);
        })?;
        let reader = spawn("reader", move || {
            read_blocks(BlockSource::of(inputs, row_range), &blocks_in);
        })?;
        Ok(Readers(vec![reader, checker]))
    }

    /// Joins the threads once their batches are no longer taken. After an early stop a reader may
    /// be blocked on a pipe that stays silent, so then it is left to end with the process.
    fn join_after(self, read_to: ReadTo) {
        match read_to {
            ReadTo::End => self.0.into_iter().for_each(join),
            ReadTo::Stop => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::input::{InputName, InputRules, RowRules};
    use crate::journal::RunKey;

    /// More rows than a block holds.
    const EXPLAINED: u64 = 5_000;

    /// A few blocks of rows, some of them invalid. Long and short rows make blocks take different
    /// times.
    fn file_of_rows(rows: u64) -> tempfile::NamedTempFile {
        let mut text = String::from("id,email,address\n");
        for row in 1..=rows {
            let email = if row % 7 == 0 {
                "no address"
            } else {
                "someone@localhost"
            };
            let address = "\"line\nbreak\" "
                .repeat(usize::try_from(row % 40).expect("few"))
                .replace('"', "\"\"");
            writeln!(text, "{row},{email},\"{address}\"").expect("writing to a String cannot fail");
        }
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("a file that can be written");
        file
    }

    fn check_file(
        file: &tempfile::NamedTempFile,
        threads: usize,
        mut ids: DuplicateFilter,
    ) -> (RowsRead, Vec<String>, Vec<u64>) {
        let (builder, row_range) = (Arc::new(builder()), RowRange::new(3, None));
        let threads = NonZeroUsize::new(threads).expect("at least one");
        let inputs = vec![look(file), look(file)];
        let (mut read, mut invalid, mut explained) = (RowsRead::default(), Vec::new(), Vec::new());
        let mut show = |explanation: &Explanation| explained.push(explanation.position.row);
        let mut observer = ExplainObserver::new(EXPLAINED, &mut show);
        let options = CheckOptions {
            builder: builder.clone(),
            to_explain: observer.rows.clone(),
            wanted: Wanted::Customers,
        };
        let drain = Signals::none().drain();
        let (checkers, in_order) =
            CheckerThreads::start(inputs, row_range, threads, options, &drain).expect("threads");
        for block in in_order {
            let block = block
                .expect("a good file")
                .apply_uniqueness(&mut ids, &builder);
            read.append(&block.read);
            observer.observe(&block.explained);
            invalid.extend(block.invalid.iter().map(|row| format!("{row:?}")));
        }
        checkers.join_after(ReadTo::End);
        (read, invalid, explained)
    }

    fn builder() -> RowBuilder {
        RowBuilder {
            shard: None,
            rules: RowRules::default(),
            key: RunKey::of([7; 16]),
        }
    }

    fn look(file: &tempfile::NamedTempFile) -> KnownInput {
        let name = InputName::Path(file.path().to_owned());
        KnownInput::look(name, &Arc::new(InputRules::default()), |_, _| {}).expect("a good file")
    }

    fn last_rows(file: &tempfile::NamedTempFile, threads: usize) -> DuplicateFilter {
        let (inputs, row_range) = (vec![look(file), look(file)], RowRange::new(3, None));
        let threads = NonZeroUsize::new(threads).expect("at least one");
        let repeats = count_repeats(inputs, builder(), row_range, threads).expect("threads");
        DuplicateFilter::keep_last(repeats.expect("a good file"))
    }

    #[test]
    fn several_threads_find_what_one_finds_in_the_same_order() {
        let file = file_of_rows(9_000);
        assert!(
            std::fs::metadata(file.path()).expect("a file").len() > 4 << 18,
            "several blocks"
        );
        // Every valid row of the second file names a customer again, except the three that the
        // first file skips.
        let (bad, again) = (2 * (9_000 / 7), 9_000 - 9_000 / 7 - 3);

        let (read, invalid, explained) = check_file(&file, 1, DuplicateFilter::keep_all());
        assert!(
            explained.iter().copied().eq(4..4 + EXPLAINED),
            "the first rows, without those that are skipped"
        );
        assert_eq!((read.rows, read.last_row), (17_997, Some(18_000)));
        assert_eq!((invalid.len() as u64, read.duplicates.rows), (bad, again));
        assert_eq!(
            read.duplicates
                .first
                .iter()
                .map(|place| place.row)
                .collect::<Vec<_>>(),
            [9_004, 9_005, 9_006]
        );

        let (refused, refused_rows, _) = check_file(&file, 1, DuplicateFilter::keep_first());
        assert_eq!(
            (refused.rows, refused_rows.len() as u64),
            (17_997, bad + again)
        );
        assert_eq!(
            refused.fields_left_out,
            read.fields_left_out - again,
            "an invalid row has nothing else to count"
        );

        let (last, last_invalid, _) = check_file(&file, 1, last_rows(&file, 1));
        assert_eq!((last.superseded, &last_invalid), (again, &invalid));

        for threads in [2, 3, 8] {
            assert_eq!(
                check_file(&file, threads, DuplicateFilter::keep_all()),
                (read.clone(), invalid.clone(), explained.clone()),
                "{threads} threads"
            );
            assert_eq!(
                check_file(&file, threads, DuplicateFilter::keep_first()),
                (refused.clone(), refused_rows.clone(), explained.clone()),
                "{threads} threads"
            );
            assert_eq!(
                check_file(&file, threads, last_rows(&file, threads)),
                (last.clone(), invalid.clone(), explained.clone()),
                "{threads} threads"
            );
        }
    }
}
