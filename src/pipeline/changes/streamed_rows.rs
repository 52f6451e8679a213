//! Rows of an input that can be read only once, compared with the state as they come.

use std::sync::{Arc, Mutex, PoisonError};

use super::resync::Resync;
use crate::pipeline::input_stop::ReadStop;
use crate::pipeline::reading::{Batch, RowFilter};
use crate::row::RowContent;
use crate::schedule::StopReason;
use crate::state::{Known, Night, RequestHash, State, StateError};
use crate::text::with_causes;

/// Leaves out unchanged rows, and marks the customers of the others before they are sent.
pub(crate) struct StreamedRows {
    state: Arc<Mutex<State>>,
    night: Night,
    resync: Resync,
}

impl StreamedRows {
    pub(crate) fn new(state: Arc<Mutex<State>>, night: Night, resync: Resync) -> StreamedRows {
        StreamedRows {
            state,
            night,
            resync,
        }
    }

    fn compare(&self, batches: &mut [Batch]) -> Result<(), StateError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows: Vec<_> = (batches.iter_mut())
            .flat_map(|batch| &mut batch.rows)
            .filter_map(|row| match &row.content {
                RowContent::Update { id, request, .. } => {
                    Some((id.get(), RequestHash::from(*request), &mut row.content))
                }
                RowContent::Invalid(_)
                | RowContent::Superseded
                | RowContent::Unchanged
                | RowContent::Elsewhere => None,
            })
            .collect();
        let ids: Vec<_> = rows.iter().map(|(id, ..)| *id).collect();
        let entries = state.look_up(&ids)?;
        let mut to_send = Vec::new();
        for ((id, request, content), entry) in rows.iter_mut().zip(entries) {
            let is_known = entry.is_some_and(|entry| entry.known == Known::Request(*request));
            if is_known && !self.resync.contains(*id) {
                **content = RowContent::Unchanged;
            } else {
                to_send.push(*id);
            }
        }
        if to_send.is_empty() {
            return Ok(());
        }
        state.mark_at_once(&self.night, &to_send)
    }
}

impl RowFilter for StreamedRows {
    fn take_block(&mut self, batches: &mut [Batch]) -> Result<(), ReadStop> {
        self.compare(batches).map_err(|error| {
            StopReason::StateUnusable {
                message: with_causes(&error),
            }
            .into()
        })
    }

    fn end(&mut self) -> Result<(), ReadStop> {
        Ok(())
    }
}
