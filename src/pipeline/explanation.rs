//! What `--explain` shows of a row: its cells, what becomes of each, and the request that is made of them.

use crate::contract::{CustomerId, FieldError};
use crate::input::{ExplainedCell, Layout, Record, RowRules, explain_record};
use crate::row::Position;

/// A row as a person asked to see it. It holds a customer's values, and goes to that person's screen and nowhere else.
pub struct Explanation {
    /// Where it stands.
    pub position: Position,
    /// Its cells in order, and behind them the constants.
    pub cells: Vec<ExplainedCell>,
    /// What is sent, or why nothing is.
    pub update: Result<ExplainedUpdate, NotSent>,
}

/// Why nothing is sent of a row.
pub enum NotSent {
    /// All that is wrong with it.
    Invalid(Vec<FieldError>),
    /// A later row of its customer is sent (`--unique last`).
    Superseded,
    /// Later rows of its customer have set all of its fields.
    Overtaken,
}

/// What is sent.
pub struct ExplainedUpdate {
    /// The customer.
    pub id: CustomerId,
    /// The request's body.
    pub body: String,
}

impl Explanation {
    /// Explains a record at `position`.
    pub(crate) fn of(
        record: &Record<'_>,
        position: Position,
        layout: &Layout,
        rules: &RowRules,
    ) -> Explanation {
        let update = match &record.checked {
            Ok(update) if update.fields().is_empty() => Err(NotSent::Overtaken),
            Ok(update) => {
                let mut body = Vec::new();
                update.write_body(&mut body);
                let body = String::from_utf8(body).expect("JSON is UTF-8");
                Ok(ExplainedUpdate {
                    id: update.id(),
                    body,
                })
            }
            Err(invalid) => Err(NotSent::Invalid(invalid.errors.clone())),
        };
        Explanation {
            position,
            cells: explain_record(record.raw, layout, rules),
            update,
        }
    }

    /// About what holding it costs, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        // What is said of a cell is about as long as the cell.
        let cells = self
            .cells
            .iter()
            .map(|cell| size_of::<ExplainedCell>() + 2 * cell.text.len());
        let update = match &self.update {
            Ok(update) => update.body.len(),
            Err(NotSent::Invalid(errors)) => errors.iter().map(FieldError::bytes).sum(),
            Err(NotSent::Superseded | NotSent::Overtaken) => 0,
        };
        size_of::<Explanation>() + cells.sum::<usize>() + update
    }

    /// A later row of its customer is sent in its place.
    pub(crate) fn supersede(&mut self) {
        self.update = Err(NotSent::Superseded);
    }
}
