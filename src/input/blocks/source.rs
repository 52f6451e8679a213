//! The sources of rows: one for each kind of input.

use std::io::Read;

use crate::input::blocks::block::Block;
use crate::input::blocks::cutter::Blocks;
use crate::input::error::InputFault;

/// The rows of an input, in order, in blocks of bounded size.
///
/// Formats of text share one source, which cuts the text behind records. A format whose cells are
/// typed has a source of its own, and returns blocks of
/// [typed records](super::typed::TypedRecords).
pub(crate) trait RowSource: Send {
    /// Returns the next rows, or `None` at the end of the input.
    fn next(&mut self) -> Result<Option<Block>, InputFault>;

    /// Returns the line on which the next rows begin.
    fn line(&self) -> u64;
}

impl<R: Read + Send> RowSource for Blocks<R> {
    fn next(&mut self) -> Result<Option<Block>, InputFault> {
        Blocks::next(self)
    }

    fn line(&self) -> u64 {
        Blocks::line(self)
    }
}
