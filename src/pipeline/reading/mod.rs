//! From open inputs to checked rows: blocks are cut one after another, and each is parsed and
//! checked by itself.
//!
//! A run needs all rows in order, so one thread reads and another one checks. A check needs the
//! invalid rows only, so any number of threads take turns to read and check a block ([`checking`]).
//! The result is the same, byte for byte. Duplicates depend on the rows before, so `--unique` is
//! applied in the order of the input ([`CheckedBlock::apply_uniqueness`]).
//!
//! All threads end when the other end of their queue is dropped, so a receiver that stops taking
//! rows stops the reading.

mod checking;
mod source;

use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

pub(crate) use self::checking::{BlockChecker, CheckOptions, CheckedBlock, InOrder};
pub(crate) use self::source::{BlockSource, ReadBlock, read_blocks};
use self::source::{Numbered, SourceBlock};
use crate::contract::{CustomerId, CustomerUpdate, ErrorCode, FieldError, InvalidRow, Subject};
use crate::input::{InputError, RowRules, parse_block};
use crate::journal::RunKey;
use crate::results::tally::RowsRead;
use crate::row::duplicates::{DuplicateFilter, Occurrence};
use crate::row::{Position, Row, RowContent};

/// Blocks of at most about 256 KiB that wait to be parsed.
pub(crate) const BLOCKS_QUEUED_MAX: usize = 2;

/// The most bytes of the rows in a batch, approximately.
const BATCH_BYTES_MAX: usize = 2 << 20;

/// The approximate size of a row, to reserve memory for a batch.
const ROW_BYTES: usize = 128;

/// Makes rows of checked records.
#[derive(Debug, Clone)]
pub struct RowBuilder {
    /// The rules by which records are read.
    pub rules: RowRules,
    /// The key of the rows' hashes.
    pub key: RunKey,
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
    mut send: impl FnMut(Result<Batch, InputError>) -> ControlFlow<()>,
) {
    let mut rows_before = 0;
    while let Ok(Numbered { content, .. }) = blocks.recv() {
        let flow = match content {
            Ok(source) => check_block(&source, &mut rows_before, builder, &mut ids, &mut |batch| {
                send(Ok(batch))
            }),
            Err(error) => send(Err(error)),
        };
        if flow.is_break() {
            return;
        }
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
    let SourceBlock {
        input,
        skipped,
        block,
        layout,
    } = source;
    let first_row = skipped + *rows_before + 1;
    let mut batch = Batch {
        rows: Vec::with_capacity(block.bytes.len() / ROW_BYTES),
        ..Batch::default()
    };
    let (mut flow, mut batch_bytes, mut buffer) = (ControlFlow::Continue(()), 0, Vec::new());
    let blank_rows = parse_block(block, layout, &builder.rules, &mut |record| {
        if flow.is_break() {
            return;
        }
        let position = Position {
            row: first_row + record.ordinal,
            input: *input,
            line: record.line,
        };
        let row = match record.checked {
            Ok(update) if update.fields().is_empty() => {
                batch.read.add_overtaken(position, update.notes());
                builder.superseded_row(record.raw, update.id(), position)
            }
            Ok(update) => {
                let occurrence = ids.next(update.id(), update.fields());
                batch.read.add_occurrence(position, occurrence);
                match occurrence {
                    Occurrence::Sent
                    | Occurrence::SentAgain
                    | Occurrence::SentInstead { .. }
                    | Occurrence::Unknown => {
                        batch.read.add_valid(position, update.notes());
                        builder.valid_row(record.raw, &update, position, &mut buffer)
                    }
                    Occurrence::Superseded => {
                        batch.read.add_valid(position, update.notes());
                        builder.superseded_row(record.raw, update.id(), position)
                    }
                    Occurrence::Refused => {
                        batch.read.add_invalid(position);
                        builder.invalid_row(record.raw, refused(update.id()), position)
                    }
                }
            }
            Err(mut invalid) => {
                batch.read.add_invalid(position);
                if invalid.id.is_some_and(|id| ids.would_reject(id)) {
                    add_duplicate(&mut invalid.errors);
                }
                builder.invalid_row(record.raw, invalid, position)
            }
        };
        batch_bytes += row.bytes();
        batch.rows.push(row);
        if batch_bytes >= BATCH_BYTES_MAX {
            *rows_before += batch.read.rows;
            batch_bytes = 0;
            flow = send(std::mem::take(&mut batch));
        }
    });
    batch.read.blank_rows = blank_rows;
    if flow.is_break() || (batch.rows.is_empty() && blank_rows == 0) {
        return flow;
    }
    *rows_before += batch.read.rows;
    send(batch)
}

/// The error of a valid row that is refused as a duplicate.
fn refused(id: CustomerId) -> InvalidRow {
    InvalidRow {
        id: Some(id),
        errors: vec![FieldError::duplicate()],
    }
}

/// Adds the error of a duplicate to an invalid row: once corrected, it would overwrite the row
/// before it.
fn add_duplicate(errors: &mut Vec<FieldError>) {
    if errors
        .iter()
        .all(|error| error.code != ErrorCode::Duplicate)
    {
        let behind_row_errors = errors
            .iter()
            .take_while(|error| error.subject == Subject::Row)
            .count();
        errors.insert(behind_row_errors, FieldError::duplicate());
    }
}

impl RowBuilder {
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
