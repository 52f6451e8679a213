//! The customers of a run that is undone, as rows: one each, by their ids.

use std::collections::BTreeMap;
use std::io;
use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;

use super::input_stop::ReadStop;
use super::reading::Batch;
use crate::contract::{CustomerId, Field, FieldSet, SentFields};
use crate::input::{InputError, InputFault, InputName};
use crate::journal::{ImageEntry, ImageIndex, ImagesError, RunKey};
use crate::results::tally::RowsRead;
use crate::row::{Position, Row, RowContent};

/// The most rows of a batch.
const BATCH_ROWS: usize = 512;

/// The customers of a run.
#[derive(Debug)]
pub(crate) struct UndoRows {
    /// The images of the run.
    pub images: Arc<ImageIndex>,
    /// The name of their file.
    pub name: InputName,
    /// The key of the undo.
    pub key: RunKey,
    /// The fields that are not put back.
    pub without: FieldSet,
}

impl UndoRows {
    /// Hands over all rows, in batches, until the receiver wants no more.
    pub(super) fn send(self, send: impl FnMut(Result<Batch, ReadStop>) -> ControlFlow<()>) {
        match self.send_all(send) {
            ControlFlow::Continue(()) | ControlFlow::Break(()) => {}
        }
    }

    fn send_all(
        self,
        mut send: impl FnMut(Result<Batch, ReadStop>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut batch = empty_batch();
        for (row, customer) in (1..).zip(self.images.customers()) {
            match self.row(row, customer) {
                Ok(row) => {
                    batch.read.add_invalid(row.position);
                    batch.rows.push(row);
                }
                Err(error) => {
                    let fault = InputFault::Read(io::Error::other(error));
                    let name = self.name.clone();
                    return send(Err(InputError { name, fault }.into()));
                }
            }
            if batch.rows.len() >= BATCH_ROWS {
                let full = std::mem::replace(&mut batch, empty_batch());
                send(Ok(full))?;
            }
        }
        if batch.rows.is_empty() {
            ControlFlow::Continue(())
        } else {
            send(Ok(batch))
        }
    }

    fn row(&self, number: u64, customer: CustomerId) -> Result<Row, ImagesError> {
        let (mut oldest, mut fields) = (None, FieldSet::EMPTY);
        for entry in self.images.images(customer) {
            let entry = entry?;
            fields = fields.union(fields_of(&entry));
            oldest.get_or_insert(entry);
        }
        // The record does not depend on the choice of fields, so an undo goes on with another one.
        let raw = oldest
            .map(|oldest| record(&oldest, fields))
            .unwrap_or_default();
        Ok(Row {
            position: Position {
                row: number,
                input: 0,
                line: number,
            },
            id: Some(customer),
            hash: self.key.record_hash(&raw),
            content: RowContent::Update {
                id: customer,
                body: Bytes::from_static(b"{}"),
                fields: fields.without(self.without),
                request: self.key.request_hash(customer.get(), &raw),
                read_first: None,
            },
            raw: raw.into(),
        })
    }
}

fn empty_batch() -> Batch {
    Batch {
        rows: Vec::with_capacity(BATCH_ROWS),
        read: RowsRead::default(),
    }
}

/// The fields that an update set.
pub(super) fn fields_of(entry: &ImageEntry) -> FieldSet {
    let sent = SentFields::of_request(entry.sent.get().as_bytes()).unwrap_or_default();
    sent.fields().map(|(field, _)| field).collect()
}

/// The record of a customer, as a line of NDJSON that would set these fields to their oldest values.
fn record(oldest: &ImageEntry, fields: FieldSet) -> Vec<u8> {
    let mut members: BTreeMap<&str, Value> = fields
        .iter()
        .filter(|field| *field != Field::CountryId)
        .filter_map(|field| {
            let value = serde_json::to_value(oldest.image.value(field)?).ok()?;
            Some((field.name(), value))
        })
        .collect();
    members.insert("id", oldest.id.get().into());
    serde_json::to_vec(&members).expect("values that were JSON, written to memory, cannot fail")
}
