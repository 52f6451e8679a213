//! From open inputs to checked rows: blocks are cut one after another, and each is parsed and
//! checked by itself.
//!
//! Both commands read the rows of a block in one loop ([`rows`]).
//!
//! A run needs all rows in order, so one thread reads and another one checks. A check needs the
//! invalid rows only, so any number of threads take turns to read and check a block ([`checking`]).
//! The result is the same, byte for byte. Duplicates depend on the rows before, so `--unique` is
//! applied in the order of the input ([`CheckedBlock::apply_uniqueness`]).
//!
//! All threads end when the other end of their queue is dropped, so a receiver that stops taking
//! rows stops the reading.

mod checking;
mod counting;
mod digests;
mod filter;
mod rows;
mod source;

use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

pub(crate) use self::checking::{BlockChecker, CheckOptions, CheckedBlock, InOrder, Wanted};
pub(crate) use self::counting::count_rows;
pub(crate) use self::digests::{BlockDigest, DigestContent, RowDigest, RowsSum};
pub(crate) use self::filter::RowFilter;
pub(crate) use self::rows::RowVerdict;
use self::rows::{ReadRow, RowSink, read_rows};
pub(crate) use self::source::{BlockSource, ReadBlock, read_blocks};
use self::source::{Numbered, SourceBlock};
use super::input_stop::ReadStop;
use crate::contract::{CustomerId, CustomerUpdate, InvalidRow};
use crate::input::RowRules;
use crate::journal::{RunKey, Shard};
use crate::results::tally::RowsRead;
use crate::row::duplicates::{DuplicateFilter, Occurrence};
use crate::row::{Position, ReadFirst, Row, RowContent};

/// Blocks of at most about 256 KiB that wait to be parsed.
pub(crate) const BLOCKS_QUEUED_MAX: usize = 2;

/// The most bytes of the rows in a batch, approximately.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// The approximate size of a row, to reserve memory for a batch.
const ROW_BYTES: usize = 128;

/// Makes rows of checked records.
#[derive(Debug, Clone)]
pub(crate) struct RowBuilder {
    /// The rules by which records are read.
    pub rules: RowRules,
    /// The key of the rows' hashes.
    pub key: RunKey,
    /// The shard whose rows are sent; without one, all are.
    pub shard: Option<Shard>,
}

/// Rows, in order.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<Row>,
    /// The counts of these rows.
    pub(crate) read: RowsRead,
}

/// Parses and checks blocks in order, on one thread, into batches of all their rows.
pub(crate) fn check_blocks(
    blocks: &Receiver<ReadBlock>,
    builder: &RowBuilder,
    mut ids: DuplicateFilter,
    mut filter: Option<Box<dyn RowFilter>>,
    mut send: impl FnMut(Result<Batch, ReadStop>) -> ControlFlow<()>,
) {
    let mut rows_before = 0;
    while let Ok(Numbered { content, .. }) = blocks.recv() {
        let flow = match (content, &mut filter) {
            (Err(error), _) => send(Err(error.into())),
            (Ok(source), None) => {
                check_block(&source, &mut rows_before, builder, &mut ids, &mut |batch| {
                    send(Ok(batch))
                })
            }
            // A row is sent only if its whole block is the one that was compared. A block has at
            // most 256 KiB, or one record, so it fits into memory.
            (Ok(source), Some(filter)) => {
                let mut batches = Vec::new();
                let collect = &mut |batch| {
                    batches.push(batch);
                    ControlFlow::Continue(())
                };
                let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
                    check_block(&source, &mut rows_before, builder, &mut ids, collect);
                match filter.take_block(&mut batches) {
                    Ok(()) => batches.into_iter().try_for_each(|batch| send(Ok(batch))),
                    Err(stop) => send(Err(stop)),
                }
            }
        };
        if flow.is_break() {
            return;
        }
    }
    if let Some(Err(stop)) = filter.as_mut().map(|filter| filter.end()) {
        // Nobody listens after an early end.
        let (ControlFlow::Continue(()) | ControlFlow::Break(())) = send(Err(stop));
    }
}

/// Sends the rows of a block, which this many rows precede, in batches.
fn check_block(
    source: &SourceBlock,
    rows_before: &mut u64,
    builder: &RowBuilder,
    ids: &mut DuplicateFilter,
    send: &mut impl FnMut(Batch) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut batches = Batches {
        batch: Batch {
            rows: Vec::with_capacity(source.block.bytes.len() / ROW_BYTES),
            ..Batch::default()
        },
        batch_bytes: 0,
        rows_sent: 0,
        flow: ControlFlow::Continue(()),
        buffer: Vec::new(),
        builder,
        ids,
        send,
    };
    let blank_rows = read_rows(source, *rows_before, &builder.rules, 0, &mut batches);
    batches.batch.read.blank_rows = blank_rows;
    if batches.flow.is_continue() && (!batches.batch.rows.is_empty() || blank_rows > 0) {
        batches.send();
    }
    *rows_before += batches.rows_sent;
    batches.flow
}

/// The rows of a block, on their way into batches.
struct Batches<'a, S> {
    batch: Batch,
    batch_bytes: usize,
    /// The rows of the batches that were sent.
    rows_sent: u64,
    flow: ControlFlow<()>,
    /// See [`RowBuilder::valid_row`].
    buffer: Vec<u8>,
    builder: &'a RowBuilder,
    ids: &'a mut DuplicateFilter,
    send: S,
}

impl<S: FnMut(Batch) -> ControlFlow<()>> Batches<'_, S> {
    fn send(&mut self) {
        self.rows_sent += self.batch.read.rows;
        self.batch_bytes = 0;
        self.flow = (self.send)(std::mem::take(&mut self.batch));
    }
}

impl<S: FnMut(Batch) -> ControlFlow<()>> RowSink for Batches<'_, S> {
    fn is_own(&self, customer: Option<CustomerId>) -> bool {
        self.builder.is_own(customer)
    }

    fn occurrence(&mut self, update: &CustomerUpdate<'_>, _position: Position) -> Occurrence {
        self.ids.next(update.id(), update.fields())
    }

    fn would_refuse(&self, id: CustomerId) -> bool {
        self.ids.would_reject(id)
    }

    fn counts(&mut self) -> &mut RowsRead {
        &mut self.batch.read
    }

    #[inline]
    fn take(&mut self, row: ReadRow<'_>) -> ControlFlow<()> {
        let (raw, position) = (row.raw, row.position);
        let row = match row.verdict {
            RowVerdict::Valid(update) => {
                let buffer = &mut self.buffer;
                self.builder.valid_row(raw, &update, position, buffer)
            }
            RowVerdict::Superseded(update) | RowVerdict::Overtaken(update) => {
                self.builder.superseded_row(raw, update.id(), position)
            }
            RowVerdict::Invalid(invalid) => self.builder.invalid_row(raw, invalid, position),
            RowVerdict::Elsewhere(id) => self.builder.row_elsewhere(raw, id, position),
        };
        self.batch_bytes += row.bytes();
        self.batch.rows.push(row);
        if self.batch_bytes >= BATCH_BYTES_MAX {
            self.send();
        }
        self.flow
    }
}

impl RowBuilder {
    fn is_own(&self, customer: Option<CustomerId>) -> bool {
        self.shard.is_none_or(|shard| shard.contains(customer))
    }

    /// A valid row. One allocation holds record and body, so that a row that waits long keeps no
    /// block in memory; `buffer` is where their length is found out.
    fn valid_row(
        &self,
        raw: &[u8],
        update: &CustomerUpdate<'_>,
        position: Position,
        buffer: &mut Vec<u8>,
    ) -> Row {
        buffer.clear();
        buffer.extend_from_slice(raw);
        update.write_body(buffer);
        let mut record = Bytes::copy_from_slice(buffer);
        let body = record.split_off(raw.len());
        let (id, fields, request) = (
            update.id(),
            update.fields(),
            self.key.request_hash(update.id().get(), &body),
        );
        self.row(
            position,
            Some(id),
            record,
            RowContent::Update {
                id,
                body,
                fields,
                request,
                read_first: update.since().map(|since| {
                    Box::new(ReadFirst {
                        since: Some(since),
                        ..ReadFirst::default()
                    })
                }),
            },
        )
    }

    fn invalid_row(&self, raw: &[u8], invalid: InvalidRow, position: Position) -> Row {
        self.row(
            position,
            invalid.id,
            Bytes::copy_from_slice(raw),
            RowContent::Invalid(invalid.errors),
        )
    }

    fn superseded_row(&self, raw: &[u8], id: CustomerId, position: Position) -> Row {
        self.row(
            position,
            Some(id),
            Bytes::copy_from_slice(raw),
            RowContent::Superseded,
        )
    }

    fn row_elsewhere(&self, raw: &[u8], id: Option<CustomerId>, position: Position) -> Row {
        let raw = Bytes::copy_from_slice(raw);
        self.row(position, id, raw, RowContent::Elsewhere)
    }

    fn row(
        &self,
        position: Position,
        id: Option<CustomerId>,
        raw: Bytes,
        content: RowContent,
    ) -> Row {
        Row {
            position,
            id,
            hash: self.key.record_hash(&raw),
            raw,
            content,
        }
    }
}
