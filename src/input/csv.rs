//! The records of a CSV block, and what their cells say.
//!
//! A record is what the `csv` crate would make of it: a quote opens a cell only as its first byte, `""` inside stands for one
//! quote, what follows the closing quote belongs to the cell as it stands, and CR, LF and CRLF end a record.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::contract::{Cell, CustomerId, Draft, ErrorCode, FieldError, InvalidRow, Subject};

use super::blocks::Block;
use super::decode::likely_encoding;
use super::format::Delimiter;
use super::layout::CsvLayout;
use super::mapping::Target;
use super::marks::{CellMarks, Marker};
use super::own::{OvertakenRule, UnknownName, overtaken_in_text};
use super::places::CHUNK_BYTES;
use super::record::{Record, RowRules, Teller};
use super::rules::CellRules;

/// The records of a block, one at a time.
pub(super) struct CsvRecords<'b> {
    bytes: &'b [u8],
    /// The same, where all of it is UTF-8: one look at a block instead of one at each cell.
    text: Option<&'b str>,
    delimiter: Delimiter,
    cell_marks: Cow<'b, [CellMarks]>,
    /// The chunk that comes next.
    chunk: usize,
    /// What is still ahead of the one before.
    ahead: CellMarks,
    /// Whether a quote of the record may stand for itself.
    has_literal_quotes: bool,
    /// Where the record's cells end.
    ends: Vec<usize>,
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
    /// Where its cells end: at a delimiter, or at its end.
    ends: &'r [usize],
    has_literal_quotes: bool,
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
            cell_marks: match block.cell_marks.as_slice() {
                [] => Cow::Owned(Marker::new(delimiter).mark_all(bytes)),
                cell_marks => Cow::Borrowed(cell_marks),
            },
            chunk: 0,
            ahead: CellMarks::default(),
            has_literal_quotes: false,
            ends: Vec::new(),
            at: 0,
            line: block.first_line,
        }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Option<CsvRecord<'_, 'b>> {
        self.ends.clear();
        self.has_literal_quotes = self.ahead.has_literal_quotes;
        let (line, mut end) = self.first_cell_end()?;
        let start = self.at;
        loop {
            self.ends.push(end);
            if self.bytes.get(end) != Some(&self.delimiter.byte()) {
                break;
            }
            end = self.next_cell_end();
        }
        self.end_line(end);
        Some(CsvRecord {
            bytes: self.bytes,
            text: self.text,
            ends: &self.ends,
            has_literal_quotes: self.has_literal_quotes,
            raw: self.bytes.get(start..end).unwrap_or_default(),
            line,
            start,
            end: self.at,
        })
    }

    /// Behind blank lines, the line on which the next record starts, and what ends its first cell.
    fn first_cell_end(&mut self) -> Option<(u64, usize)> {
        loop {
            let line = self.line;
            let end = self.next_cell_end();
            if end > self.at {
                return Some((line, end));
            }
            match self.bytes.get(end)? {
                b'\r' | b'\n' => self.end_line(end),
                _ => return Some((line, end)),
            }
        }
    }

    /// What ends the next cell: its place, or the end of the block.
    #[inline]
    fn next_cell_end(&mut self) -> usize {
        while self.ahead.cell_ends == 0 {
            if self.next_chunk().is_none() {
                return self.bytes.len();
            }
        }
        let end = self.place_of_first(self.ahead.cell_ends);
        self.ahead.cell_ends &= self.ahead.cell_ends - 1;
        end
    }

    /// Goes on to the next chunk, if there is one.
    #[inline]
    fn next_chunk(&mut self) -> Option<()> {
        let start = self.chunk * CHUNK_BYTES;
        let bytes_left = self.bytes.len().checked_sub(start).filter(|left| *left > 0)?;
        self.count_quoted_line_ends(start);
        self.ahead = *self.cell_marks.get(self.chunk)?;
        self.chunk += 1;
        self.has_literal_quotes |= self.ahead.has_literal_quotes;
        if bytes_left < CHUNK_BYTES {
            self.ahead.cell_ends &= !(u64::MAX << bytes_left);
        }
        Some(())
    }

    /// Where the first marked byte of the chunk stands.
    #[inline]
    fn place_of_first(&self, marks: u64) -> usize {
        self.chunk * CHUNK_BYTES - CHUNK_BYTES + marks.trailing_zeros() as usize
    }

    /// Moves behind the line end that is here, where it is not the end of the block.
    fn end_line(&mut self, end: usize) {
        self.count_quoted_line_ends(end);
        self.at = match self.bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => self.next_cell_end() + 1,
            Some([_, ..]) => end + 1,
            Some([]) | None => {
                self.at = end;
                return;
            }
        };
        self.line += 1;
    }

    /// Counts the lines that end in cells, up to here.
    #[inline]
    fn count_quoted_line_ends(&mut self, until: usize) {
        while self.ahead.quoted_line_ends != 0 {
            let at = self.place_of_first(self.ahead.quoted_line_ends);
            if at >= until {
                break;
            }
            self.ahead.quoted_line_ends &= self.ahead.quoted_line_ends - 1;
            // Of a CRLF the LF counts.
            if !matches!(self.bytes.get(at..), Some([b'\r', b'\n', ..])) {
                self.line += 1;
            }
        }
    }
}

impl<'b> CsvRecord<'_, 'b> {
    /// How many cells it has.
    pub(super) fn columns(&self) -> usize {
        self.ends.len()
    }

    /// Where its bytes end in the block, before its line end.
    pub(super) fn raw_end(&self) -> usize {
        self.start + self.raw.len()
    }

    /// Where the cell in a column stands in the block, as it is there; at the record's end where there is none.
    pub(super) fn place_of(&self, column: usize) -> Range<usize> {
        let record_end = self.raw_end();
        let start = match column.checked_sub(1) {
            None => self.start,
            Some(before) => self.ends.get(before).map_or(record_end, |end| (end + 1).min(record_end)),
        };
        start..self.ends.get(column).copied().unwrap_or(record_end)
    }

    /// What its cells say, unquoted.
    pub(super) fn unquoted(&self) -> impl Iterator<Item = Cow<'b, [u8]>> {
        self.cells().map(|cell| match cell.form {
            Form::Plain => Cow::Borrowed(self.bytes_of(&cell)),
            Form::Quoted => Cow::Owned(unquoted(self.bytes_of(&cell))),
        })
    }

    #[inline]
    fn cells(&self) -> impl Iterator<Item = CsvCell> {
        let mut start = self.start;
        self.ends.iter().map(move |&end| {
            let cell = self.cell(start..end);
            start = end + 1;
            cell
        })
    }

    /// The cell that starts and ends here.
    #[inline]
    fn cell(&self, place: Range<usize>) -> CsvCell {
        if self.bytes.get(place.start) != Some(&b'"') {
            return CsvCell { place, form: Form::Plain };
        }
        let inside = place.start + 1..place.end;
        match self.bytes.get(inside.clone()) {
            Some([text @ .., b'"']) if !(self.has_literal_quotes && memchr(b'"', text).is_some()) => {
                CsvCell { place: inside.start..inside.end - 1, form: Form::Plain }
            }
            _ => CsvCell { place: inside, form: Form::Quoted },
        }
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
            if let (Some(column), OvertakenRule::LeaveOut) = (layout.own.overtaken, rules.overtaken) {
                leave_out(&record, column, &mut draft);
            }
            for (cell, &target) in record.cells().zip(&targets) {
                match (target, record.plain_text(&cell)) {
                    (Target::Ignored, _) => {}
                    (_, Some(text)) => teller.tell_text(&mut draft, target, text),
                    (_, None) => Teller::tell(&mut draft, target, said(&record, &cell, target, &rules.cells)),
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

/// Leaves out the fields that the cell in a column names.
#[cold]
fn leave_out(record: &CsvRecord<'_, '_>, column: usize, draft: &mut Draft<'_>) {
    let text = record.cells().nth(column).and_then(|cell| record.text(&cell));
    match text.ok_or(UnknownName).and_then(|text| overtaken_in_text(&text)) {
        Ok(fields) => draft.leave_out(fields),
        Err(UnknownName) => draft.add_row_error(UnknownName::CODE, UnknownName::message()),
    }
}

/// What the cell in a column says.
pub(super) fn cell<'r>(
    record: &CsvRecord<'_, 'r>,
    column: usize,
    target: Target,
    rules: &'r CellRules,
) -> Option<Cell<'r>> {
    said(record, &record.cells().nth(column)?, target, rules)
}

fn said<'r>(record: &CsvRecord<'_, 'r>, cell: &CsvCell, target: Target, rules: &'r CellRules) -> Option<Cell<'r>> {
    match record.text(cell) {
        Some(text) => rules.cell(target, text),
        None => Some(Cell::NotText { reads_as: likely_encoding(record.bytes_of(cell)) }),
    }
}

/// The error of a row that does not have the header's columns. Which cell belongs to which column cannot be known, so
/// no cell is looked at; the id, mostly first, is a good guess, and helps to find the row.
fn ragged(record: &CsvRecord<'_, '_>, layout: &CsvLayout, rules: &CellRules) -> InvalidRow {
    let id = record.cells().nth(layout.columns.id).and_then(|cell| record.text(&cell));
    let id = match id.and_then(|text| rules.cell(Target::Id, text)) {
        Some(Cell::Text(text)) => CustomerId::parse(&text).ok(),
        _ => None,
    };
    let (here, header) = (record.columns(), layout.columns.names.len());
    let columns = if here == 1 { "column" } else { "columns" };
    let message = format!("has {here} {columns} where the header has {header}");
    InvalidRow { id, errors: vec![FieldError::new(Subject::Row, ErrorCode::Columns, message)] }
}
