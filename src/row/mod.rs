//! The row that goes from the reader to the recorder: a record of the input, read and checked.

pub(crate) mod duplicates;
mod read_first;

use bytes::Bytes;

pub(crate) use self::read_first::{ReadFirst, RowRequest};
use crate::contract::{CustomerId, EntityTag, FieldError, FieldSet, body_of_fields};

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
        /// The notes about its customer, if it was read; in a box, since most are not.
        read_first: Option<Box<ReadFirst>>,
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

    /// Gives the row another request. Its own one is kept, so that it can be decided anew.
    pub(crate) fn replace_request(&mut self, with: RowRequest) {
        if let RowContent::Update {
            body,
            fields,
            read_first,
            ..
        } = &mut self.content
        {
            let own = RowRequest {
                body: std::mem::replace(body, with.body),
                fields: std::mem::replace(fields, with.fields),
            };
            read_first.get_or_insert_default().own.get_or_insert(own);
        }
    }

    /// Gives the row its own request back.
    pub(crate) fn restore_request(&mut self) {
        if let RowContent::Update {
            body,
            fields,
            read_first: Some(read_first),
            ..
        } = &mut self.content
            && let Some(own) = read_first.own.take()
        {
            (*body, *fields) = (own.body, own.fields);
        }
    }

    /// Returns the notes about the row's customer, who was read.
    pub(crate) fn read_first_mut(&mut self) -> Option<&mut ReadFirst> {
        match &mut self.content {
            RowContent::Update { read_first, .. } => Some(read_first.get_or_insert_default()),
            RowContent::Invalid(_)
            | RowContent::Superseded
            | RowContent::Unchanged
            | RowContent::Elsewhere => None,
        }
    }

    /// Whether the row's update fills fields that no earlier update of the run did.
    pub(crate) fn fills_fields(&self) -> bool {
        match &self.content {
            RowContent::Update { read_first, .. } => {
                (read_first.as_ref()).is_some_and(|read_first| !read_first.fills.is_empty())
            }
            RowContent::Invalid(_)
            | RowContent::Superseded
            | RowContent::Unchanged
            | RowContent::Elsewhere => false,
        }
    }

    /// Notes the state of the row's customer, which was read just now.
    pub(crate) fn was_read(&mut self, tag: Option<EntityTag>) {
        if let RowContent::Update { read_first, .. } = &mut self.content
            && (tag.is_some() || read_first.is_some())
        {
            read_first.get_or_insert_default().tag = tag;
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
                read_first,
            } => {
                let fields = fields.intersection(of);
                RowContent::Update {
                    id,
                    body: body_of_fields(&body, fields).into(),
                    fields,
                    request,
                    read_first,
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
