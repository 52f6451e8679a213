//! The rows that take part (`--skip-rows`, `--max-rows`). Blocks are cut to them before they are
//! parsed.

use crate::input::blocks::block::Block;
use crate::input::bytes::failed_rows::Origin;
use crate::input::layout::Layout;

/// The rows that take part, counted over all blocks. Skipped rows keep their numbers: the first row
/// of the first block that is left is row [`skipped`](Self::skipped) + 1.
#[derive(Debug, Clone)]
pub(crate) struct RowRange {
    to_skip: u64,
    skipped: u64,
    /// `None` means no limit.
    to_take: Option<u64>,
    /// Rows after the last one that a block was cut to. They are skipped if more rows follow.
    cut_off: u64,
}

enum Cut {
    /// The block has the record, which ends here.
    At(usize),
    /// The block has this many records, fewer than asked for.
    Fewer(u64),
}

impl RowRange {
    /// Skips the first `skip` rows, and takes at most `max` after them.
    pub(crate) fn new(skip: u64, max: Option<u64>) -> RowRange {
        RowRange {
            to_skip: skip,
            skipped: 0,
            to_take: max,
            cut_off: 0,
        }
    }

    /// Returns the number of rows skipped so far.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Whether no more rows of an input take part, so that reading can stop.
    pub(crate) fn is_closed(&self, layout: &Layout) -> bool {
        self.to_take == Some(0) && layout.origin() == Origin::First
    }

    /// Returns the part of a block that takes part, or `None` if nothing does. Records are counted
    /// only to find a limit. Failed rows all take part, because the limits are meant for the first
    /// input.
    pub(crate) fn cut(&mut self, mut block: Block, layout: &Layout) -> Option<Block> {
        self.skipped += std::mem::take(&mut self.cut_off);
        if layout.origin() == Origin::FailedRows {
            return Some(block);
        }
        if self.to_skip > 0 {
            match nth_record_end(&block, layout, self.to_skip) {
                Cut::Fewer(count) => {
                    self.to_skip -= count;
                    self.skipped += count;
                    return None;
                }
                Cut::At(end) => {
                    self.skipped += self.to_skip;
                    self.to_skip = 0;
                    block = layout.without_first(block, end);
                }
            }
        }
        if let Some(to_take) = self.to_take {
            match nth_record_end(&block, layout, to_take) {
                Cut::Fewer(count) => self.to_take = Some(to_take - count),
                Cut::At(end) => {
                    self.to_take = Some(0);
                    let rest = layout.without_first(block.clone(), end);
                    self.cut_off = count_records(&rest, layout);
                    block.bytes.truncate(end);
                }
            }
        }
        Some(block).filter(|block| !block.bytes.is_empty() || block.blank_rows_before > 0)
    }
}

/// Cuts a block after this many records. Returns the rest, or `None` if there is none.
pub(crate) fn cut_behind(block: &mut Block, layout: &Layout, records: u64) -> Option<Block> {
    match nth_record_end(block, layout, records) {
        Cut::At(end) if end < block.bytes.len() => {
            let rest = layout.without_first(block.clone(), end);
            block.bytes.truncate(end);
            Some(rest)
        }
        Cut::At(_) | Cut::Fewer(_) => None,
    }
}

/// Returns the number of records in a block.
fn count_records(block: &Block, layout: &Layout) -> u64 {
    match nth_record_end(block, layout, u64::MAX) {
        Cut::Fewer(count) => count,
        Cut::At(_) => u64::MAX,
    }
}

/// Finds the end of the `n`th record of a block, after its line end.
fn nth_record_end(block: &Block, layout: &Layout, n: u64) -> Cut {
    let (mut count, mut last) = (0, 0);
    let mut ends = layout.record_ends(block);
    while count < n {
        match ends.next() {
            Some(end) => last = end,
            None => return Cut::Fewer(count),
        }
        count += 1;
    }
    Cut::At(last)
}
