//! The customers of a preview, as rows: one each, by their ids.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use roaring::RoaringTreemap;

use super::input_stop::ReadStop;
use super::reading::Batch;
use crate::contract::{CustomerId, FieldSet};
use crate::input::{InputError, InputFault, InputName};
use crate::preview::{CustomerRows, TemporaryFileError};
use crate::results::tally::RowsRead;
use crate::row::{Position, Row, RowContent};

/// The most rows of a batch.
const BATCH_ROWS: usize = 512;
/// The body of a row: nothing is sent for it.
const NOTHING: &[u8] = b"{}";

/// The customers of a preview.
#[derive(Debug)]
pub(crate) struct PreviewRows {
    /// The rows of the input, by their customers.
    pub rows: Arc<CustomerRows>,
    /// The name that an error tells.
    pub name: InputName,
    /// The customers who are read; `None` for all of them.
    pub sample: Option<RoaringTreemap>,
}

impl PreviewRows {
    /// Hands over all rows, in batches, until the receiver wants no more.
    pub(super) fn send(self, mut send: impl FnMut(Result<Batch, ReadStop>) -> ControlFlow<()>) {
        let (mut after, mut number) = (0, 0);
        loop {
            let customers = match self.rows.customers_after(after, BATCH_ROWS) {
                Ok(customers) => customers,
                Err(error) => {
                    let (ControlFlow::Continue(()) | ControlFlow::Break(())) =
                        send(Err(self.unreadable(error).into()));
                    return;
                }
            };
            let Some(last) = customers.last() else { return };
            after = last.get();
            let mut batch = Batch {
                rows: Vec::with_capacity(customers.len()),
                read: RowsRead::default(),
            };
            for customer in customers.into_iter().filter(|id| self.is_wanted(*id)) {
                number += 1;
                let row = row(number, customer);
                batch.read.add_invalid(row.position);
                batch.rows.push(row);
            }
            if !batch.rows.is_empty() && send(Ok(batch)).is_break() {
                return;
            }
        }
    }

    fn unreadable(&self, error: TemporaryFileError) -> InputError {
        InputError {
            name: self.name.clone(),
            fault: InputFault::Read(std::io::Error::other(error)),
        }
    }

    fn is_wanted(&self, customer: CustomerId) -> bool {
        let sample = self.sample.as_ref();
        sample.is_none_or(|sample| sample.contains(customer.get()))
    }
}

fn row(number: u64, customer: CustomerId) -> Row {
    Row {
        position: Position {
            row: number,
            input: 0,
            line: number,
        },
        id: Some(customer),
        hash: 0,
        raw: Bytes::new(),
        content: RowContent::Update {
            id: customer,
            body: Bytes::from_static(NOTHING),
            fields: FieldSet::EMPTY,
            request: 0,
            read_first: None,
        },
    }
}
