//! The blocks of all inputs, one input after the other, each open only while it is read.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use crate::input::{Block, Input, InputError, KnownInput, Layout, Origin, RowRange, cut_behind};
use crate::process::crash;

/// How often it is tried to open an input where connections have taken all descriptors, and the pause before each.
const OPENINGS_MAX: u32 = 200;
const OPENING_PAUSE: Duration = Duration::from_millis(50);

/// What comes of reading: a block, or why there is no more.
pub(crate) type ReadBlock = Numbered<Result<SourceBlock, InputError>>;

/// Something that has its place in the order of the input.
pub(crate) struct Numbered<T> {
    /// From 0.
    pub(super) number: u64,
    pub(super) content: T,
}

/// A block and where it comes from.
pub(crate) struct SourceBlock {
    pub(super) input: usize,
    /// Rows that were skipped before its first one, over all inputs.
    pub(super) skipped: u64,
    pub(super) block: Block,
    pub(super) layout: Arc<Layout>,
}

/// The blocks of all inputs, one input after the other.
pub(crate) struct BlockSource {
    /// The inputs that are not read to their end.
    inputs: VecDeque<KnownInput>,
    /// The first of them, once it was opened.
    open: Option<Input>,
    /// Keeps a descriptor for the next one.
    reserve: Option<File>,
    /// Inputs that are read.
    read: usize,
    window: RowRange,
    /// Blocks that were handed out.
    count: u64,
}

impl SourceBlock {
    /// Cuts it off behind its first records, so many of them, and returns what is left of it; nothing where that is all.
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
    pub(crate) fn of(inputs: Vec<KnownInput>, window: RowRange) -> BlockSource {
        BlockSource {
            inputs: inputs.into(),
            open: None,
            reserve: reserve(),
            read: 0,
            window,
            count: 0,
        }
    }

    /// The next block, or why there is none; nothing after that and at the end.
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
            // Where failed rows follow, the rows before are counted all the same: theirs are numbers over the whole input.
            if self.window.is_closed(&layout) && !self.has_failed_rows() {
                return None;
            }
            match self.next_block() {
                Ok(Some(block)) => {
                    let Some(block) = self.window.cut(block, &layout) else {
                        continue;
                    };
                    return Some(Ok(SourceBlock {
                        input: self.read,
                        skipped: self.window.skipped(),
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

    /// The next block of the first input; nothing at its end.
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

/// Opens an input. Where connections are quicker to take the last descriptor, they give it back when they are idle or fail.
fn open(known: &mut KnownInput) -> Result<Input, InputError> {
    for _ in 1..OPENINGS_MAX {
        match known.open() {
            Err(error) if error.fault.is_for_lack_of_descriptors() => thread::sleep(OPENING_PAUSE),
            opened => return opened,
        }
    }
    known.open()
}

/// A descriptor that can be given up for another file.
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
