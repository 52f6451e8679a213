//! Blank rows before the first record of an input: empty lines, or lines of delimiters only.

use std::io::Read;

use bytes::Bytes;

use crate::input::blocks::array::next_element;
use crate::input::blocks::block::Block;
use crate::input::blocks::cutter::Blocks;
use crate::input::bytes::format::Format;
use crate::input::csv::records::CsvRecords;
use crate::input::error::InputFault;
use crate::input::ndjson::records::is_blank;

/// Returns the first block that holds a record, or an empty block if there is none. `start`
/// precedes what is still to be read.
pub(crate) fn first_with_records(
    start: Option<Block>,
    blocks: &mut Blocks<impl Read>,
    format: Format,
) -> Result<Block, InputFault> {
    let mut next = match start {
        Some(block) => Some(block),
        None => blocks.next()?,
    };
    let mut blank_rows = 0;
    while let Some(block) = next {
        match blank_rows_alone(&block, format) {
            None => {
                return Ok(Block {
                    blank_rows_before: blank_rows,
                    ..block
                });
            }
            Some(rows) => blank_rows += rows,
        }
        next = blocks.next()?;
    }
    Ok(Block {
        blank_rows_before: blank_rows,
        ..Block::new(Bytes::new(), 1, 0)
    })
}

/// Returns the number of blank rows in a block without records, or `None` if it has a record. A CSV
/// line of spaces is a record of one column.
fn blank_rows_alone(block: &Block, format: Format) -> Option<u64> {
    match format {
        Format::Csv(dialect) => {
            let is_blank =
                |byte: &u8| *byte == dialect.delimiter.byte() || matches!(byte, b'\r' | b'\n');
            if !block.bytes.iter().all(is_blank) {
                return None;
            }
            let mut records = CsvRecords::of(block, dialect);
            records.next().is_none().then_some(records.blank_rows)
        }
        Format::Ndjson => is_blank(&block.bytes).then_some(0),
        Format::JsonArray => next_element(&block.bytes, 0).is_none().then_some(0),
    }
}
