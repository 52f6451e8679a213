//! Blocks of whole records: the unit of work of a thread.

use bytes::Bytes;

use crate::input::blocks::index::CellIndex;
use crate::input::blocks::typed::TypedRecords;
use crate::input::bytes::bytes_of;
use crate::input::bytes::format::Format;
use crate::input::bytes::lines::count_lines;

/// Limits on the size of blocks and records.
#[derive(Debug, Clone, Copy)]
pub struct BlockSize {
    /// The approximate size of a block, in bytes. It ends with the last record that fits, and has
    /// at least one.
    pub block_bytes: usize,
    /// The most lines in a block, not counting line ends within cells. A row takes many times more
    /// memory than a short record, so the memory for a block's rows is limited by lines as well as
    /// by bytes.
    pub lines_max: usize,
    /// The largest record, in bytes, with its line end.
    pub record_bytes_max: usize,
}

impl Default for BlockSize {
    /// 256 KiB or 4,096 lines a block: small beside a CPU cache, large beside the cost of handing a
    /// block to a thread. 1 MiB a record: the API's fields take some kilobytes.
    fn default() -> BlockSize {
        BlockSize {
            block_bytes: 256 << 10,
            lines_max: 4096,
            record_bytes_max: 1 << 20,
        }
    }
}

/// Whole records, one after the other.
#[derive(Debug, Clone)]
pub struct Block {
    /// The records' bytes, with their line ends. Only the input's last record may have none.
    pub bytes: Bytes,
    /// The physical line, from 1, of the first byte.
    pub first_line: u64,
    /// The number of bytes of the input's text before the block, including a byte order mark.
    pub bytes_before: u64,
    /// The structural index of the block's cells, chunk by chunk. Empty if there is none; longer
    /// than the bytes if the block was cut off at its end.
    pub(crate) cell_index: Vec<CellIndex>,
    /// The records whose cells the source has typed. Empty for formats of text.
    pub(crate) typed: TypedRecords,
    /// The number of blank rows before the block, in blocks without any record.
    pub(crate) blank_rows_before: u64,
}

impl Block {
    /// Returns a block of these bytes, without an index.
    pub(crate) fn new(bytes: Bytes, first_line: u64, bytes_before: u64) -> Block {
        Block {
            bytes,
            first_line,
            bytes_before,
            cell_index: Vec::new(),
            typed: TypedRecords::default(),
            blank_rows_before: 0,
        }
    }

    /// Returns the block without its first `count` bytes, which are whole records.
    pub(crate) fn without_first(mut self, count: usize, format: Format) -> Block {
        let removed = self.bytes.split_to(count);
        let first_line = self.first_line + count_lines(&removed, format);
        let bytes_before = self.bytes_before + bytes_of(&removed);
        Block::new(self.bytes, first_line, bytes_before)
    }

    /// Returns the block without its first `count` bytes, which are whole typed records.
    pub(crate) fn without_first_typed(mut self, count: usize) -> Block {
        let removed = self.bytes.split_to(count);
        self.typed.remove_first(count);
        Block {
            bytes_before: self.bytes_before + bytes_of(&removed),
            first_line: self.typed.first_line().unwrap_or(self.first_line),
            ..self
        }
    }
}
