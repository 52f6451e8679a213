//! What a check finds: any number of threads take turns to read a block and sift it for the rows that break the contract, and
//! [`InOrder`] puts what they found back into the order of the input.
//!
//! Two bounds keep it in flat memory, whatever the rows are like. No thread reads further ahead of the block whose turn it is than
//! [`ahead_max`], and what is found in a block is handed out in parts of about [`FOUND_BYTES_MAX`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::super::explanation::Explanation;
use super::source::{BlockSource, Numbered, SourceBlock};
use super::{ROW_BYTES, RowBuilder, add_duplicate, refused};
use crate::contract::{CustomerId, FieldSet};
use crate::input::{InputError, parse_block};
use crate::process::crash;
use crate::process::signals::{Drain, StopSignal};
use crate::results::tally::RowsRead;
use crate::row::duplicates::{DuplicateFilter, Occurrence};
use crate::row::{Position, Row, RowContent};

/// What is found in a block may take about this many bytes, before the rest of it is left to whoever takes it in order.
const FOUND_BYTES_MAX: usize = 1 << 20;

/// How often a wait for a block looks whether it is to stop: a pipe may never say another word.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What a check finds in a block, or in a part of one.
pub(crate) struct CheckedBlock {
    /// What was read.
    pub(crate) read: RowsRead,
    /// Whom the rows that keep the contract name, and where they stand.
    valid: Vec<(CustomerId, FieldSet, Position)>,
    /// The rows that break the contract.
    pub(crate) invalid: Vec<Row>,
    /// Bytes of input that were read.
    pub(crate) input_bytes: u64,
    /// Its first rows, where somebody wants to see them.
    pub(crate) explained: Vec<Explanation>,
    /// The block, to read it again.
    source: SourceBlock,
    /// What is left of it to be checked.
    rest: Option<SourceBlock>,
    /// Rows of the blocks before.
    rows_before: u64,
}

/// What was found in a block, in its place in the order of the input.
pub(crate) type Found = Box<Numbered<Result<CheckedBlock, InputError>>>;

/// What a known thread has to say.
pub(crate) enum Arrival {
    /// It checked a block.
    Checked(Found),
    /// It panicked, so that a block never comes.
    Lost,
}

/// Reads blocks and sifts them for the rows that break the contract; several threads may share its source. The thread that
/// reads a block also parses it, while it is in the nearest cache.
#[derive(Clone)]
pub(crate) struct BlockChecker {
    source: Arc<Mutex<BlockSource>>,
    how: How,
    /// Holds a token for each block that was read and not yet taken in order.
    ahead: SyncSender<()>,
}

/// How blocks are checked.
#[derive(Clone)]
pub(crate) struct How {
    pub(crate) builder: Arc<RowBuilder>,
    /// How many rows somebody still wants to see. A block cannot know how many come before it, so as many of its rows are
    /// explained.
    pub(crate) to_explain: Arc<AtomicU64>,
}

/// A turn of the thread that takes blocks in order.
enum Turn {
    Checked(Found),
    /// As many blocks as may be are read and not taken.
    FarAhead,
    /// There is no more.
    End,
}

/// How many blocks may be read and not yet taken in order, for so many threads: while one of them is late, or what was found is
/// recorded, each of the others may finish more than one.
fn ahead_max(threads: usize) -> usize {
    2 * threads + 2
}

impl BlockChecker {
    /// Threads that sift, so many of them, and what they find, in order. `takes_part` says whether whoever takes that sifts, too,
    /// where it would have to wait. It ends where `drain` asks for that.
    pub(crate) fn with_threads(
        source: BlockSource,
        how: How,
        threads: usize,
        takes_part: bool,
        drain: Drain,
    ) -> (BlockChecker, SyncSender<Arrival>, InOrder) {
        let ahead_max = ahead_max(threads);
        let (ahead, taken) = sync_channel(ahead_max);
        let (arrivals_in, arrivals) = sync_channel(ahead_max);
        let checker = BlockChecker {
            source: Arc::new(Mutex::new(source)),
            how: how.clone(),
            ahead,
        };
        let in_order = InOrder {
            arrivals,
            taken,
            checker: takes_part.then(|| checker.clone()),
            how,
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

    /// What the next block has; nothing at the end.
    fn next(&self) -> Option<Found> {
        // A thread that panicked in its turn ends the reading: what it read is lost.
        let mut turn = self.source.lock().ok()?;
        let Numbered { number, content } = turn.next()?;
        drop(turn);
        Some(Box::new(Numbered {
            number,
            content: content.map(|source| self.how.check(source)),
        }))
    }

    /// The same, where no block has to be waited for.
    fn next_in_turn(&self) -> Turn {
        match self.ahead.try_send(()) {
            Ok(()) => self.next().map_or(Turn::End, Turn::Checked),
            Err(TrySendError::Full(())) => Turn::FarAhead,
            Err(TrySendError::Disconnected(())) => Turn::End,
        }
    }

    /// Sifts all that there is, as far as somebody takes it.
    pub(crate) fn check_into(&self, arrivals: &SyncSender<Arrival>) {
        let _told = ToldWhenLost(arrivals);
        while self.ahead.send(()).is_ok()
            && let Some(next) = self.next()
        {
            if arrivals.send(Arrival::Checked(next)).is_err() {
                return;
            }
        }
    }
}

/// Tells of a panic: the others would wait for the block that never comes.
struct ToldWhenLost<'a>(&'a SyncSender<Arrival>);

impl Drop for ToldWhenLost<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            // There is room for as many as may be ahead.
            self.0.try_send(Arrival::Lost).ok();
        }
    }
}

/// What several threads found, in the order of the input, with rows numbered over all of it.
pub(crate) struct InOrder {
    arrivals: Receiver<Arrival>,
    /// Gives tokens back.
    taken: Receiver<()>,
    /// Sifts a block where it would have to wait for one, until there is none any more.
    checker: Option<BlockChecker>,
    how: How,
    /// What came before its turn.
    early: BTreeMap<u64, Result<CheckedBlock, InputError>>,
    /// What is left of the block whose turn it is, in parts, the next one last.
    rests: Vec<SourceBlock>,
    /// Rows of it of which fitted into one part what was found.
    rows_that_fit: u64,
    next: u64,
    rows_before: u64,
    drain: Drain,
    /// Why more may have come.
    stopped_by: Option<StopSignal>,
}

impl How {
    fn check(&self, source: SourceBlock) -> CheckedBlock {
        crash::provoke("checker");
        let to_explain = self.to_explain.load(Ordering::Relaxed);
        check_for_invalid(
            source,
            &self.builder,
            &Known {
                to_explain,
                found_bytes_max: FOUND_BYTES_MAX,
                ..Known::default()
            },
        )
    }
}

impl InOrder {
    /// One more block, from whoever has one first.
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

    /// What the others find next; nothing at the end, and where it is to stop.
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

    /// The signal that it stopped for, where more may have come.
    pub(crate) fn stopped_by(&self) -> Option<StopSignal> {
        self.stopped_by
    }

    /// Numbers what was found as what comes next, and keeps what is left of its block.
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
            // The next part is probably like the one before: nothing is parsed in vain.
            self.rests.extend(rest.cut_behind(self.rows_that_fit));
            let checked = self.how.check(rest);
            return Some(Ok(self.place(checked)));
        }
        while !self.early.contains_key(&self.next) {
            let Numbered { number, content } = *self.one_more()?;
            self.early.insert(number, content);
        }
        // Here, there is more than what was handed out.
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
    /// Numbers the rows as ones that so many rows come before.
    fn move_behind(&mut self, rows_before: u64) {
        self.rows_before += rows_before;
        self.read.move_behind(rows_before);
        let valid = self.valid.iter_mut().map(|(.., position)| position);
        let invalid = self.invalid.iter_mut().map(|row| &mut row.position);
        let explained = self
            .explained
            .iter_mut()
            .map(|explanation| &mut explanation.position);
        for position in valid.chain(invalid).chain(explained) {
            position.row += rows_before;
        }
    }

    /// Whom the rows that keep the contract name.
    pub(crate) fn ids(&self) -> impl Iterator<Item = CustomerId> {
        self.valid.iter().map(|(id, ..)| *id)
    }

    /// Looks at the ids for what becomes of their rows. Blocks have to come in the order of the input.
    pub(crate) fn settle(mut self, ids: &mut Ids, builder: &RowBuilder) -> CheckedBlock {
        let (mut refused, mut also_refused) = (Vec::new(), Vec::new());
        let mut invalid = self.invalid.iter().peekable();
        let mut check_invalid_before = |before: u64, ids: &Ids| {
            while let Some(row) = invalid.next_if(|row| row.position.row < before) {
                if row.id.is_some_and(|id| ids.would_reject(id)) {
                    also_refused.push(row.position.row);
                }
            }
        };
        for (id, fields, position) in std::mem::take(&mut self.valid) {
            check_invalid_before(position.row, ids);
            let standing = ids.next(id, fields);
            self.read.add_standing(position, standing);
            match standing {
                Standing::Sent
                | Standing::SentAgain
                | Standing::SentInstead { .. }
                | Standing::Unknown => {}
                Standing::Superseded => {
                    let explained = self
                        .explained
                        .iter_mut()
                        .find(|explained| explained.position == position);
                    explained.into_iter().for_each(Explanation::supersede);
                }
                Occurrence::Refused => refused.push(position.row),
            }
        }
        check_invalid_before(u64::MAX, ids);
        // Good rows are not kept, so those that turn out to be bad are read once more.
        let checked = if refused.is_empty() {
            self
        } else {
            let to_explain = u64::try_from(self.explained.len()).unwrap_or(u64::MAX);
            let rows_before = self.rows_before;
            let known = Known {
                rows_before,
                refused_rows: &refused,
                to_explain,
                found_bytes_max: usize::MAX,
            };
            check_for_invalid(self.source, builder, &known)
        };
        checked.with_duplicates(&also_refused)
    }

    /// The same, where these of its invalid rows, in order, would be refused if they were valid.
    fn with_duplicates(mut self, rows: &[u64]) -> CheckedBlock {
        for row in &mut self.invalid {
            if let (RowContent::Invalid(errors), Ok(_)) =
                (&mut row.content, rows.binary_search(&row.position.row))
            {
                add_duplicate(errors);
            }
        }
        self
    }
}

/// What is known of a block before it is checked.
#[derive(Debug, Default)]
struct Known<'a> {
    /// Rows of the blocks before.
    rows_before: u64,
    /// Rows that are refused for their ids' sake, in order.
    refused_rows: &'a [u64],
    /// So many of its rows somebody wants to see.
    to_explain: u64,
    /// Where what was found takes as many bytes, the rest of the block is left.
    found_bytes_max: usize,
}

fn check_for_invalid(
    mut source: SourceBlock,
    builder: &RowBuilder,
    known: &Known<'_>,
) -> CheckedBlock {
    let Known {
        rows_before,
        refused_rows,
        to_explain,
        found_bytes_max,
    } = *known;
    let SourceBlock {
        input,
        skipped,
        block,
        layout,
    } = &source;
    let (mut read, mut invalid, mut explained) = (RowsRead::default(), Vec::new(), Vec::new());
    let mut valid = Vec::with_capacity(block.bytes.len() / ROW_BYTES);
    let mut found_bytes = 0;
    let rules = &builder.rules;
    let mut blank_rows = parse_block(block, layout, rules, &mut |mut record| {
        if found_bytes >= found_bytes_max {
            return;
        }
        let position = Position {
            row: skipped + rows_before + record.ordinal + 1,
            input: *input,
            line: record.line,
        };
        if refused_rows.binary_search(&position.row).is_ok() {
            record.checked = record.checked.and_then(|update| Err(refused(update.id())));
        }
        if record.ordinal < to_explain {
            let explanation = Explanation::of(&record, position, layout, rules);
            found_bytes += explanation.bytes();
            explained.push(explanation);
        }
        match record.checked {
            Ok(update) if update.fields().is_empty() => {
                read.add_overtaken(position, update.notes());
            }
            Ok(update) => {
                read.add_valid(position, update.notes());
                valid.push((update.id(), update.fields(), position));
            }
            Err(errors) => {
                read.add_invalid(position);
                let row = builder.invalid_row(record.raw, errors, position);
                found_bytes += row.bytes();
                invalid.push(row);
            }
        }
    });
    let rest = if found_bytes >= found_bytes_max {
        source.cut_behind(read.rows)
    } else {
        None
    };
    if rest.is_some() {
        blank_rows = parse_block(&source.block, &source.layout, rules, &mut |_| {});
    }
    read.blank_rows = blank_rows;
    let input_bytes = u64::try_from(source.block.bytes.len()).unwrap_or(u64::MAX);
    CheckedBlock {
        read,
        valid,
        invalid,
        input_bytes,
        explained,
        source,
        rest,
        rows_before,
    }
}

#[cfg(test)]
mod tests;
