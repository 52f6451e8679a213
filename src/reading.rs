//! From open inputs to checked rows: one thread cuts blocks, others parse and check them.
//!
//! A run wants all rows in order, so one thread checks for it. A check wants the bad rows alone, so any number of threads sift
//! blocks for it, and [`InOrder`] puts what they found back into the order of the input: the result is the same, byte for byte.
//! What a row's id makes of it depends on the rows before, so it is looked for in that order ([`Sifted::settle`]).
//!
//! All of them end when their queue's other end is dropped, so whoever stops taking rows stops the reading.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::contract::{CustomerId, CustomerUpdate, ErrorCode, FieldError, InvalidRow, Subject};
use crate::explanation::Explanation;
use crate::ids::{Ids, Standing};
use crate::input::{Block, Input, InputError, Layout, RowRules, RowWindow, parse_block};
use crate::journal::hash_of;
use crate::row::{Content, Position, Row};
use crate::tally::RowsRead;

/// Blocks of about 256 KiB that wait to be parsed.
pub(crate) const BLOCKS_QUEUED_MAX: usize = 4;

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

/// Reads all inputs, one after the other, into a bounded queue.
pub(crate) fn read_blocks(inputs: Vec<Input>, mut window: RowWindow, blocks: &SyncSender<ReadBlock>) {
    let mut number = 0;
    let mut send = |content| {
        let sent = blocks.send(Numbered { number, content });
        number += 1;
        if sent.is_ok() { Demand::Present } else { Demand::Gone }
    };
    for (input_index, mut input) in inputs.into_iter().enumerate() {
        while !window.is_closed() {
            let block = match input.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => {
                    send(Err(error));
                    return;
                }
            };
            let Some(block) = window.cut(block, input.layout()) else { continue };
            let skipped = window.skipped();
            let source = SourceBlock { input: input_index, skipped, block, layout: input.layout().clone() };
            if send(Ok(source)) == Demand::Gone {
                return;
            }
        }
    }
}

/// Parses and checks blocks into batches of all their rows, in order, by one thread.
pub(crate) fn check_blocks(
    blocks: &Receiver<ReadBlock>,
    rules: &RowRules,
    mut ids: Ids,
    mut send: impl FnMut(Result<Batch, InputError>) -> Demand,
) {
    let mut rows_before = 0;
    while let Ok(Numbered { content, .. }) = blocks.recv() {
        let batch = content.map(|source| {
            let batch = check_block(&source, rows_before, rules, &mut ids);
            rows_before += batch.read.rows;
            batch
        });
        if send(batch) == Demand::Gone {
            return;
        }
    }
}

/// Sifts blocks for the rows that break the contract; one of several threads that share the queue. `to_explain` is how many
/// rows somebody still wants to see. A block cannot know how many come before it, so as many of its rows are explained.
pub(crate) fn sift_blocks(
    blocks: &Mutex<Receiver<ReadBlock>>,
    rules: &RowRules,
    to_explain: &AtomicU64,
    sifted: &SyncSender<Numbered<Result<Sifted, InputError>>>,
) {
    loop {
        // A thread that panicked while it waited for a block took none with it.
        let block = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Numbered { number, content }) = block else { return };
        let to_explain = to_explain.load(Ordering::Relaxed);
        let content = content.map(|source| sift_block(source, rules, &Sifting { to_explain, ..Sifting::default() }));
        if sifted.send(Numbered { number, content }).is_err() {
            return;
        }
    }
}

/// What several threads found, in the order of the input, with rows numbered over all of it.
pub(crate) struct InOrder {
    sifted: Receiver<Numbered<Result<Sifted, InputError>>>,
    /// What came before its turn: not more than there are threads and places in the queue.
    early: BTreeMap<u64, Result<Sifted, InputError>>,
    next: u64,
    rows_before: u64,
}

impl InOrder {
    pub(crate) fn of(sifted: Receiver<Numbered<Result<Sifted, InputError>>>) -> InOrder {
        InOrder { sifted, early: BTreeMap::new(), next: 0, rows_before: 0 }
    }
}

impl Iterator for InOrder {
    type Item = Result<Sifted, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.early.contains_key(&self.next) {
            let Numbered { number, content } = self.sifted.recv().ok()?;
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
    pub(crate) fn settle(mut self, ids: &mut Ids, rules: &RowRules) -> Sifted {
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
        sift_block(self.source, rules, &sifting)
    }
}

fn check_block(source: &SourceBlock, rows_before: u64, rules: &RowRules, ids: &mut Ids) -> Batch {
    let SourceBlock { input, skipped, block, layout } = source;
    let mut batch = Batch { rows: Vec::new(), read: RowsRead::default() };
    parse_block(block, layout, rules, &mut |record| {
        let position = Position { row: skipped + rows_before + record.ordinal + 1, input: *input, line: record.line };
        batch.rows.push(match record.checked {
            Ok(update) => {
                let standing = ids.next(update.id());
                batch.read.add_standing(position, standing);
                match standing {
                    Standing::Sent | Standing::SentAgain | Standing::Unknown => {
                        batch.read.add_valid(position, update.notes());
                        valid_row(record.raw, &update, position)
                    }
                    Standing::Superseded => {
                        batch.read.add_valid(position, update.notes());
                        superseded_row(record.raw, update.id(), position)
                    }
                    Standing::Refused => {
                        batch.read.add_invalid(position);
                        invalid_row(record.raw, refused(update.id()), position)
                    }
                }
            }
            Err(invalid) => {
                batch.read.add_invalid(position);
                invalid_row(record.raw, invalid, position)
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

fn sift_block(source: SourceBlock, rules: &RowRules, sifting: &Sifting<'_>) -> Sifted {
    let Sifting { rows_before, refused_rows, to_explain } = *sifting;
    let SourceBlock { input, skipped, block, layout } = &source;
    let (mut read, mut valid, mut invalid, mut explained) = (RowsRead::default(), Vec::new(), Vec::new(), Vec::new());
    parse_block(block, layout, rules, &mut |mut record| {
        let position = Position { row: skipped + rows_before + record.ordinal + 1, input: *input, line: record.line };
        if refused_rows.binary_search(&position.row).is_ok() {
            record.checked = record.checked.and_then(|update| Err(refused(update.id())));
        }
        if record.ordinal < to_explain {
            explained.push(Explanation::of(&record, position, layout, rules));
        }
        match record.checked {
            Ok(update) => {
                read.add_valid(position, update.notes());
                valid.push((update.id(), position));
            }
            Err(errors) => {
                read.add_invalid(position);
                invalid.push(invalid_row(record.raw, errors, position));
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

/// One allocation holds record and body, so that a row that waits long keeps no block alive.
fn valid_row(raw: &[u8], update: &CustomerUpdate<'_>, position: Position) -> Row {
    let mut bytes = Vec::with_capacity(raw.len() * 3);
    bytes.extend_from_slice(raw);
    update.write_body(&mut bytes);
    let mut record = Bytes::from(bytes);
    let body = record.split_off(raw.len());
    let content = Content::Update { id: update.id(), body };
    Row { position, id: Some(update.id()), hash: hash_of(raw), raw: record, content }
}

fn invalid_row(raw: &[u8], invalid: InvalidRow, position: Position) -> Row {
    let content = Content::Invalid(invalid.errors);
    Row { position, id: invalid.id, hash: hash_of(raw), raw: Bytes::copy_from_slice(raw), content }
}

fn superseded_row(raw: &[u8], id: CustomerId, position: Position) -> Row {
    let content = Content::Superseded;
    Row { position, id: Some(id), hash: hash_of(raw), raw: Bytes::copy_from_slice(raw), content }
}
