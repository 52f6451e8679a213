//! Reads and checks blocks for `check`. Any number of threads take turns to read a block and check
//! its rows, and [`InOrder`] restores the order of the input.
//!
//! Two limits keep memory flat for rows of every size. No thread reads further than [`ahead_max`]
//! blocks beyond the one whose turn it is, and the findings of a block are returned in parts of
//! about [`FOUND_BYTES_MAX`].

mod uniqueness;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::super::explanation::Explanation;
use super::digests::BlockDigest;
use super::rows::{ReadRow, RowSink, RowVerdict, read_rows};
use super::source::{BlockSource, Numbered, SourceBlock};
use super::{ROW_BYTES, RowBuilder};
use crate::contract::{CustomerId, CustomerUpdate, FieldSet};
use crate::input::InputError;
use crate::process::crash;
use crate::process::signals::{Drain, StopSignal};
use crate::results::tally::RowsRead;
use crate::row::duplicates::Occurrence;
use crate::row::{Position, Row};

/// The approximate limit in bytes for the findings of a block, after which the thread that takes
/// blocks in order checks the rest.
const FOUND_BYTES_MAX: usize = 1 << 20;

/// The interval at which a wait for a block looks for a stop: a pipe may stay silent for ever.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// The findings in a block, or in a part of one.
pub(crate) struct CheckedBlock {
    /// The number of rows that were read.
    pub(crate) read: RowsRead,
    /// The valid rows.
    valid: Vec<ValidRow>,
    /// The invalid rows.
    pub(crate) invalid: Vec<Row>,
    /// The bytes of input that were read.
    pub(crate) input_bytes: u64,
    /// The first rows of the block, for `--explain`.
    pub(crate) explained: Vec<Explanation>,
    /// The digests of all rows, if they are wanted.
    pub(crate) digest: Option<BlockDigest>,
    /// The block, kept to be read again.
    source: SourceBlock,
    /// The part of the block that is not checked yet.
    rest: Option<SourceBlock>,
    /// Rows in earlier blocks.
    rows_before: u64,
}

/// A valid row of a block, as far as it is needed to find duplicates. Its input is that of the
/// block. Each member is written by itself: copying a [`Position`] as a whole, just after it was
/// put together, makes the processor wait for each row.
#[derive(Debug, Clone, Copy)]
struct ValidRow {
    id: CustomerId,
    row: u64,
    line: u64,
    fields: FieldSet,
}

/// The findings in a block, with its number in the order of the input.
pub(crate) type Found = Box<Numbered<Result<CheckedBlock, InputError>>>;

/// A message from a checking thread.
pub(crate) enum Arrival {
    /// A block was checked.
    Checked(Found),
    /// The thread panicked, so its block never comes.
    Lost,
}

/// Reads and checks blocks; several threads may share its source. The thread that reads a block
/// also checks it, while the block is in the nearest cache.
#[derive(Clone)]
pub(crate) struct BlockChecker {
    source: Arc<Mutex<BlockSource>>,
    options: CheckOptions,
    /// Holds a token for each block that was read and not yet taken in order.
    ahead: SyncSender<()>,
}

/// The options of a check.
#[derive(Clone)]
pub(crate) struct CheckOptions {
    pub(crate) builder: Arc<RowBuilder>,
    /// The number of rows still wanted by `--explain`. A block does not know how many rows come
    /// before it, so this many rows of each block are explained.
    pub(crate) to_explain: Arc<AtomicU64>,
    pub(crate) wanted: Wanted,
}

/// The findings that are wanted of valid rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Wanted {
    /// Their customers and fields, to find duplicates.
    #[default]
    Customers,
    /// Their requests, to compare them with those of earlier runs. Invalid rows have a digest, too.
    Digests,
    /// Both, for a plan.
    Plan,
}

/// The next step of the thread that takes blocks in order.
enum Turn {
    Checked(Found),
    /// The limit of blocks that are read and not taken is reached.
    FarAhead,
    /// The input has ended.
    End,
}

/// The limit of blocks that are read and not yet taken in order, for this many threads: while one
/// of them is late or its findings are recorded, each of the others may finish several.
fn ahead_max(threads: usize) -> usize {
    2 * threads + 2
}

impl BlockChecker {
    /// A checker for this many threads, and its findings in order. With `takes_part`, the thread
    /// that takes the findings also checks a block instead of waiting for one. The reading ends at
    /// a signal from `drain`.
    pub(crate) fn with_threads(
        source: BlockSource,
        options: CheckOptions,
        threads: usize,
        takes_part: bool,
        drain: Drain,
    ) -> (BlockChecker, SyncSender<Arrival>, InOrder) {
        let ahead_max = ahead_max(threads);
        let (ahead, taken) = sync_channel(ahead_max);
        let (arrivals_in, arrivals) = sync_channel(ahead_max);
        let checker = BlockChecker {
            source: Arc::new(Mutex::new(source)),
            options: options.clone(),
            ahead,
        };
        let in_order = InOrder {
            arrivals,
            taken,
            checker: takes_part.then(|| checker.clone()),
            options,
            early: BTreeMap::new(),
            rests: Vec::new(),
            rows_that_fit: 1,
            next: 0,
            rows_before: 0,
            drain,
            stopped_by: None,
        };
        (checker, arrivals_in, in_order)
    }

    /// Reads and checks the next block; `None` at the end.
    fn next(&self) -> Option<Found> {
        // A thread that panicked in its turn ends the reading, because its block is lost.
        let mut turn = self.source.lock().ok()?;
        let Numbered { number, content } = turn.next()?;
        drop(turn);
        Some(Box::new(Numbered {
            number,
            content: content.map(|source| self.options.check(source)),
        }))
    }

    /// Checks the next block, unless that would block the thread.
    fn next_in_turn(&self) -> Turn {
        match self.ahead.try_send(()) {
            Ok(()) => self.next().map_or(Turn::End, Turn::Checked),
            Err(TrySendError::Full(())) => Turn::FarAhead,
            Err(TrySendError::Disconnected(())) => Turn::End,
        }
    }

    /// Checks blocks until the input ends or the receiver is dropped.
    pub(crate) fn check_into(&self, arrivals: &SyncSender<Arrival>) {
        let _report = ReportPanic(arrivals);
        while self.ahead.send(()).is_ok()
            && let Some(next) = self.next()
        {
            if arrivals.send(Arrival::Checked(next)).is_err() {
                return;
            }
        }
    }
}

/// Reports a panic: otherwise the receiver would wait for a block that never comes.
struct ReportPanic<'a>(&'a SyncSender<Arrival>);

impl Drop for ReportPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // The queue has room for as many messages as blocks may be ahead.
            self.0.try_send(Arrival::Lost).ok();
        }
    }
}

/// The findings of all threads in the order of the input, with rows numbered throughout.
pub(crate) struct InOrder {
    arrivals: Receiver<Arrival>,
    /// Returns tokens to the checkers.
    taken: Receiver<()>,
    /// Checks a block instead of waiting for one; `None` at the end of the input.
    checker: Option<BlockChecker>,
    options: CheckOptions,
    /// Findings that came before their turn.
    early: BTreeMap<u64, Result<CheckedBlock, InputError>>,
    /// The unchecked parts of the block whose turn it is, the next one last.
    rests: Vec<SourceBlock>,
    /// The number of its rows whose findings fitted into one part.
    rows_that_fit: u64,
    next: u64,
    rows_before: u64,
    drain: Drain,
    /// The signal that stopped the reading early.
    stopped_by: Option<StopSignal>,
}

impl CheckOptions {
    /// For a pass over the rows before they are sent.
    pub(crate) fn of_pass(builder: RowBuilder, wanted: Wanted) -> CheckOptions {
        CheckOptions {
            builder: Arc::new(builder),
            to_explain: Arc::default(),
            wanted,
        }
    }

    fn check(&self, source: SourceBlock) -> CheckedBlock {
        crash::provoke("checker");
        let to_explain = self.to_explain.load(Ordering::Relaxed);
        check_for_invalid(
            source,
            &self.builder,
            &KnownRows {
                to_explain,
                found_bytes_max: FOUND_BYTES_MAX,
                wanted: self.wanted,
                ..KnownRows::default()
            },
        )
    }
}

impl InOrder {
    /// The findings of one more block, from the thread that is first.
    fn one_more(&mut self) -> Option<Found> {
        let arrival = if let Ok(arrival) = self.arrivals.try_recv() {
            arrival
        } else {
            match self.checker.as_ref().map(BlockChecker::next_in_turn) {
                Some(Turn::Checked(checked)) => return Some(checked),
                Some(Turn::End) => self.checker = None,
                Some(Turn::FarAhead) | None => {}
            }
            self.wait()?
        };
        match arrival {
            Arrival::Checked(checked) => Some(checked),
            Arrival::Lost => None,
        }
    }

    /// Waits for another thread's findings; `None` at the end and at a stop.
    fn wait(&mut self) -> Option<Arrival> {
        loop {
            match self.arrivals.recv_timeout(LOOK_INTERVAL) {
                Ok(arrival) => return Some(arrival),
                Err(RecvTimeoutError::Timeout) if self.is_to_stop() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    fn is_to_stop(&mut self) -> bool {
        self.stopped_by = self.drain.first_signal();
        self.stopped_by.is_some()
    }

    /// The signal that stopped the reading early.
    pub(crate) fn stopped_by(&self) -> Option<StopSignal> {
        self.stopped_by
    }

    /// Numbers findings as the next in order, and keeps the rest of their block.
    fn place(&mut self, mut checked: CheckedBlock) -> CheckedBlock {
        if let Some(rest) = checked.rest.take() {
            self.rows_that_fit = checked.read.rows.max(1);
            self.rests.push(rest);
        }
        checked.move_behind(self.rows_before);
        self.rows_before += checked.read.rows;
        checked
    }
}

impl Iterator for InOrder {
    type Item = Result<CheckedBlock, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(mut rest) = self.rests.pop() {
            if self.is_to_stop() {
                return None;
            }
            // The next part is probably like this one, so a part of this size is parsed only once.
            self.rests.extend(rest.cut_behind(self.rows_that_fit));
            let checked = self.options.check(rest);
            return Some(Ok(self.place(checked)));
        }
        while !self.early.contains_key(&self.next) {
            let Numbered { number, content } = *self.one_more()?;
            self.early.insert(number, content);
        }
        // There is more input than was returned.
        if self.is_to_stop() {
            return None;
        }
        let content = self.early.remove(&self.next)?;
        self.next += 1;
        self.taken.try_recv().ok();
        Some(content.map(|checked| self.place(checked)))
    }
}

impl CheckedBlock {
    /// Moves the row numbers behind this many rows.
    fn move_behind(&mut self, rows_before: u64) {
        self.rows_before += rows_before;
        self.read.move_behind(rows_before);
        let valid = self.valid.iter_mut().map(|row| &mut row.row);
        let digests = (self.digest.iter_mut())
            .flat_map(|digest| &mut digest.rows)
            .map(|digest| &mut digest.position.row);
        let invalid = self.invalid.iter_mut().map(|row| &mut row.position.row);
        let explained = self
            .explained
            .iter_mut()
            .map(|explanation| &mut explanation.position.row);
        for row in valid.chain(invalid).chain(explained).chain(digests) {
            *row += rows_before;
        }
    }

    /// The customers of the valid rows.
    pub(crate) fn ids(&self) -> impl Iterator<Item = CustomerId> {
        self.valid.iter().map(|row| row.id)
    }
}

/// The known facts about a block before it is checked.
#[derive(Debug, Default)]
struct KnownRows<'a> {
    /// Rows in earlier blocks.
    rows_before: u64,
    /// Rows that are refused as duplicates, in order.
    refused_rows: &'a [u64],
    /// The number of rows to explain.
    to_explain: u64,
    /// The size of findings after which the rest of the block is left.
    found_bytes_max: usize,
    wanted: Wanted,
}

/// The findings in a block, as its rows are read.
struct Findings<'a> {
    read: RowsRead,
    valid: Vec<ValidRow>,
    invalid: Vec<Row>,
    explained: Vec<Explanation>,
    digest: Option<BlockDigest>,
    /// The size of the findings.
    bytes: usize,
    builder: &'a RowBuilder,
    known: &'a KnownRows<'a>,
}

impl RowSink for Findings<'_> {
    fn is_own(&self, customer: Option<CustomerId>) -> bool {
        self.builder.is_own(customer)
    }

    /// Duplicates are known only in order, so a row is taken for the first of its customer unless
    /// it is known to be refused.
    #[inline]
    fn occurrence(&mut self, _update: &CustomerUpdate<'_>, position: Position) -> Occurrence {
        match self.known.refused_rows.binary_search(&position.row) {
            Ok(_) => Occurrence::Refused,
            Err(_) => Occurrence::Sent,
        }
    }

    fn would_refuse(&self, _id: CustomerId) -> bool {
        false
    }

    fn counts(&mut self) -> &mut RowsRead {
        &mut self.read
    }

    #[inline]
    fn take(&mut self, row: ReadRow<'_>) -> ControlFlow<()> {
        if row.ordinal < self.known.to_explain {
            let explanation = Explanation::of(&row.verdict, row.cells, row.position);
            self.bytes += explanation.bytes();
            self.explained.push(explanation);
        }
        if let Some(digest) = &mut self.digest {
            digest.add(row.raw, row.position, &row.verdict, self.builder);
            if self.known.wanted == Wanted::Digests {
                return ControlFlow::Continue(());
            }
        }
        match row.verdict {
            RowVerdict::Valid(update) | RowVerdict::Superseded(update) => {
                self.valid.push(ValidRow {
                    id: update.id(),
                    row: row.position.row,
                    line: row.position.line,
                    fields: update.fields(),
                });
            }
            RowVerdict::Overtaken(_) | RowVerdict::Elsewhere(_) => {}
            RowVerdict::Invalid(invalid) => {
                let row = self.builder.invalid_row(row.raw, invalid, row.position);
                self.bytes += row.bytes();
                self.invalid.push(row);
            }
        }
        if self.bytes >= self.known.found_bytes_max {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn check_for_invalid(
    mut source: SourceBlock,
    builder: &RowBuilder,
    known: &KnownRows<'_>,
) -> CheckedBlock {
    let mut found = Findings {
        read: RowsRead::default(),
        valid: Vec::with_capacity(source.block.bytes.len() / ROW_BYTES),
        invalid: Vec::new(),
        explained: Vec::new(),
        digest: match known.wanted {
            Wanted::Customers => None,
            Wanted::Digests | Wanted::Plan => Some(BlockDigest::default()),
        },
        bytes: 0,
        builder,
        known,
    };
    let (rows_before, rules, to_explain) = (known.rows_before, &builder.rules, known.to_explain);
    let mut blank_rows = read_rows(&source, rows_before, rules, to_explain, &mut found);
    let Findings {
        mut read,
        valid,
        invalid,
        explained,
        digest,
        bytes,
        ..
    } = found;
    let rest = if bytes >= known.found_bytes_max {
        source.cut_behind(read.rows)
    } else {
        None
    };
    if rest.is_some() {
        blank_rows = source
            .layout
            .parse(&source.block, rules, 0, &mut |_record| {});
    }
    read.blank_rows = blank_rows;
    let input_bytes = u64::try_from(source.block.bytes.len()).unwrap_or(u64::MAX);
    CheckedBlock {
        read,
        valid,
        invalid,
        input_bytes,
        explained,
        digest,
        source,
        rest,
        rows_before,
    }
}

#[cfg(test)]
mod tests;
