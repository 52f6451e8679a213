//! The definitions of a format about the records of an input.

use crate::input::blocks::block::Block;
use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::own_part::OwnPart;
use crate::input::mapping::record::{Record, RowRules};

/// The layout of an input's records. It is known once the header is read, and is shared by all
/// threads that parse the input's blocks.
///
/// Each format has one, besides a [source](crate::input::blocks::source::RowSource) of its blocks.
pub(crate) trait RecordLayout {
    /// Returns whether the rows are original or were written by custsync.
    fn origin(&self) -> Origin;

    /// Returns whether a file of the input's rows has to begin with a byte order mark.
    fn bom(&self) -> Bom;

    /// Whether the input may have a column or key of this name.
    fn may_have(&self, name: &str) -> bool;

    /// Returns the header names that were matched loosely.
    fn loose_columns(&self) -> &[LooseColumn];

    /// Passes each record of a block to `visit`, in order. The cells of the first `explained`
    /// records are explained. Returns the number of blank rows that were skipped.
    fn parse(
        &self,
        block: &Block,
        rules: &RowRules,
        explained: u64,
        visit: &mut impl FnMut(Record<'_>),
    ) -> u64;

    /// Returns the end of each record in a block, after its line end.
    fn record_ends<'b>(&self, block: &'b Block) -> Box<dyn Iterator<Item = usize> + 'b>;

    /// Returns a block without its first `count` bytes, which are whole records.
    fn without_first(&self, block: Block, count: usize) -> Block;

    /// Splits the bytes of a record into custsync's part and the original row.
    fn own_part<'r>(&self, raw: &'r [u8]) -> OwnPart<'r>;
}
