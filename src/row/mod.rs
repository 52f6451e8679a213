//! The row that goes from the reader to the recorder: a record of the input, read and checked.

pub(crate) mod duplicates;

use bytes::Bytes;

use crate::contract::{CustomerId, FieldError, FieldSet, body_of_fields};

/// The place of a record in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The record's number, counted from 1 over all inputs, without headers.
    pub row: u64,
    /// The input, counted from 0.
    pub input: usize,
    /// The line of the input on which it starts, counted from 1.
    pub line: u64,
}

/// A record, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The place of the record.
    pub position: Position,
    /// The customer, if the record names one.
    pub id: Option<CustomerId>,
    /// The hash of its bytes, see [`RunKey::record_hash`](crate::journal::RunKey::record_hash).
    pub hash: u64,
    /// Its bytes without the line end, for the file of failed rows.
    pub raw: Bytes,
    /// The request, or the reason why there is none.
    pub content: RowContent,
}

/// The request of a record, or the reason why there is none.
#[derive(Debug, Clone)]
pub(crate) enum RowContent {
    /// A valid update.
    Update {
        /// The customer.
        id: CustomerId,
        /// The request's body.
        body: Bytes,
        /// The fields that it sets.
        fields: FieldSet,
        /// The hash of the row's whole request, see
        /// [`RunKey::request_hash`](crate::journal::RunKey::request_hash).
        request: u64,
    },
    /// An invalid record.
    Invalid(Vec<FieldError>),
    /// A valid update that is not sent because of a later row of its customer.
    Superseded,
    /// A valid update that is not sent because the customer has its values already.
    Unchanged,
    /// A record of another shard.
    Elsewhere,
}

impl Row {
    /// Returns the bytes of input that the row takes up, with a line end.
    pub(crate) fn input_bytes(&self) -> u64 {
        u64::try_from(self.raw.len() + 1).unwrap_or(u64::MAX)
    }

    /// Returns the customer and the fields that the row updates; `None` if nothing is sent.
    pub(crate) fn update(&self) -> Option<(CustomerId, FieldSet)> {
        match self.content {
            RowContent::Update { id, fields, .. } => Some((id, fields)),
            RowContent::Invalid(_)
            | RowContent::Superseded
            | RowContent::Unchanged
            | RowContent::Elsewhere => None,
        }
    }

    /// Returns the row with a request for only these of its fields.
    #[must_use]
    pub(crate) fn fragment(self, of: FieldSet) -> Row {
        let content = match self.content {
            RowContent::Update {
                id,
                body,
                fields,
                request,
            } => {
                let fields = fields.intersection(of);
                RowContent::Update {
                    id,
                    body: body_of_fields(&body, fields).into(),
                    fields,
                    request,
                }
            }
            content @ (RowContent::Invalid(_)
            | RowContent::Superseded
            | RowContent::Unchanged
            | RowContent::Elsewhere) => content,
        };
        Row { content, ..self }
    }

    /// Returns the memory that the row takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let body = match &self.content {
            RowContent::Update { body, .. } => body.len(),
            RowContent::Invalid(errors) => errors.iter().map(FieldError::bytes).sum(),
            RowContent::Superseded | RowContent::Unchanged | RowContent::Elsewhere => 0,
        };
        size_of::<Row>() + self.raw.len() + body
    }
}
