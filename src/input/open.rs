//! An open input: its name, its layout, and its blocks in order.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::download::StrongVersion;
use crate::input::blank_rows::first_with_records;
use crate::input::blocks::block::{Block, BlockSize};
use crate::input::blocks::cutter::{Blocks, Head};
use crate::input::blocks::source::RowSource;
use crate::input::bytes::decode::Bom;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::failed_rows::Origin;
use crate::input::bytes::format::{Format, FormatChoice};
use crate::input::bytes::json_path::JsonPath;
use crate::input::bytes::json_pick::JsonPick;
use crate::input::bytes::name::InputName;
use crate::input::bytes::pauses::Pauses;
use crate::input::bytes::source::Source;
use crate::input::bytes::steady::SteadyFile;
use crate::input::bytes::stream::{EncodingDoubt, EncodingDoubts, peek, text_of};
use crate::input::bytes::{ByteStream, failed_rows, magic};
use crate::input::csv::header::read_header;
use crate::input::csv::header_below::delimiter_line;
use crate::input::error::{InputError, InputFault};
use crate::input::layout::Layout;
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::ndjson::records::Framing;
use crate::input::options::{HeaderRule, InputRules};
use crate::input::read_as::{ReadAs, TextForm};
use crate::input::refusal::fault_of;
use crate::input::sheet;
use crate::input::sheet::OpenSheet;

/// The number of bytes that are checked for structural faults before anything is sent. A stray
/// quote or a wrong file shows within them, and reading them takes no noticeable time. An unclosed
/// quote shows after the longest record.
const PREFLIGHT_BYTES: usize = 4 << 20;

/// An open input with at least one record.
pub struct Input {
    name: InputName,
    size: Option<u64>,
    read_as: ReadAs,
    sheet: Option<OpenSheet>,
    doubts: EncodingDoubts,
    layout: Arc<Layout>,
    has_rows: bool,
    /// The file, if it must not change while it is read.
    steady: Option<SteadyFile>,
    /// The version of a file on a server that can be read twice.
    version: Option<StrongVersion>,
    /// The block that was read when the input was opened.
    first: Option<Block>,
    rows: Box<dyn RowSource>,
}

impl Input {
    /// Opens an input and reads enough of it to detect its format and read its header. Every fault
    /// that shows there is returned here.
    pub fn open(name: InputName, rules: &InputRules) -> Result<Input, InputError> {
        let opened = match workbook_of(&name) {
            Some(path) => open_workbook(&name, path, rules),
            None => Source::open(&name, &rules.download)
                .and_then(|source| open_text(&name, source, rules, BlockSize::default())),
        };
        opened.map_err(|fault| fault_of(name, fault))
    }

    /// Returns an input that reads `reader` in blocks of this size. Every input but a workbook is
    /// one.
    pub fn of_reader(
        name: InputName,
        reader: Box<dyn Read + Send>,
        rules: &InputRules,
        size: BlockSize,
    ) -> Result<Input, InputError> {
        let source = Source {
            reader,
            size: None,
            steady: None,
            version: None,
            pauses: Pauses::default(),
        };
        open_text(&name, source, rules, size).map_err(|fault| InputError { name, fault })
    }

    /// Returns the name as the user wrote it.
    pub fn name(&self) -> &InputName {
        &self.name
    }

    /// Whether the input has a row, and not only a header.
    pub fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Returns the size of the text in bytes, if it is known: for a regular file that is neither
    /// compressed nor encoded.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size
    }

    /// Returns the version of a file on a server that can be read twice.
    pub(super) fn version(&self) -> Option<&StrongVersion> {
        self.version.as_ref()
    }

    /// Returns what the input was detected to be.
    pub fn read_as(&self) -> &ReadAs {
        &self.read_as
    }

    /// Returns the name for messages that give a row's place. For a workbook it includes the sheet:
    /// `customers.xlsx[North]`.
    pub fn place_name(&self) -> String {
        match &self.sheet {
            Some(sheet) => format!("{}[{}]", self.name, sheet.choice.name()),
            None => self.name.to_string(),
        }
    }

    /// Returns the memory that a workbook's shared strings take, in bytes.
    pub fn texts_bytes(&self) -> usize {
        self.sheet.as_ref().map_or(0, |sheet| sheet.texts_bytes)
    }

    /// Returns the number of hidden rows of a sheet, as far as it was read.
    pub fn hidden_rows(&self) -> u64 {
        self.sheet
            .as_ref()
            .map_or(0, |sheet| sheet.hidden_rows.load(Ordering::Relaxed))
    }

    /// Adds the input's name to a fault.
    fn error(&self, fault: InputFault) -> InputError {
        let fault = match &self.sheet {
            Some(sheet) => InputFault::InSheet {
                sheet: sheet.choice.name().to_owned(),
                fault: Box::new(fault),
            },
            None => fault,
        };
        InputError {
            name: self.name.clone(),
            fault,
        }
    }

    /// Returns the header names that were matched loosely (`--loose-headers`).
    pub fn loose_columns(&self) -> &[LooseColumn] {
        self.layout.loose_columns()
    }

    /// Returns what is doubtful about the encoding, judged by what was read so far.
    pub fn encoding_doubt(&self) -> Option<EncodingDoubt> {
        self.doubts.so_far()
    }

    /// Returns the layout of the records.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Returns the next block, or `None` at the end. The first block starts after the header.
    pub fn next_block(&mut self) -> Result<Option<Block>, InputError> {
        let next = match self.first.take() {
            Some(block) => Ok(Some(block)),
            None => self.rows.next(),
        };
        // A changed file explains any other fault, so it is reported first.
        let steady = self.steady.as_ref().map_or(Ok(()), SteadyFile::check);
        let steady = steady.map_err(|error| InputFault::of_read(error, self.rows.line()));
        steady.and(next).map_err(|fault| self.error(fault))
    }
}

/// Returns the path of an input that is a workbook.
pub(super) fn workbook_of(name: &InputName) -> Option<&Path> {
    match name {
        InputName::Path(path) if path.is_file() && sheet::is_workbook(path) => Some(path),
        InputName::Path(_) | InputName::Member(_) | InputName::Stdin | InputName::Address(_) => {
            None
        }
    }
}

/// The part of an input that was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckedPart {
    Beginning,
    All,
}

/// Opens an input and looks for faults that would stop a run in its first 4 MiB. Of an input that
/// cannot be read twice, no more is read than opening it takes. Each block of the first 4 MiB is
/// passed to `look_at`.
///
/// Also returns how far the input was checked.
pub(crate) fn preflight(
    name: InputName,
    rules: &InputRules,
    mut look_at: impl FnMut(Block, &Layout),
) -> Result<(Input, CheckedPart), InputError> {
    let is_regular_file = name.is_regular_file();
    let mut input = Input::open(name, rules)?;
    let can_be_read_twice = is_regular_file || input.version.is_some();
    let mut seen_bytes = 0;
    while can_be_read_twice && seen_bytes < PREFLIGHT_BYTES {
        match input.next_block()? {
            Some(block) => {
                seen_bytes += block.bytes.len();
                look_at(block, &input.layout);
            }
            None => return Ok((input, CheckedPart::All)),
        }
    }
    Ok((input, CheckedPart::Beginning))
}

fn open_workbook(name: &InputName, path: &Path, rules: &InputRules) -> Result<Input, InputFault> {
    let (mut rows, layout, sheet) = sheet::open(path, rules)?;
    let in_sheet = |fault: InputFault| InputFault::InSheet {
        sheet: sheet.choice.name().to_owned(),
        fault: Box::new(fault),
    };
    let first = rows.next().map_err(in_sheet)?;
    if first.is_none() && matches!(rules.header, HeaderRule::Named(_)) {
        return Err(in_sheet(InputFault::Empty));
    }
    Ok(Input {
        name: name.clone(),
        size: None,
        read_as: ReadAs::Workbook(sheet.choice.clone()),
        doubts: EncodingDoubts::default(),
        layout: Arc::new(Layout::Sheet(layout)),
        sheet: Some(sheet),
        has_rows: first.is_some(),
        steady: None,
        version: None,
        first,
        rows,
    })
}

/// A text that was opened up to its header.
pub(super) struct TextHead<'r> {
    /// The text behind the lines above the header.
    pub(super) head: Head<ByteStream>,
    /// The rules for reading it. Failed rows have their own.
    pub(super) rules: Cow<'r, InputRules>,
    origin: Origin,
    pub(super) form: TextForm,
    /// The size of the text in bytes, if it is known.
    size: Option<u64>,
    doubts: EncodingDoubts,
    steady: Option<SteadyFile>,
    version: Option<StrongVersion>,
}

/// Opens a text, detects its format, and skips the lines above its header.
pub(super) fn open_head<'r>(
    name: &InputName,
    source: Source,
    rules: &'r InputRules,
    size: BlockSize,
) -> Result<TextHead<'r>, InputFault> {
    let text = text_of(source.reader, &source.pauses, rules.encoding)?;
    let (reader, json_path) = picked(text.reader, rules)?;
    let mut head = Head::read(reader, size)?;
    let own_format = failed_rows::format_of(head.bytes(), rules.quotes)
        // What begins like an array is an element of the array that was picked.
        .filter(|format| json_path.is_none() || *format == Format::Ndjson);
    let own_rules = own_format.map(|format| rules.of_failed_rows(format));
    let origin = own_format.map_or(Origin::First, |_| Origin::FailedRows);
    if origin == Origin::FailedRows {
        head.allow_failed_rows();
    }
    let rules = own_rules.map_or(Cow::Borrowed(rules), Cow::Owned);
    if rules.sheet.is_some() {
        return Err(InputFault::NotAWorkbook);
    }
    if let Some(other) = magic::not_rows(head.bytes()) {
        return Err(other.into());
    }
    let named = skip_top(&mut head, &rules)?;
    let with_named = InputRules {
        delimiter: rules.delimiter.or(named),
        ..rules.as_ref().clone()
    };
    let format = match json_path {
        Some(_) => Format::JsonArray,
        None => Format::of(name, head.bytes(), &with_named)?,
    };
    let is_as_long = text.compression.is_none() && text.encoding.is_none();
    let form = TextForm {
        format,
        found: format.found_delimiter(&rules),
        compression: text.compression,
        json_path,
        encoding: text.encoding,
    };
    Ok(TextHead {
        head,
        rules,
        origin,
        form,
        size: source.size.filter(|_| is_as_long),
        doubts: text.doubts,
        steady: source.steady,
        version: source.version,
    })
}

/// Returns a reader of the array that the user names, and its path; a reader of the whole text if the
/// user names none, or if the text holds failed rows, which have a layout of their own.
fn picked(
    text: ByteStream,
    rules: &InputRules,
) -> Result<(ByteStream, Option<JsonPath>), InputFault> {
    let Some(path) = &rules.json_path else {
        return Ok((text, None));
    };
    let (head, text) = peek(text)?;
    let other = magic::not_rows(&head).or_else(|| magic::not_text_within(&head, None));
    if let Some(other) = other {
        return Err(other.into());
    }
    if failed_rows::is_failed_rows(&head) {
        return Ok((text, None));
    }
    let array = JsonPick::new(text, path.clone());
    Ok((Box::new(array), Some(path.clone())))
}

fn open_text(
    name: &InputName,
    source: Source,
    rules: &InputRules,
    size: BlockSize,
) -> Result<Input, InputFault> {
    let text = open_head(name, source, rules, size)?;
    let (layout, first, blocks) = begin(text.head, &text.rules, text.origin, &text.form)?;
    Ok(Input {
        name: name.clone(),
        size: text.size,
        read_as: ReadAs::Text(text.form),
        sheet: None,
        doubts: text.doubts,
        layout: Arc::new(layout),
        has_rows: !first.bytes.is_empty(),
        steady: text.steady,
        version: text.version,
        first: Some(first),
        rows: Box::new(blocks),
    })
}

/// Skips the lines above the header: the number that the user gives, or one `sep=` line, as Excel
/// reads it. Returns the delimiter of that line.
fn skip_top(
    head: &mut Head<ByteStream>,
    rules: &InputRules,
) -> Result<Option<Delimiter>, InputFault> {
    let named = match rules.format {
        FormatChoice::Ndjson => None,
        FormatChoice::Auto | FormatChoice::Csv | FormatChoice::Tsv => delimiter_line(head.bytes()),
    };
    let lines = match rules.header {
        HeaderRule::Row(_) => rules.header.lines_above(),
        HeaderRule::FirstRecord | HeaderRule::Named(_) => u64::from(named.is_some()),
    };
    if lines > 0 && head.skip_lines(lines)? < lines {
        return Err(InputFault::NoHeaderRow { row: lines + 1 });
    }
    Ok(named)
}

/// Reads the header, if the format has one. Returns the layout, the first block with a record, and
/// the blocks behind it.
fn begin(
    mut head: Head<ByteStream>,
    rules: &InputRules,
    origin: Origin,
    form: &TextForm,
) -> Result<(Layout, Block, Blocks<ByteStream>), InputFault> {
    let format = form.format;
    let bom = if head.had_bom() {
        Bom::Write
    } else {
        Bom::of(form.encoding, rules.encoding)
    };
    if form.begins_with_bracket() {
        head.open_array();
    }
    let mut blocks = head.into_blocks(format);
    let json = |framing| Layout::Ndjson(NdjsonLayout::new(&rules.mapping, framing, origin, bom));
    let (layout, start) = match format {
        Format::Csv(dialect) => {
            let (layout, rest) = read_header(&mut blocks, dialect, rules, bom)?;
            (Layout::Csv(layout), Some(rest))
        }
        Format::Ndjson => (json(Framing::Lines), None),
        Format::JsonArray => (json(Framing::Array), None),
    };
    let first = first_with_records(start, &mut blocks, format)?;
    if first.bytes.is_empty() && format == Format::Ndjson {
        return Err(InputFault::Empty);
    }
    Ok((layout, first, blocks))
}
