//! The digests of rows: what is needed of a row to compare its request with those of earlier runs,
//! and to recognise the row when it is read again.

use super::RowBuilder;
use super::rows::RowVerdict;
use crate::contract::{CustomerId, FieldSet};
use crate::row::Position;

/// An odd number with bits of no pattern, as the golden ratio has them.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// A row, as far as it is compared with earlier runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowDigest {
    pub(crate) position: Position,
    /// The customer, if the record names one.
    pub(crate) id: Option<CustomerId>,
    pub(crate) content: DigestContent,
}

/// The request of a row, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DigestContent {
    /// The request.
    Request {
        fields: FieldSet,
        /// See [`RunKey::request_hash`](crate::journal::RunKey::request_hash).
        hash: u64,
    },
    /// There is none.
    None,
    /// The row belongs to another shard.
    Elsewhere,
}

/// The rows of a block, or of a part of one.
#[derive(Debug, Clone, Default)]
pub(crate) struct BlockDigest {
    pub(crate) rows: Vec<RowDigest>,
    pub(crate) sum: RowsSum,
    /// The body of a request, while it is hashed.
    buffer: Vec<u8>,
}

/// A digest of the bytes of consecutive rows. Rows that are exchanged have another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowsSum {
    /// The number of rows.
    pub(crate) rows: u64,
    hash: u64,
}

impl RowsSum {
    /// Adds the next row, by the hash of its bytes.
    pub(crate) fn add(&mut self, hash: u64) {
        self.rows += 1;
        // Each step is reversible, so rows that differ once never meet again by themselves.
        self.hash = (self.hash.rotate_left(23) ^ hash).wrapping_mul(MULTIPLIER);
    }
}

impl BlockDigest {
    /// Takes the request from a row: a later row of its customer is sent instead.
    pub(super) fn supersede(&mut self, row: u64) {
        let found = self
            .rows
            .binary_search_by_key(&row, |digest| digest.position.row);
        if let Some(digest) = found.ok().and_then(|at| self.rows.get_mut(at)) {
            digest.content = DigestContent::None;
        }
    }

    /// Adds the next row.
    pub(super) fn add(
        &mut self,
        raw: &[u8],
        position: Position,
        verdict: &RowVerdict<'_>,
        builder: &RowBuilder,
    ) {
        self.sum.add(builder.key.record_hash(raw));
        let (id, content) = match verdict {
            RowVerdict::Valid(update) => {
                self.buffer.clear();
                update.write_body(&mut self.buffer);
                let hash = builder.key.request_hash(update.id().get(), &self.buffer);
                let fields = update.fields();
                (Some(update.id()), DigestContent::Request { fields, hash })
            }
            RowVerdict::Superseded(update) | RowVerdict::Overtaken(update) => {
                (Some(update.id()), DigestContent::None)
            }
            RowVerdict::Invalid(invalid) => (invalid.id, DigestContent::None),
            RowVerdict::Elsewhere(id) => (*id, DigestContent::Elsewhere),
        };
        self.rows.push(RowDigest {
            position,
            id,
            content,
        });
    }
}
