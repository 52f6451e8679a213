//! Reads and checks the records of a block, whatever its format.

use crate::input::blocks::block::Block;
use crate::input::layout::Layout;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::{csv, ndjson};

/// Passes each record of a block to `visit`, in order. Returns the number of blank CSV rows
/// (delimiters only) that were skipped.
pub fn parse_block(
    block: &Block,
    layout: &Layout,
    rules: &RowRules,
    visit: &mut impl FnMut(Record<'_>),
) -> u64 {
    match layout {
        Layout::Csv(layout) => {
            block.blank_rows_before + csv::rows::parse(block, layout, rules, visit)
        }
        Layout::Ndjson(layout) => {
            ndjson::rows::parse(block, layout, rules, visit);
            0
        }
    }
}
