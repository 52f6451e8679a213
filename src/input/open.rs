//! An input that is open: its name, its layout, and its blocks one after the other.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::blocks::{Block, BlockSize, Blocks, Head};
use super::csv::CsvRecords;
use super::error::{InputError, InputFault};
use super::format::{Delimiter, Format, FormatChoice};
use super::header;
use super::layout::{CsvLayout, Layout, NdjsonLayout};
use super::mapping::MappingRules;
use super::ndjson::is_blank;
use super::source::{InputName, Source};

/// So much of a file is looked through for structural faults before anything is sent: what a stray quote or a wrong
/// file would show early, in a blink of an eye.
const PREFLIGHT_BYTES: usize = 32 << 20;

/// What the user says of the inputs.
#[derive(Debug, Clone, Default)]
pub struct InputRules {
    /// The format (`--format`).
    pub format: FormatChoice,
    /// The delimiter, where it is not the format's own (`--delimiter`).
    pub delimiter: Option<Delimiter>,
    /// Which column fills which field (`--map`, `--ignore`).
    pub mapping: MappingRules,
}

/// An open input with at least one record.
pub struct Input {
    name: InputName,
    size: Option<u64>,
    layout: Arc<Layout>,
    /// The block that opening has read already.
    first: Option<Block>,
    blocks: Blocks<Box<dyn Read + Send>>,
}

impl Input {
    /// Opens an input and reads as much of it as says what it is. Whatever can be known to be wrong with it is an error
    /// here.
    pub fn open(name: InputName, rules: &InputRules) -> Result<Input, InputError> {
        match Source::open(&name) {
            Ok(source) => Input::read(name, source, rules, BlockSize::default()),
            Err(fault) => Err(InputError { name, fault }),
        }
    }

    /// An input of an open source.
    pub(super) fn read(
        name: InputName,
        source: Source,
        rules: &InputRules,
        size: BlockSize,
    ) -> Result<Input, InputError> {
        match read_start(&name, source.reader, rules, size) {
            Ok((layout, first, blocks)) => {
                Ok(Input { name, size: source.size, layout: Arc::new(layout), first: Some(first), blocks })
            }
            Err(fault) => Err(InputError { name, fault }),
        }
    }

    /// The name that the user gave it.
    pub fn name(&self) -> &InputName {
        &self.name
    }

    /// Its size in bytes, where it is a regular file.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size
    }

    /// What its records look like.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The next records; `None` at the end. The first block starts behind the header.
    pub fn next_block(&mut self) -> Result<Option<Block>, InputError> {
        match self.first.take() {
            Some(block) => Ok(Some(block)),
            None => self.blocks.next().map_err(|fault| InputError { name: self.name.clone(), fault }),
        }
    }
}

/// Looks for faults that would stop a run in the first 32 MiB of an input. Only a regular file can be read twice; of
/// anything else nothing is read.
pub fn preflight(name: &InputName, rules: &InputRules) -> Result<(), InputError> {
    match name {
        InputName::Path(path) if Path::is_file(path) => {}
        InputName::Path(_) | InputName::Stdin => return Ok(()),
    }
    let mut input = Input::open(name.clone(), rules)?;
    let mut seen_bytes = 0;
    while seen_bytes < PREFLIGHT_BYTES {
        match input.next_block()? {
            Some(block) => seen_bytes += block.bytes.len(),
            None => break,
        }
    }
    Ok(())
}

type Start = (Layout, Block, Blocks<Box<dyn Read + Send>>);

fn read_start(
    name: &InputName,
    reader: Box<dyn Read + Send>,
    rules: &InputRules,
    size: BlockSize,
) -> Result<Start, InputFault> {
    let head = Head::read(reader, size).map_err(InputFault::Read)?;
    let format = Format::of(name, head.bytes(), rules.format, rules.delimiter)?;
    let mut blocks = head.into_blocks(format);
    let (layout, first) = match format {
        Format::Csv(delimiter) => {
            let (layout, rest) = read_header(&mut blocks, delimiter, &rules.mapping)?;
            let first = first_with_records(Some(rest), &mut blocks, format)?.ok_or(InputFault::NoRows)?;
            (Layout::Csv(layout), first)
        }
        Format::Ndjson => {
            let first = first_with_records(None, &mut blocks, format)?.ok_or(InputFault::Empty)?;
            (Layout::Ndjson(NdjsonLayout::new(&rules.mapping)), first)
        }
    };
    Ok((layout, first, blocks))
}

/// Reads the header, and returns with it what is left of its block.
fn read_header(
    blocks: &mut Blocks<impl Read>,
    delimiter: Delimiter,
    mapping: &MappingRules,
) -> Result<(CsvLayout, Block), InputFault> {
    while let Some(block) = blocks.next()? {
        let mut records = CsvRecords::of(&block, delimiter);
        let Some(record) = records.next() else { continue };
        let columns = header::read(record.cells, record.line, mapping)?;
        let header = block.bytes.slice_ref(record.raw);
        let end = record.end;
        drop(records);
        return Ok((CsvLayout { delimiter, header, columns }, block.without_first(end, Format::Csv(delimiter))));
    }
    Err(InputFault::Empty)
}

/// The first block that holds a record. `start` comes before what is still to be read.
fn first_with_records(
    start: Option<Block>,
    blocks: &mut Blocks<impl Read>,
    format: Format,
) -> Result<Option<Block>, InputFault> {
    let mut next = match start {
        Some(block) => Some(block),
        None => blocks.next()?,
    };
    while let Some(block) = next {
        if has_record(&block.bytes, format) {
            return Ok(Some(block));
        }
        next = blocks.next()?;
    }
    Ok(None)
}

/// Whether there is anything but blank lines. A CSV line of spaces is a record, of one column.
fn has_record(bytes: &[u8], format: Format) -> bool {
    match format {
        Format::Csv(_) => bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')),
        Format::Ndjson => !is_blank(bytes),
    }
}
