//! The output of `--explain` for one row: its cells, the result of each, and the request that they
//! make.

use crate::contract::{CustomerId, FieldError};
use crate::input::ExplainedCell;
use crate::pipeline::reading::RowVerdict;
use crate::row::Position;

/// A row for `--explain`. It holds a customer's values and is shown on the user's screen only.
pub(crate) struct Explanation {
    /// The row's position.
    pub position: Position,
    /// Its cells in order, followed by the constants.
    pub cells: Vec<ExplainedCell>,
    /// The update that is sent, or the reason why none is.
    pub update: Result<ExplainedUpdate, NotSent>,
}

/// A reason why no update is sent for a row.
pub(crate) enum NotSent {
    /// The row breaks the contract: all its errors.
    Invalid(Vec<FieldError>),
    /// A later row of the same customer is sent instead (`--unique last`).
    Superseded,
    /// Later rows of the same customer have set all its fields.
    Overtaken,
    /// It belongs to another shard.
    Elsewhere,
}

/// An update that is sent.
pub(crate) struct ExplainedUpdate {
    /// The customer.
    pub id: CustomerId,
    /// The request's body.
    pub body: String,
}

impl Explanation {
    /// Explains a row with these cells.
    pub(crate) fn of(
        verdict: &RowVerdict<'_>,
        cells: &[ExplainedCell],
        position: Position,
    ) -> Explanation {
        let update = match verdict {
            RowVerdict::Valid(update) => {
                let mut body = Vec::new();
                update.write_body(&mut body);
                let body = String::from_utf8(body).expect("JSON is UTF-8");
                Ok(ExplainedUpdate {
                    id: update.id(),
                    body,
                })
            }
            RowVerdict::Superseded(_) => Err(NotSent::Superseded),
            RowVerdict::Overtaken(_) => Err(NotSent::Overtaken),
            RowVerdict::Elsewhere(_) => Err(NotSent::Elsewhere),
            RowVerdict::Invalid(invalid) => Err(NotSent::Invalid(invalid.errors.clone())),
        };
        Explanation {
            position,
            cells: cells.to_vec(),
            update,
        }
    }

    /// The approximate size in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        // The result of a cell is about as long as the cell.
        let cells = self
            .cells
            .iter()
            .map(|cell| size_of::<ExplainedCell>() + 2 * cell.text.len());
        let update = match &self.update {
            Ok(update) => update.body.len(),
            Err(NotSent::Invalid(errors)) => errors.iter().map(FieldError::bytes).sum(),
            Err(NotSent::Superseded | NotSent::Overtaken | NotSent::Elsewhere) => 0,
        };
        size_of::<Explanation>() + cells.sum::<usize>() + update
    }

    /// Marks the row as superseded by a later row of its customer.
    pub(crate) fn supersede(&mut self) {
        self.update = Err(NotSent::Superseded);
    }
}
