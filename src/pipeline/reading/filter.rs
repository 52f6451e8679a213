//! A filter for rows that are read to be sent.

use super::super::input_stop::ReadStop;
use super::Batch;

/// Leaves out rows that need no request.
pub(crate) trait RowFilter: Send {
    /// Takes the rows of a block, in batches, before any of them is sent. An error ends the reading,
    /// and none of them is sent.
    fn take_block(&mut self, batches: &mut [Batch]) -> Result<(), ReadStop>;

    /// Takes the end of the input.
    fn end(&mut self) -> Result<(), ReadStop>;
}
