//! The records of a CSV block, and what their cells say.

use std::borrow::Cow;
use std::io;
use std::io::Read as _;

use csv::ByteRecord;

use crate::contract::{Cell, Cells, CustomerId, CustomerUpdate, ErrorCode, FieldError, InvalidRow, Subject};

use super::blocks::{Block, first_wrong_byte};
use super::format::{Delimiter, Format};
use super::framing::{count_lines, is_one_line};
use super::layout::CsvLayout;
use super::mapping::Target;
use super::record::{Record, RowRules};
use super::rules::CellRules;

/// Put before each block. The `csv` crate cuts a byte order mark off whatever comes first, but behind the start of an
/// input those bytes are a value's. A blank line is not a record, so it changes nothing else.
const PRELUDE: &[u8] = b"\n";

/// The records of a block, one at a time.
pub(super) struct CsvRecords<'b> {
    reader: csv::Reader<io::Chain<&'static [u8], &'b [u8]>>,
    bytes: &'b [u8],
    cells: ByteRecord,
    format: Format,
    /// Everything before is read.
    at: usize,
    /// The line on which the next byte stands.
    line: u64,
}

/// One record of a block.
pub(super) struct CsvRecord<'r, 'b> {
    /// Its cells, unquoted.
    pub(super) cells: &'r ByteRecord,
    /// Its bytes, without its line end.
    pub(super) raw: &'b [u8],
    /// The line on which it starts.
    pub(super) line: u64,
    /// Where it starts in the block.
    start: usize,
    /// Where it ends in the block, behind its line end.
    pub(super) end: usize,
}

impl<'b> CsvRecords<'b> {
    /// The records of a block.
    pub(super) fn of(block: &'b Block, delimiter: Delimiter) -> CsvRecords<'b> {
        let bytes = &*block.bytes;
        let mut settings = csv::ReaderBuilder::new();
        settings.has_headers(false).flexible(true).delimiter(delimiter.byte());
        CsvRecords {
            reader: settings.from_reader(PRELUDE.chain(bytes)),
            bytes,
            cells: ByteRecord::new(),
            format: Format::Csv(delimiter),
            at: 0,
            line: block.first_line,
        }
    }

    /// The next record. It lends its cells until the one after it is asked for.
    pub(super) fn next(&mut self) -> Option<CsvRecord<'_, 'b>> {
        let found = self.reader.read_byte_record(&mut self.cells);
        if !found.expect("memory can be read, and records may be ragged") {
            return None;
        }
        let read = usize::try_from(self.reader.position().byte()).expect("a block fits in memory") - PRELUDE.len();
        let unread = self.bytes.get(self.at..read).expect("the reader moves ahead within the block");
        let blank = unread.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (blank, record) = unread.split_at_checked(blank).expect("blank lines are part of what was read");
        if !blank.is_empty() {
            self.line += count_lines(blank, self.format);
        }
        let start = read - record.len();
        let raw = record.strip_suffix(b"\n").or_else(|| record.strip_suffix(b"\r")).unwrap_or(record);
        let line = self.line;
        self.line += 1 + if is_one_line(raw) { 0 } else { count_lines(raw, self.format) };
        // Of a CRLF the reader takes the LF with the next record.
        let is_half_read = record.ends_with(b"\r") && self.bytes.get(read) == Some(&b'\n');
        self.at = if is_half_read { read + 1 } else { read };
        Some(CsvRecord { cells: &self.cells, raw, line, start, end: self.at })
    }
}

/// Shows `visit` each record of a block in order.
pub(super) fn parse(block: &Block, layout: &CsvLayout, rules: &RowRules, visit: &mut impl FnMut(Record<'_>)) {
    let mut records = CsvRecords::of(block, layout.delimiter);
    let mut ordinal = 0;
    while let Some(record) = records.next() {
        let CsvRecord { cells, raw, line, .. } = record;
        let checked = if cells.len() == layout.columns.names.len() {
            CustomerUpdate::new(mapped(&record, block, layout, &rules.cells), &rules.values)
        } else {
            Err(ragged(cells, layout, &rules.cells))
        };
        visit(Record { raw, line, ordinal, checked });
        ordinal += 1;
    }
}

fn mapped<'r>(record: &CsvRecord<'r, '_>, block: &Block, layout: &'r CsvLayout, rules: &'r CellRules) -> Cells<'r> {
    // One look at the whole record instead of one at each cell.
    let text = std::str::from_utf8(record.cells.as_slice()).ok();
    let mut cells = layout.columns.constants.cells(rules);
    for &(column, target) in &layout.columns.mapped {
        let range = record.cells.range(column).expect("the record has the header's columns");
        let cell = match text.and_then(|text| text.get(range)) {
            Some(text) => rules.cell(target, Cow::Borrowed(text)),
            None => from_bytes(record, block, column, target, rules),
        };
        match target {
            Target::Id => cells.id = cell,
            Target::Field(field) => {
                *cells.fields.get_mut(field.index()).expect("the cells have a place for each field") = cell;
            }
            Target::Ignored => {}
        }
    }
    cells
}

/// A cell of a record that is not UTF-8 as a whole.
pub(super) fn from_bytes<'r>(
    record: &CsvRecord<'r, '_>,
    block: &Block,
    column: usize,
    target: Target,
    rules: &'r CellRules,
) -> Option<Cell<'r>> {
    match std::str::from_utf8(record.cells.get(column)?) {
        Ok(text) => rules.cell(target, Cow::Borrowed(text)),
        Err(_) => Some(Cell::NotText { input_byte: first_wrong_byte(record.raw, block, record.start) }),
    }
}

/// The error of a row that does not have the header's columns. Which cell belongs to which column cannot be known, so
/// no cell is looked at; the id, mostly first, is a good guess, and helps to find the row.
fn ragged(record: &ByteRecord, layout: &CsvLayout, rules: &CellRules) -> InvalidRow {
    let id = record.get(layout.columns.id).and_then(|cell| std::str::from_utf8(cell).ok());
    let id = match id.and_then(|text| rules.cell(Target::Id, Cow::Borrowed(text))) {
        Some(Cell::Text(text)) => CustomerId::parse(&text).ok(),
        _ => None,
    };
    let (here, header) = (record.len(), layout.columns.names.len());
    let columns = if here == 1 { "column" } else { "columns" };
    let message = format!("has {here} {columns} where the header has {header}");
    InvalidRow { id, errors: vec![FieldError::new(Subject::Row, ErrorCode::Columns, message)] }
}
