//! The records of a CSV block, and what their cells say.
//!
//! A record is what the `csv` crate would make of it: a quote opens a cell only as its first byte, `""` inside stands for one
//! quote, what follows the closing quote belongs to the cell as it stands, and CR, LF and CRLF end a record.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::contract::{Cell, CustomerId, Draft, ErrorCode, FieldError, InvalidRow, Subject};

use super::blocks::{Block, first_wrong_byte};
use super::format::Delimiter;
use super::layout::CsvLayout;
use super::mapping::Target;
use super::places::{CellEnds, Places, Quotes};
use super::record::{Record, RowRules, Teller};
use super::rules::CellRules;

/// The records of a block, one at a time.
pub(super) struct CsvRecords<'b> {
    bytes: &'b [u8],
    /// The same, where all of it is UTF-8: one look at a block instead of one at each cell.
    text: Option<&'b str>,
    delimiter: Delimiter,
    ends: Places<'b, CellEnds>,
    quotes: Places<'b, Quotes>,
    cells: Vec<CsvCell>,
    /// Everything before is read.
    at: usize,
    /// The line on which the next byte stands.
    line: u64,
}

/// Where a cell stands in its block.
#[derive(Debug, Clone)]
struct CsvCell {
    place: Range<usize>,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// The cell is what stands there.
    Plain,
    /// It starts inside quotes, and some bytes of it stand for others.
    Quoted,
}

/// One record of a block.
pub(super) struct CsvRecord<'r, 'b> {
    bytes: &'b [u8],
    text: Option<&'b str>,
    cells: &'r [CsvCell],
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
        CsvRecords {
            bytes,
            text: simdutf8::basic::from_utf8(bytes).ok(),
            delimiter,
            ends: Places::of(bytes, CellEnds::of(delimiter.byte())),
            quotes: Places::of(bytes, Quotes),
            cells: Vec::new(),
            at: 0,
            line: block.first_line,
        }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Option<CsvRecord<'_, 'b>> {
        self.skip_blank_lines();
        let (start, line) = (self.at, self.line);
        if start == self.bytes.len() {
            return None;
        }
        self.cells.clear();
        let mut next = start;
        let record_end = loop {
            let end = self.cell(next);
            if self.bytes.get(end) != Some(&self.delimiter.byte()) {
                break end;
            }
            next = end + 1;
        };
        self.at = record_end;
        self.skip_line_end();
        let raw = self.bytes.get(start..record_end).unwrap_or_default();
        Some(CsvRecord { bytes: self.bytes, text: self.text, cells: &self.cells, raw, line, start, end: self.at })
    }

    fn skip_blank_lines(&mut self) {
        while let Some(b'\r' | b'\n') = self.bytes.get(self.at) {
            self.skip_line_end();
        }
    }

    fn skip_line_end(&mut self) {
        self.at += match self.bytes.get(self.at..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([_, ..]) => 1,
            Some([]) | None => return,
        };
        self.line += 1;
    }

    /// Adds the cell that starts here to the record's; returns where it ends: at what ends it.
    #[inline]
    fn cell(&mut self, start: usize) -> usize {
        if self.bytes.get(start) != Some(&b'"') {
            let end = self.ends.next(start);
            self.cells.push(CsvCell { place: start..end, form: Form::Plain });
            return end;
        }
        let inside = start + 1;
        let mut quote = self.quotes.next(inside);
        let mut form = Form::Plain;
        while self.bytes.get(quote + 1) == Some(&b'"') {
            form = Form::Quoted;
            quote = self.quotes.next(quote + 2);
        }
        let end = self.end_behind(inside..quote);
        // A cell that no quote closes is closed by the end of the input.
        if end > quote + 1 {
            form = Form::Quoted;
        }
        let place = match form {
            Form::Plain => inside..quote,
            Form::Quoted => inside..end,
        };
        self.cells.push(CsvCell { place, form });
        end
    }

    /// What ends the cell whose quotes are around these places. The lines that end between them are counted.
    fn end_behind(&mut self, quoted: Range<usize>) -> usize {
        let mut end = self.ends.next(quoted.start);
        while end < quoted.end {
            self.line += match self.bytes.get(end..) {
                Some([b'\r', b'\n', ..]) => 0,
                Some([b'\r' | b'\n', ..]) => 1,
                _ => 0,
            };
            end = self.ends.next(end + 1);
        }
        end
    }
}

impl<'b> CsvRecord<'_, 'b> {
    /// How many cells it has.
    pub(super) fn columns(&self) -> usize {
        self.cells.len()
    }

    /// Its cells, unquoted.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cow<'b, [u8]>> {
        self.cells.iter().map(|cell| match cell.form {
            Form::Plain => Cow::Borrowed(self.bytes_of(cell)),
            Form::Quoted => Cow::Owned(unquoted(self.bytes_of(cell))),
        })
    }

    /// The text of a cell that stands in the block as it is.
    #[inline]
    fn plain_text(&self, cell: &CsvCell) -> Option<&'b str> {
        match cell.form {
            Form::Plain => self.text?.get(cell.place.clone()),
            Form::Quoted => None,
        }
    }

    /// The text of a cell; none where its bytes are no text.
    fn text(&self, cell: &CsvCell) -> Option<Cow<'b, str>> {
        match (cell.form, self.text) {
            (Form::Plain, Some(text)) => text.get(cell.place.clone()).map(Cow::Borrowed),
            (Form::Plain, None) => std::str::from_utf8(self.bytes_of(cell)).ok().map(Cow::Borrowed),
            (Form::Quoted, _) => String::from_utf8(unquoted(self.bytes_of(cell))).ok().map(Cow::Owned),
        }
    }

    fn bytes_of(&self, cell: &CsvCell) -> &'b [u8] {
        self.bytes.get(cell.place.clone()).unwrap_or_default()
    }
}

/// What stands in quotes and behind them. `inside` starts behind the opening quote.
fn unquoted(inside: &[u8]) -> Vec<u8> {
    let mut cell = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((text, quote)) = memchr(b'"', rest).and_then(|quote| rest.split_at_checked(quote)) {
        cell.extend_from_slice(text);
        match quote {
            [_, b'"', behind @ ..] => {
                cell.push(b'"');
                rest = behind;
            }
            [_, behind @ ..] | behind => {
                cell.extend_from_slice(behind);
                return cell;
            }
        }
    }
    cell.extend_from_slice(rest);
    cell
}

/// Shows `visit` each record of a block in order.
pub(super) fn parse(block: &Block, layout: &CsvLayout, rules: &RowRules, visit: &mut impl FnMut(Record<'_>)) {
    let mut records = CsvRecords::of(block, layout.delimiter);
    let mut draft = Draft::new(&rules.values);
    let targets = layout.columns.targets();
    let teller = Teller::of(&rules.cells);
    let mut ordinal = 0;
    while let Some(record) = records.next() {
        let checked = if record.columns() == targets.len() {
            draft.clear();
            layout.columns.constants.fill(&mut draft, &rules.cells);
            for (cell, &target) in record.cells.iter().zip(&targets) {
                match (target, record.plain_text(cell)) {
                    (Target::Ignored, _) => {}
                    (_, Some(text)) => teller.tell_text(&mut draft, target, text),
                    (_, None) => Teller::tell(&mut draft, target, said(&record, cell, block, target, &rules.cells)),
                }
            }
            draft.finish()
        } else {
            Err(ragged(&record, layout, &rules.cells))
        };
        visit(Record { raw: record.raw, line: record.line, ordinal, checked });
        ordinal += 1;
    }
}

/// What the cell in a column says.
pub(super) fn cell<'r>(
    record: &CsvRecord<'_, 'r>,
    block: &Block,
    column: usize,
    target: Target,
    rules: &'r CellRules,
) -> Option<Cell<'r>> {
    said(record, record.cells.get(column)?, block, target, rules)
}

fn said<'r>(
    record: &CsvRecord<'_, 'r>,
    cell: &CsvCell,
    block: &Block,
    target: Target,
    rules: &'r CellRules,
) -> Option<Cell<'r>> {
    match record.text(cell) {
        Some(text) => rules.cell(target, text),
        None => Some(Cell::NotText { input_byte: first_wrong_byte(record.raw, block, record.start) }),
    }
}

/// The error of a row that does not have the header's columns. Which cell belongs to which column cannot be known, so
/// no cell is looked at; the id, mostly first, is a good guess, and helps to find the row.
fn ragged(record: &CsvRecord<'_, '_>, layout: &CsvLayout, rules: &CellRules) -> InvalidRow {
    let id = record.cells.get(layout.columns.id).and_then(|cell| record.text(cell));
    let id = match id.and_then(|text| rules.cell(Target::Id, text)) {
        Some(Cell::Text(text)) => CustomerId::parse(&text).ok(),
        _ => None,
    };
    let (here, header) = (record.columns(), layout.columns.names.len());
    let columns = if here == 1 { "column" } else { "columns" };
    let message = format!("has {here} {columns} where the header has {header}");
    InvalidRow { id, errors: vec![FieldError::new(Subject::Row, ErrorCode::Columns, message)] }
}
