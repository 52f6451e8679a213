//! The records of a CSV block, and the texts of their cells.
//!
//! A record ends where the `csv` crate ends it: a quote opens a cell only as its first byte, `""`
//! inside quotes means one quote, and CR, LF and CRLF outside quotes end a record. The index flags
//! records whose quotes a strict reader would refuse; [`quoting`](super::quoting) checks them. An
//! empty line, or one of delimiters only, is blank and no record.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::input::blocks::block::Block;
use crate::input::blocks::chunk::CHUNK_BYTES;
use crate::input::blocks::index::{CellIndex, Flags, Indexer};
use crate::input::bytes::dialect::Dialect;
use crate::input::csv::quoting::{ColumnQuoteFault, QuoteFault, unescaped, unquoted};

/// An iterator over the records of a block, each of which borrows from it.
pub(crate) struct CsvRecords<'b> {
    bytes: &'b [u8],
    /// The block's text, if all of it is UTF-8. One check of a block replaces one of each cell.
    text: Option<&'b str>,
    dialect: Dialect,
    cell_index: Cow<'b, [CellIndex]>,
    /// The index of the next chunk.
    chunk: usize,
    /// The part of the current chunk's index that is still ahead.
    ahead: CellIndex,
    /// The features of the record's cells.
    flags: Flags,
    /// The ends of the record's cells.
    ends: Vec<CellEnd>,
    /// The number of lines of delimiters only that were skipped.
    pub(crate) blank_rows: u64,
    /// All bytes before this one have been read.
    at: usize,
    /// The line of the next byte.
    line: u64,
}

/// The place of a cell in its block.
#[derive(Debug, Clone)]
pub(crate) struct CsvCell {
    place: Range<usize>,
    form: Form,
}

/// The text of a cell whose bytes in the block are its text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CellText<'b> {
    /// Of a cell without quotes, which has no line breaks.
    Bare(&'b str),
    /// Of a cell in quotes.
    Quoted(&'b str),
}

impl<'b> CellText<'b> {
    pub(crate) fn as_str(self) -> &'b str {
        match self {
            CellText::Bare(text) | CellText::Quoted(text) => text,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// The bytes in the block are the text.
    Plain,
    /// The cell starts after a quote, and `""` in it means one quote.
    Quoted,
    /// The cell still has its escapes and quotes.
    Escaped,
}

/// The end of a cell in its block. It takes four bytes, because a record may be a million cells.
#[derive(Debug, Clone, Copy)]
struct CellEnd(u32);

impl CellEnd {
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a block is a record of some MiB, or smaller"
    )]
    fn at(place: usize) -> CellEnd {
        debug_assert!(u32::try_from(place).is_ok(), "a block is below 4 GiB");
        CellEnd(place as u32)
    }

    #[inline]
    fn place(self) -> usize {
        self.0 as usize
    }
}

/// One record of a block.
pub(crate) struct CsvRecord<'r, 'b> {
    bytes: &'b [u8],
    text: Option<&'b str>,
    /// The ends of its cells: at a delimiter, or at the end of the record.
    ends: &'r [CellEnd],
    dialect: Dialect,
    pub(crate) flags: Flags,
    /// Whether the record may hold line breaks.
    pub(crate) has_line_breaks: bool,
    /// The bytes, without the line end.
    pub(crate) raw: &'b [u8],
    /// The line on which the record starts.
    pub(crate) line: u64,
    /// The start in the block.
    pub(crate) start: usize,
    /// The end in the block, after the line end.
    pub(crate) end: usize,
}

impl<'b> CsvRecords<'b> {
    /// Returns the records of a block.
    pub(crate) fn of(block: &'b Block, dialect: Dialect) -> CsvRecords<'b> {
        let bytes = &*block.bytes;
        CsvRecords {
            bytes,
            text: simdutf8::basic::from_utf8(bytes).ok(),
            dialect,
            cell_index: match block.cell_index.as_slice() {
                [] => Cow::Owned(Indexer::new(dialect).index_all(bytes)),
                cell_index => Cow::Borrowed(cell_index),
            },
            chunk: 0,
            ahead: CellIndex::default(),
            flags: Flags::default(),
            ends: Vec::new(),
            blank_rows: 0,
            at: 0,
            line: block.first_line,
        }
    }

    /// Returns the next record.
    pub(crate) fn next(&mut self) -> Option<CsvRecord<'_, 'b>> {
        self.ends.clear();
        self.flags = self.ahead.flags;
        let (line, mut end) = self.first_cell_end()?;
        let start = self.at;
        loop {
            self.ends.push(CellEnd::at(end));
            if self.bytes.get(end) != Some(&self.dialect.delimiter.byte()) {
                break;
            }
            end = self.next_cell_end();
        }
        self.end_line(end);
        Some(CsvRecord {
            bytes: self.bytes,
            text: self.text,
            ends: &self.ends,
            dialect: self.dialect,
            flags: self.flags,
            // A record without a line end at its end may have one more line.
            has_line_breaks: self.line > line + 1 || self.at == self.bytes.len(),
            raw: self.bytes.get(start..end).unwrap_or_default(),
            line,
            start,
            end: self.at,
        })
    }

    /// Skips blank lines. Returns the line on which the next record starts, and the end of its
    /// first cell.
    fn first_cell_end(&mut self) -> Option<(u64, usize)> {
        loop {
            let line = self.line;
            let end = self.next_cell_end();
            if end > self.at {
                return Some((line, end));
            }
            match self.bytes.get(end)? {
                b'\r' | b'\n' => self.end_line(end),
                _ if self.is_blank_from(end) => self.pass_over_delimiters(end),
                _ => return Some((line, end)),
            }
        }
    }

    /// Whether only delimiters follow, up to the end of the line.
    fn is_blank_from(&self, end: usize) -> bool {
        let rest = self.bytes.get(end..).unwrap_or_default();
        let behind = rest
            .iter()
            .find(|byte| **byte != self.dialect.delimiter.byte());
        behind.is_none_or(|byte| matches!(byte, b'\r' | b'\n'))
    }

    #[cold]
    fn pass_over_delimiters(&mut self, mut end: usize) {
        while self.bytes.get(end) == Some(&self.dialect.delimiter.byte()) {
            end = self.next_cell_end();
        }
        self.end_line(end);
        self.blank_rows += 1;
    }

    /// Returns the end of the next cell, or the end of the block.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called for each cell: a call would take as long as the search"
    )]
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

    /// Moves to the next chunk, if there is one.
    #[inline]
    fn next_chunk(&mut self) -> Option<()> {
        let start = self.chunk * CHUNK_BYTES;
        let bytes_left = self
            .bytes
            .len()
            .checked_sub(start)
            .filter(|left| *left > 0)?;
        self.count_quoted_line_ends(start);
        self.ahead = *self.cell_index.get(self.chunk)?;
        self.chunk += 1;
        self.flags.add(self.ahead.flags);
        if bytes_left < CHUNK_BYTES {
            self.ahead.cell_ends &= !(u64::MAX << bytes_left);
        }
        Some(())
    }

    /// Returns the position of the first marked byte of the chunk.
    #[inline]
    fn place_of_first(&self, marks: u64) -> usize {
        self.chunk * CHUNK_BYTES - CHUNK_BYTES + marks.trailing_zeros() as usize
    }

    /// Moves past the line end at `end`, if it is not the end of the block.
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

    /// Counts the line ends within cells, up to `until`.
    #[inline]
    fn count_quoted_line_ends(&mut self, until: usize) {
        while self.ahead.quoted_line_ends != 0 {
            let at = self.place_of_first(self.ahead.quoted_line_ends);
            if at >= until {
                break;
            }
            self.ahead.quoted_line_ends &= self.ahead.quoted_line_ends - 1;
            // A CRLF is counted by its LF.
            if !matches!(self.bytes.get(at..), Some([b'\r', b'\n', ..])) {
                self.line += 1;
            }
        }
    }
}

impl<'b> CsvRecord<'_, 'b> {
    /// Returns the number of cells.
    pub(crate) fn columns(&self) -> usize {
        self.ends.len()
    }

    /// Returns the dialect by which the record is split into cells.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the end of the bytes in the block, before the line end.
    pub(crate) fn raw_end(&self) -> usize {
        self.start + self.raw.len()
    }

    /// Returns the range of a column's raw cell in the block. It is empty, at the record's end, if
    /// there is no such cell.
    pub(crate) fn place_of(&self, column: usize) -> Range<usize> {
        let record_end = self.raw_end();
        let start = match column.checked_sub(1) {
            None => self.start,
            Some(before) => self
                .ends
                .get(before)
                .map_or(record_end, |end| (end.place() + 1).min(record_end)),
        };
        let end = self.ends.get(column);
        start..end.map_or(record_end, |end| end.place())
    }

    /// Whether nothing follows the record, not even a line end.
    pub(crate) fn ends_the_text(&self) -> bool {
        self.end == self.raw_end()
    }

    /// Returns the cells without their quotes and escapes.
    pub(crate) fn unquoted(&self) -> impl Iterator<Item = Cow<'b, [u8]>> {
        self.cells().map(|cell| self.bytes_said(&cell))
    }

    /// Returns the raw cells, in quotes if they have any.
    pub(crate) fn raw_cells(&self) -> impl Iterator<Item = &'b [u8]> {
        self.places()
            .map(|place| self.bytes.get(place).unwrap_or_default())
    }

    /// Returns the fault of the first cell with bad quotes or escapes.
    pub(crate) fn quote_fault(&self) -> Option<ColumnQuoteFault> {
        if self.flags.are_usual() {
            return None;
        }
        let is_quoted_at_most = !self.flags.has_bare_quotes() && !self.flags.has_escapes();
        let cells = self
            .raw_cells()
            .enumerate()
            .filter(|(_, cell)| !is_quoted_at_most || cell.first() == Some(&b'"'));
        let mut faults = cells.map(|(column, cell)| (column, QuoteFault::of(cell, self.dialect)));
        faults.find_map(|(column, fault)| {
            fault.map(|fault| ColumnQuoteFault {
                column,
                own_columns: 0,
                fault,
            })
        })
    }

    /// Whether [`plain_text`](CsvRecord::plain_text) can read the cells of a record with flags.
    #[inline(never)]
    pub(crate) fn has_usual_cells(&self) -> bool {
        !self.flags.has_escapes() && self.quote_fault().is_none()
    }

    /// Returns the cells of any record.
    pub(crate) fn cells(&self) -> impl Iterator<Item = CsvCell> {
        self.places().map(|place| {
            if self.flags.has_escapes() {
                CsvCell {
                    place,
                    form: Form::Escaped,
                }
            } else {
                self.cell(place)
            }
        })
    }

    /// Returns the places of the raw cells in the block.
    #[inline]
    pub(crate) fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.start;
        self.ends.iter().map(move |end| {
            let end = end.place();
            let place = start..end;
            start = end + 1;
            place
        })
    }

    /// Returns the cell in this range, in a record without escapes.
    pub(crate) fn cell(&self, place: Range<usize>) -> CsvCell {
        if self.bytes.get(place.start) != Some(&b'"') || !self.dialect.has_quotes() {
            return CsvCell {
                place,
                form: Form::Plain,
            };
        }
        let inside = place.start + 1..place.end;
        match self.bytes.get(inside.clone()) {
            Some([text @ .., b'"'])
                if !(self.flags.has_inner_quotes() && memchr(b'"', text).is_some()) =>
            {
                CsvCell {
                    place: inside.start..inside.end - 1,
                    form: Form::Plain,
                }
            }
            _ => CsvCell {
                place: inside,
                form: Form::Quoted,
            },
        }
    }

    /// Returns the text of the cell in this range whose bytes in the block are its text, in a record
    /// without escapes and with good quotes.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "called for each cell: a call would take as long as the check"
    )]
    pub(crate) fn plain_text(&self, place: &Range<usize>) -> Option<CellText<'b>> {
        let text = self.text?;
        if text.as_bytes().get(place.start) == Some(&b'"') && self.dialect.has_quotes() {
            return self
                .plain_text_in_quotes(place.clone())
                .map(CellText::Quoted);
        }
        text.get(place.clone()).map(CellText::Bare)
    }

    #[inline(never)]
    fn plain_text_in_quotes(&self, place: Range<usize>) -> Option<&'b str> {
        let CsvCell { place, form } = self.cell(place);
        match form {
            Form::Plain => self.text?.get(place),
            Form::Quoted | Form::Escaped => None,
        }
    }

    /// Returns the text of a cell, or `None` if it is not UTF-8.
    pub(crate) fn text(&self, cell: &CsvCell) -> Option<Cow<'b, str>> {
        match (cell.form, self.text) {
            (Form::Plain, Some(text)) => text.get(cell.place.clone()).map(Cow::Borrowed),
            (Form::Plain | Form::Quoted | Form::Escaped, _) => match self.bytes_said(cell) {
                Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
                Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
            },
        }
    }

    fn bytes_said(&self, cell: &CsvCell) -> Cow<'b, [u8]> {
        match cell.form {
            Form::Plain => Cow::Borrowed(self.bytes_of(cell)),
            Form::Quoted => Cow::Owned(unquoted(self.bytes_of(cell))),
            Form::Escaped => Cow::Owned(unescaped(self.bytes_of(cell), self.dialect.quotes)),
        }
    }

    /// Returns the text of the cell in a column, or `None` if there is no such cell or it is not
    /// UTF-8.
    pub(crate) fn text_in(&self, column: usize) -> Option<Cow<'b, str>> {
        self.cells().nth(column).and_then(|cell| self.text(&cell))
    }

    /// Whether the cells from this column on appear empty.
    pub(crate) fn is_blank_from(&self, column: usize) -> bool {
        self.cells()
            .skip(column)
            .all(|cell| self.text(&cell).is_some_and(|text| text.trim().is_empty()))
    }

    /// Returns the raw bytes of a cell.
    pub(crate) fn bytes_of(&self, cell: &CsvCell) -> &'b [u8] {
        self.bytes.get(cell.place.clone()).unwrap_or_default()
    }
}
