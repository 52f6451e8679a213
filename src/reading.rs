//! From open inputs to checked rows: blocks are cut one after the other, parsed and checked by themselves.
//!
//! A run wants all rows in order, so one thread reads and another one checks for it. A check wants the bad rows alone, so any
//! number of threads take turns to read a block and sift what they read, and [`InOrder`] puts what they found back into the
//! order of the input: the result is the same, byte for byte.
//! What a row's id makes of it depends on the rows before, so it is looked for in that order ([`Sifted::settle`]).
//!
//! All of them end when their queue's other end is dropped, so whoever stops taking rows stops the reading.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use crate::contract::{CustomerId, CustomerUpdate, ErrorCode, FieldError, InvalidRow, Subject};
use crate::explanation::Explanation;
use crate::ids::{Ids, Standing};
use crate::input::{Block, Input, InputError, Layout, Origin, RowRules, RowWindow, parse_block};
use crate::journal::Key;
use crate::row::{Content, Position, Row};
use crate::tally::RowsRead;

/// Blocks of about 256 KiB that wait to be parsed.
pub(crate) const BLOCKS_QUEUED_MAX: usize = 2;

/// Blocks that came before their turn, with which no more are read by whoever waits for the turn of the first.
const EARLY_MAX: usize = 8;

/// About the size of a row, to make room for as many.
const ROW_BYTES: usize = 128;

/// Makes rows of records that were read and checked.
#[derive(Debug, Clone)]
pub struct RowBuilder {
    /// How records are read.
    pub rules: RowRules,
    /// What their hashes are keyed by.
    pub key: Key,
}

/// What comes of reading: a block, or why there is no more.
pub(crate) type ReadBlock = Numbered<Result<SourceBlock, InputError>>;

/// Something that has its place in the order of the input.
pub(crate) struct Numbered<T> {
    /// From 0.
    number: u64,
    content: T,
}

/// A block and where it comes from.
pub(crate) struct SourceBlock {
    input: usize,
    /// Rows that were skipped before its first one, over all inputs.
    skipped: u64,
    block: Block,
    layout: Arc<Layout>,
}

/// The rows of a block, in order.
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    /// What was read, that is these rows.
    pub(crate) read: RowsRead,
}

/// What a check finds in a block.
pub(crate) struct Sifted {
    /// What was read.
    pub(crate) read: RowsRead,
    /// Whom the rows that keep the contract name, and where they stand.
    valid: Vec<(CustomerId, Position)>,
    /// The rows that break the contract.
    pub(crate) invalid: Vec<Row>,
    /// Bytes of input that were read.
    pub(crate) input_bytes: u64,
    /// Its first rows, where somebody wants to see them.
    pub(crate) explained: Vec<Explanation>,
    /// The block, to read it again.
    source: SourceBlock,
    /// Rows of the blocks before.
    rows_before: u64,
}

/// Whether anybody still takes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    Present,
    Gone,
}

/// The blocks of all inputs, one input after the other.
pub(crate) struct BlockSource {
    inputs: VecDeque<Input>,
    /// Inputs that are read.
    read: usize,
    window: RowWindow,
    /// Blocks that were handed out.
    count: u64,
}

impl BlockSource {
    pub(crate) fn of(inputs: Vec<Input>, window: RowWindow) -> BlockSource {
        BlockSource { inputs: inputs.into(), read: 0, window, count: 0 }
    }

    /// The next block, or why there is none; nothing after that and at the end.
    pub(crate) fn next(&mut self) -> Option<ReadBlock> {
        let content = self.next_source()?;
        if content.is_err() {
            self.inputs.clear();
        }
        self.count += 1;
        Some(Numbered { number: self.count - 1, content })
    }

    fn has_failed_rows(&self) -> bool {
        self.inputs.iter().any(|input| input.layout().origin() == Origin::FailedRows)
    }

    fn next_source(&mut self) -> Option<Result<SourceBlock, InputError>> {
        loop {
            let layout = self.inputs.front()?.layout().clone();
            // Where failed rows follow, the rows before are counted all the same: theirs are numbers over the whole input.
            if self.window.is_closed(&layout) && !self.has_failed_rows() {
                return None;
            }
            match self.inputs.front_mut()?.next_block() {
                Ok(Some(block)) => {
                    let Some(block) = self.window.cut(block, &layout) else { continue };
                    return Some(Ok(SourceBlock { input: self.read, skipped: self.window.skipped(), block, layout }));
                }
                Ok(None) => {
                    self.inputs.pop_front();
                    self.read += 1;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Reads all blocks into a bounded queue.
pub(crate) fn read_blocks(mut source: BlockSource, blocks: &SyncSender<ReadBlock>) {
    while let Some(block) = source.next() {
        if blocks.send(block).is_err() {
            return;
        }
    }
}

/// Parses and checks blocks into batches of all their rows, in order, by one thread.
pub(crate) fn check_blocks(
    blocks: &Receiver<ReadBlock>,
    builder: &RowBuilder,
    mut ids: Ids,
    mut send: impl FnMut(Result<Batch, InputError>) -> Demand,
) {
    let mut rows_before = 0;
    while let Ok(Numbered { content, .. }) = blocks.recv() {
        let batch = content.map(|source| {
            let batch = check_block(&source, rows_before, builder, &mut ids);
            rows_before += batch.read.rows;
            batch
        });
        if send(batch) == Demand::Gone {
            return;
        }
    }
}

/// Reads blocks and sifts them for the rows that break the contract; several threads may share its source. The thread that
/// reads a block also parses it, while it is in the nearest cache.
#[derive(Clone)]
pub(crate) struct Sifter {
    source: Arc<Mutex<BlockSource>>,
    builder: Arc<RowBuilder>,
    /// How many rows somebody still wants to see. A block cannot know how many come before it, so as many of its rows are
    /// explained.
    to_explain: Arc<AtomicU64>,
}

impl Sifter {
    pub(crate) fn of(source: BlockSource, builder: Arc<RowBuilder>, to_explain: Arc<AtomicU64>) -> Sifter {
        Sifter { source: Arc::new(Mutex::new(source)), builder, to_explain }
    }

    /// What the next block has; nothing at the end.
    fn next(&self) -> Option<Numbered<Result<Sifted, InputError>>> {
        // A thread that panicked in its turn ends the reading: what it read is lost.
        let mut turn = self.source.lock().ok()?;
        let Numbered { number, content } = turn.next()?;
        drop(turn);
        let to_explain = self.to_explain.load(Ordering::Relaxed);
        let content =
            content.map(|source| sift_block(source, &self.builder, &Sifting { to_explain, ..Sifting::default() }));
        Some(Numbered { number, content })
    }

    /// Sifts all that there is, as far as somebody takes it.
    pub(crate) fn sift_into(&self, sifted: &SyncSender<Numbered<Result<Sifted, InputError>>>) {
        while let Some(next) = self.next() {
            if sifted.send(next).is_err() {
                return;
            }
        }
    }
}

/// What several threads found, in the order of the input, with rows numbered over all of it.
pub(crate) struct InOrder {
    sifted: Receiver<Numbered<Result<Sifted, InputError>>>,
    /// Sifts a block where it would have to wait for one, until there is none any more.
    sifter: Option<Sifter>,
    /// What came before its turn.
    early: BTreeMap<u64, Result<Sifted, InputError>>,
    next: u64,
    rows_before: u64,
}

impl InOrder {
    pub(crate) fn of(sifted: Receiver<Numbered<Result<Sifted, InputError>>>, sifter: Option<Sifter>) -> InOrder {
        InOrder { sifted, sifter, early: BTreeMap::new(), next: 0, rows_before: 0 }
    }

    /// One more block, from whoever has one first.
    fn one_more(&mut self) -> Option<Numbered<Result<Sifted, InputError>>> {
        if let Ok(sifted) = self.sifted.try_recv() {
            return Some(sifted);
        }
        if let Some(sifter) = self.sifter.as_ref().filter(|_| self.early.len() < EARLY_MAX) {
            match sifter.next() {
                Some(sifted) => return Some(sifted),
                None => self.sifter = None,
            }
        }
        self.sifted.recv().ok()
    }
}

impl Iterator for InOrder {
    type Item = Result<Sifted, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.early.contains_key(&self.next) {
            let Numbered { number, content } = self.one_more()?;
            self.early.insert(number, content);
        }
        let content = self.early.remove(&self.next)?;
        self.next += 1;
        Some(content.map(|mut sifted| {
            sifted.move_behind(self.rows_before);
            self.rows_before += sifted.read.rows;
            sifted
        }))
    }
}

impl Sifted {
    /// Numbers the rows as ones that so many rows come before.
    fn move_behind(&mut self, rows_before: u64) {
        self.rows_before += rows_before;
        self.read.move_behind(rows_before);
        let valid = self.valid.iter_mut().map(|(_, position)| position);
        let invalid = self.invalid.iter_mut().map(|row| &mut row.position);
        let explained = self.explained.iter_mut().map(|explanation| &mut explanation.position);
        for position in valid.chain(invalid).chain(explained) {
            position.row += rows_before;
        }
    }

    /// Whom the rows that keep the contract name.
    pub(crate) fn ids(&self) -> impl Iterator<Item = CustomerId> {
        self.valid.iter().map(|(id, _)| *id)
    }

    /// Looks at the ids for what becomes of their rows. Blocks have to come in the order of the input.
    pub(crate) fn settle(mut self, ids: &mut Ids, builder: &RowBuilder) -> Sifted {
        let mut refused = Vec::new();
        for (id, position) in std::mem::take(&mut self.valid) {
            let standing = ids.next(id);
            self.read.add_standing(position, standing);
            match standing {
                Standing::Sent | Standing::SentAgain | Standing::Unknown => {}
                Standing::Superseded => {
                    let explained = self.explained.iter_mut().find(|explained| explained.position == position);
                    explained.into_iter().for_each(Explanation::supersede);
                }
                Standing::Refused => refused.push(position.row),
            }
        }
        if refused.is_empty() {
            return self;
        }
        // Good rows are not kept, so those that turn out to be bad are read once more.
        let to_explain = u64::try_from(self.explained.len()).unwrap_or(u64::MAX);
        let sifting = Sifting { rows_before: self.rows_before, refused_rows: &refused, to_explain };
        sift_block(self.source, builder, &sifting)
    }
}

fn check_block(source: &SourceBlock, rows_before: u64, builder: &RowBuilder, ids: &mut Ids) -> Batch {
    let SourceBlock { input, skipped, block, layout } = source;
    let mut batch = Batch { rows: Vec::with_capacity(block.bytes.len() / ROW_BYTES), read: RowsRead::default() };
    let mut buffer = Vec::new();
    parse_block(block, layout, &builder.rules, &mut |record| {
        let position = Position { row: skipped + rows_before + record.ordinal + 1, input: *input, line: record.line };
        batch.rows.push(match record.checked {
            Ok(update) if update.fields().is_empty() => {
                batch.read.add_overtaken(position, update.notes());
                builder.superseded_row(record.raw, update.id(), position)
            }
            Ok(update) => {
                let standing = ids.next(update.id());
                batch.read.add_standing(position, standing);
                match standing {
                    Standing::Sent | Standing::SentAgain | Standing::Unknown => {
                        batch.read.add_valid(position, update.notes());
                        builder.valid_row(record.raw, &update, position, &mut buffer)
                    }
                    Standing::Superseded => {
                        batch.read.add_valid(position, update.notes());
                        builder.superseded_row(record.raw, update.id(), position)
                    }
                    Standing::Refused => {
                        batch.read.add_invalid(position);
                        builder.invalid_row(record.raw, refused(update.id()), position)
                    }
                }
            }
            Err(invalid) => {
                batch.read.add_invalid(position);
                builder.invalid_row(record.raw, invalid, position)
            }
        });
    });
    batch
}

/// What is known of a block before it is sifted.
#[derive(Debug, Default)]
struct Sifting<'a> {
    /// Rows of the blocks before.
    rows_before: u64,
    /// Rows that are refused for their ids' sake, in order.
    refused_rows: &'a [u64],
    /// So many of its rows somebody wants to see.
    to_explain: u64,
}

fn sift_block(source: SourceBlock, builder: &RowBuilder, sifting: &Sifting<'_>) -> Sifted {
    let Sifting { rows_before, refused_rows, to_explain } = *sifting;
    let SourceBlock { input, skipped, block, layout } = &source;
    let (mut read, mut invalid, mut explained) = (RowsRead::default(), Vec::new(), Vec::new());
    let mut valid = Vec::with_capacity(block.bytes.len() / ROW_BYTES);
    let rules = &builder.rules;
    parse_block(block, layout, rules, &mut |mut record| {
        let position = Position { row: skipped + rows_before + record.ordinal + 1, input: *input, line: record.line };
        if refused_rows.binary_search(&position.row).is_ok() {
            record.checked = record.checked.and_then(|update| Err(refused(update.id())));
        }
        if record.ordinal < to_explain {
            explained.push(Explanation::of(&record, position, layout, rules));
        }
        match record.checked {
            Ok(update) if update.fields().is_empty() => read.add_overtaken(position, update.notes()),
            Ok(update) => {
                read.add_valid(position, update.notes());
                valid.push((update.id(), position));
            }
            Err(errors) => {
                read.add_invalid(position);
                invalid.push(builder.invalid_row(record.raw, errors, position));
            }
        }
    });
    let input_bytes = u64::try_from(block.bytes.len()).unwrap_or(u64::MAX);
    Sifted { read, valid, invalid, input_bytes, explained, source, rows_before }
}

/// What is wrong with a valid row that is refused for its id's sake.
fn refused(id: CustomerId) -> InvalidRow {
    let message = "stands in an earlier row too (--unique reject)";
    InvalidRow { id: Some(id), errors: vec![FieldError::new(Subject::Id, ErrorCode::Duplicate, message)] }
}

impl RowBuilder {
    /// One allocation holds record and body, so that a row that waits long keeps no block alive. How long it has to be is known
    /// once they were put together in `buffer`.
    fn valid_row(&self, raw: &[u8], update: &CustomerUpdate<'_>, position: Position, buffer: &mut Vec<u8>) -> Row {
        buffer.clear();
        buffer.extend_from_slice(raw);
        update.write_body(buffer);
        let mut record = Bytes::copy_from_slice(buffer);
        let body = record.split_off(raw.len());
        let (id, fields, request) = (update.id(), update.fields(), self.key.request_hash(update.id().get(), &body));
        self.row(position, Some(id), record, Content::Update { id, body, fields, request })
    }

    fn invalid_row(&self, raw: &[u8], invalid: InvalidRow, position: Position) -> Row {
        self.row(position, invalid.id, Bytes::copy_from_slice(raw), Content::Invalid(invalid.errors))
    }

    fn superseded_row(&self, raw: &[u8], id: CustomerId, position: Position) -> Row {
        self.row(position, Some(id), Bytes::copy_from_slice(raw), Content::Superseded)
    }

    fn row(&self, position: Position, id: Option<CustomerId>, raw: Bytes, content: Content) -> Row {
        Row { position, id, hash: self.key.record_hash(&raw), raw, content }
    }
}
