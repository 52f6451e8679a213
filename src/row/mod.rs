//! What goes from the reader to the recorder: a record of the input, read and checked.

pub mod duplicates;

use bytes::Bytes;

use crate::contract::{CustomerId, FieldError, FieldSet, body_of_fields};

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Counted from 1 over all inputs; headers are not counted.
    pub row: u64,
    /// The input, from 0.
    pub input: usize,
    /// The physical line of the input on which it starts, from 1.
    pub line: u64,
}

/// A record, read and checked.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where it stands.
    pub position: Position,
    /// The customer, where the record names one.
    pub id: Option<CustomerId>,
    /// The hash of its bytes, see [`RunKey::record_hash`](crate::journal::RunKey::record_hash).
    pub hash: u64,
    /// Its bytes without the line end, for the file of failed rows.
    pub raw: Bytes,
    /// What it asks for.
    pub content: RowContent,
}

/// What a record asks for.
#[derive(Debug, Clone)]
pub enum RowContent {
    /// An update that keeps the contract.
    Update {
        /// The customer.
        id: CustomerId,
        /// The request's body.
        body: Bytes,
        /// The fields that it sets.
        fields: FieldSet,
        /// The hash of the row's whole request, see [`RunKey::request_hash`](crate::journal::RunKey::request_hash).
        request: u64,
    },
    /// It breaks the contract.
    Invalid(Vec<FieldError>),
    /// An update that keeps the contract, and is not sent for the sake of a later row of its customer.
    Superseded,
}

impl Row {
    /// Bytes of input that the row takes up, with a line end.
    pub fn input_bytes(&self) -> u64 {
        u64::try_from(self.raw.len() + 1).unwrap_or(u64::MAX)
    }

    /// The customer and the fields that it updates; absent where nothing is sent of it.
    pub fn update(&self) -> Option<(CustomerId, FieldSet)> {
        match self.content {
            RowContent::Update { id, fields, .. } => Some((id, fields)),
            RowContent::Invalid(_) | RowContent::Superseded => None,
        }
    }

    /// The row with a request that sets these of its fields alone.
    #[must_use]
    pub fn fragment(self, of: FieldSet) -> Row {
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
            content @ (RowContent::Invalid(_) | RowContent::Superseded) => content,
        };
        Row { content, ..self }
    }

    /// What holding the row costs, in bytes.
    pub fn bytes(&self) -> usize {
        let body = match &self.content {
            RowContent::Update { body, .. } => body.len(),
            RowContent::Invalid(errors) => errors.iter().map(FieldError::bytes).sum(),
            RowContent::Superseded => 0,
        };
        size_of::<Row>() + self.raw.len() + body
    }
}
