//! The blocks of all inputs, one input after another. An input is open only while it is read.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use crate::input::{Block, Input, InputError, KnownInput, Layout, Origin, RowRange, cut_behind};
use crate::process::crash;

/// The attempts to open an input while connections have taken all file descriptors, with a pause
/// before each.
const OPENINGS_MAX: u32 = 200;
const OPENING_PAUSE: Duration = Duration::from_millis(50);

/// A block, or the error that ends the reading.
pub(crate) type ReadBlock = Numbered<Result<SourceBlock, InputError>>;

/// A value with its number in the order of the input.
pub(crate) struct Numbered<T> {
    /// Counted from 0.
    pub(super) number: u64,
    pub(super) content: T,
}

/// A block and its origin.
pub(crate) struct SourceBlock {
    pub(super) input: usize,
    /// Rows that were skipped before its first row, over all inputs.
    pub(super) skipped: u64,
    pub(super) block: Block,
    pub(super) layout: Arc<Layout>,
}

/// The blocks of all inputs, one input after the other.
pub(crate) struct BlockSource {
    /// The inputs that are not read to their end.
    inputs: VecDeque<KnownInput>,
    /// The first of them, once it is open.
    open: Option<Input>,
    /// Reserves a descriptor for the next input.
    reserve: Option<File>,
    /// The number of inputs already read.
    read: usize,
    row_range: RowRange,
    /// The number of blocks already returned.
    count: u64,
}

impl SourceBlock {
    /// Cuts the block after its first `records` records and returns the rest; `None` if there is
    /// none.
    pub(super) fn cut_behind(&mut self, records: u64) -> Option<SourceBlock> {
        let block = cut_behind(&mut self.block, &self.layout, records)?;
        Some(SourceBlock {
            block,
            layout: self.layout.clone(),
            ..*self
        })
    }
}

impl BlockSource {
    pub(crate) fn of(inputs: Vec<KnownInput>, row_range: RowRange) -> BlockSource {
        BlockSource {
            inputs: inputs.into(),
            open: None,
            reserve: reserve(),
            read: 0,
            row_range,
            count: 0,
        }
    }

    /// The next block, or the error that ends the reading; `None` after that and at the end.
    pub(crate) fn next(&mut self) -> Option<ReadBlock> {
        let content = self.next_source()?;
        if content.is_err() {
            self.inputs.clear();
            self.open = None;
        }
        self.count += 1;
        Some(Numbered {
            number: self.count - 1,
            content,
        })
    }

    fn has_failed_rows(&self) -> bool {
        self.inputs
            .iter()
            .any(|input| input.layout().origin() == Origin::FailedRows)
    }

    fn next_source(&mut self) -> Option<Result<SourceBlock, InputError>> {
        loop {
            let layout = self.inputs.front()?.layout().clone();
            // If an input of failed rows follows, the rows before it are still counted: its row
            // numbers are over the whole input.
            if self.row_range.is_closed(&layout) && !self.has_failed_rows() {
                return None;
            }
            match self.next_block() {
                Ok(Some(block)) => {
                    let Some(block) = self.row_range.cut(block, &layout) else {
                        continue;
                    };
                    return Some(Ok(SourceBlock {
                        input: self.read,
                        skipped: self.row_range.skipped(),
                        block,
                        layout,
                    }));
                }
                Ok(None) => {
                    self.open = None;
                    self.inputs.pop_front();
                    self.read += 1;
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// The next block of the first input; `None` at its end.
    fn next_block(&mut self) -> Result<Option<Block>, InputError> {
        if let Some(input) = &mut self.open {
            return input.next_block();
        }
        let Some(known) = self.inputs.front_mut() else {
            return Ok(None);
        };
        drop(self.reserve.take());
        let input = open(known)?;
        self.reserve = reserve();
        self.open.insert(input).next_block()
    }
}

/// Opens an input. If connections take the last descriptor first, they give it back once they are
/// idle or fail.
fn open(known: &mut KnownInput) -> Result<Input, InputError> {
    for _ in 1..OPENINGS_MAX {
        match known.open() {
            Err(error) if error.fault.is_for_lack_of_descriptors() => thread::sleep(OPENING_PAUSE),
            opened => return opened,
        }
    }
    known.open()
}

/// A descriptor that is closed to make room for another file.
fn reserve() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Reads all blocks into a bounded queue.
pub(crate) fn read_blocks(mut source: BlockSource, blocks: &SyncSender<ReadBlock>) {
    while let Some(block) = source.next() {
        if blocks.send(block).is_err() {
            return;
        }
        crash::provoke("reader");
    }
}
