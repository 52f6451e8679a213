//! From open inputs to batches of checked rows: one thread cuts blocks, one parses and checks them.
//!
//! Both end when their queue's other end is dropped, so whoever stops taking batches stops the reading.

use std::sync::mpsc::{Receiver, SyncSender};

use bytes::Bytes;

use crate::input::{Block, Input, InputError, Record, RowRules, RowWindow, parse_block};
use crate::journal::hash_of;
use crate::row::{Batch, Content, Position, Row};

/// Blocks of about 256 KiB that wait to be parsed.
pub(crate) const BLOCKS_QUEUED_MAX: usize = 4;

/// A block and where it comes from.
pub(crate) struct NumberedBlock {
    input: usize,
    /// Rows that were skipped before its first one, over all inputs.
    skipped: u64,
    block: Block,
    layout: std::sync::Arc<crate::input::Layout>,
}

/// Reads all inputs, one after the other, into a bounded queue.
pub(crate) fn read_blocks(
    inputs: Vec<Input>,
    mut window: RowWindow,
    blocks: &SyncSender<Result<NumberedBlock, InputError>>,
) {
    for (index, mut input) in inputs.into_iter().enumerate() {
        loop {
            if window.is_closed() {
                return;
            }
            let block = match input.next_block() {
                Ok(Some(block)) => block,
                Ok(None) => break,
                Err(error) => {
                    // Nobody left to tell is as good as told: the run is over.
                    blocks.send(Err(error)).ok();
                    return;
                }
            };
            let Some(block) = window.cut(block, input.layout()) else { continue };
            let numbered =
                NumberedBlock { input: index, skipped: window.skipped(), block, layout: input.layout().clone() };
            if blocks.send(Ok(numbered)).is_err() {
                return;
            }
        }
    }
}

/// Parses and checks blocks into batches, in order. `send` says whether anybody still takes them.
pub(crate) fn check_blocks(
    blocks: &Receiver<Result<NumberedBlock, InputError>>,
    rules: &RowRules,
    mut send: impl FnMut(Result<Batch, InputError>) -> Demand,
) {
    let mut rows_before = 0;
    while let Ok(block) = blocks.recv() {
        let batch = block.map(|block| {
            let batch = check_block(&block, rows_before, rules);
            rows_before += u64::try_from(batch.rows.len()).unwrap_or(u64::MAX);
            batch
        });
        if send(batch) == Demand::Gone {
            return;
        }
    }
}

/// Whether anybody still takes batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    Present,
    Gone,
}

fn check_block(numbered: &NumberedBlock, rows_before: u64, rules: &RowRules) -> Batch {
    let NumberedBlock { input, skipped, block, layout } = numbered;
    let mut rows = Vec::new();
    parse_block(block, layout, rules, &mut |record| {
        let position = Position { row: skipped + rows_before + record.ordinal + 1, input: *input, line: record.line };
        rows.push(row_of(record, position));
    });
    Batch { rows, input_bytes: u64::try_from(block.bytes.len()).unwrap_or(u64::MAX) }
}

/// One allocation holds record and body, so that a row that waits long keeps no block alive.
fn row_of(record: Record<'_>, position: Position) -> Row {
    let hash = hash_of(record.raw);
    match record.checked {
        Ok(update) => {
            let mut bytes = Vec::with_capacity(record.raw.len() * 3);
            bytes.extend_from_slice(record.raw);
            update.write_body(&mut bytes);
            let mut raw = Bytes::from(bytes);
            let body = raw.split_off(record.raw.len());
            let content = Content::Update { id: update.id(), body, notes: update.notes() };
            Row { position, id: Some(update.id()), hash, raw, content }
        }
        Err(invalid) => Row {
            position,
            id: invalid.id,
            hash,
            raw: Bytes::copy_from_slice(record.raw),
            content: Content::Invalid(invalid.errors),
        },
    }
}
