//! The records of a CSV block, and the texts of their cells.
//!
//! A record ends where the `csv` crate would end it: a quote opens a cell only as its first byte, `""` inside stands for one
//! quote, and CR, LF and CRLF outside of quotes end a record. One whose quotes a strict reader would refuse is noticed by a mark
//! and looked at in [`quoting`](super::quoting). A line of nothing, or of delimiters alone, is blank and no record.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;

use crate::input::blocks::block::Block;
use crate::input::blocks::chunk::CHUNK_BYTES;
use crate::input::blocks::index::{CellIndex, Flags, Indexer};
use crate::input::bytes::dialect::Dialect;
use crate::input::csv::quoting::{ColumnQuoteFault, QuoteFault, unescaped, unquoted};

/// The records of a block, one at a time.
pub(crate) struct CsvRecords<'b> {
    bytes: &'b [u8],
    /// The same, where all of it is UTF-8: one look at a block instead of one at each cell.
    text: Option<&'b str>,
    dialect: Dialect,
    cell_index: Cow<'b, [CellIndex]>,
    /// The chunk that comes next.
    chunk: usize,
    /// What is still ahead of the one before.
    ahead: CellIndex,
    /// What the record's cells have to be looked at for.
    flags: Flags,
    /// Where the record's cells end.
    ends: Vec<usize>,
    /// Lines of delimiters alone that were passed over.
    pub(crate) blank_rows: u64,
    /// Everything before is read.
    at: usize,
    /// The line on which the next byte stands.
    line: u64,
}

/// Where a cell stands in its block.
#[derive(Debug, Clone)]
pub(crate) struct CsvCell {
    place: Range<usize>,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    /// The cell is what stands there.
    Plain,
    /// It starts inside quotes, and some bytes of it stand for others.
    Quoted,
    /// Escapes and quotes are still in it.
    Escaped,
}

/// One record of a block.
pub(crate) struct CsvRecord<'r, 'b> {
    bytes: &'b [u8],
    text: Option<&'b str>,
    /// Where its cells end: at a delimiter, or at its end.
    ends: &'r [usize],
    dialect: Dialect,
    pub(crate) flags: Flags,
    /// Whether it may hold line breaks.
    pub(crate) has_line_breaks: bool,
    /// Its bytes, without its line end.
    pub(crate) raw: &'b [u8],
    /// The line on which it starts.
    pub(crate) line: u64,
    /// Where it starts in the block.
    pub(crate) start: usize,
    /// Where it ends in the block, behind its line end.
    pub(crate) end: usize,
}

impl<'b> CsvRecords<'b> {
    /// The records of a block.
    pub(crate) fn of(block: &'b Block, dialect: Dialect) -> CsvRecords<'b> {
        let bytes = &*block.bytes;
        CsvRecords {
            bytes,
            text: simdutf8::basic::from_utf8(bytes).ok(),
            dialect,
            cell_index: match block.cell_index.as_slice() {
                [] => Cow::Owned(Indexer::new(dialect).mark_all(bytes)),
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

    /// The next record.
    pub(crate) fn next(&mut self) -> Option<CsvRecord<'_, 'b>> {
        self.ends.clear();
        self.flags = self.ahead.flags;
        let (line, mut end) = self.first_cell_end()?;
        let start = self.at;
        loop {
            self.ends.push(end);
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
            // One that ends without a line end has perhaps a line more.
            has_line_breaks: self.line > line + 1 || self.at == self.bytes.len(),
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
                _ if self.is_blank_from(end) => self.pass_over_delimiters(end),
                _ => return Some((line, end)),
            }
        }
    }

    /// Whether there is nothing but delimiters from here to the end of the line.
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

    /// What ends the next cell: its place, or the end of the block.
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

    /// Goes on to the next chunk, if there is one.
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
    pub(crate) fn columns(&self) -> usize {
        self.ends.len()
    }

    /// How it is cut into cells.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Where its bytes end in the block, before its line end.
    pub(crate) fn raw_end(&self) -> usize {
        self.start + self.raw.len()
    }

    /// Where the cell in a column stands in the block, as it is there; at the record's end where there is none.
    pub(crate) fn place_of(&self, column: usize) -> Range<usize> {
        let record_end = self.raw_end();
        let start = match column.checked_sub(1) {
            None => self.start,
            Some(before) => self
                .ends
                .get(before)
                .map_or(record_end, |end| (end + 1).min(record_end)),
        };
        start..self.ends.get(column).copied().unwrap_or(record_end)
    }

    /// Whether nothing follows it, not even a line end.
    pub(crate) fn ends_the_text(&self) -> bool {
        self.end == self.raw_end()
    }

    /// What its cells say, without their quotes and escapes.
    pub(crate) fn unquoted(&self) -> impl Iterator<Item = Cow<'b, [u8]>> {
        self.cells().map(|cell| self.bytes_said(&cell))
    }

    /// Its cells as they stand in the block, in quotes where there are some.
    pub(crate) fn raw_cells(&self) -> impl Iterator<Item = &'b [u8]> {
        self.places()
            .map(|place| self.bytes.get(place).unwrap_or_default())
    }

    /// What is wrong with the quotes or escapes of its first cell that is no good.
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

    /// Whether the cells of a record with flags are read by [`usual_cells`](CsvRecord::usual_cells) all the same.
    #[inline(never)]
    pub(crate) fn has_usual_cells(&self) -> bool {
        !self.flags.has_escapes() && self.quote_fault().is_none()
    }

    /// The cells of any record.
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

    /// The cells of a record without escapes and with good quotes.
    #[inline]
    pub(crate) fn usual_cells(&self) -> impl Iterator<Item = CsvCell> {
        let mut start = self.start;
        self.ends.iter().map(move |&end| {
            let cell = self.cell(start..end);
            start = end + 1;
            cell
        })
    }

    fn places(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = self.start;
        self.ends.iter().map(move |&end| {
            let place = start..end;
            start = end + 1;
            place
        })
    }

    /// The cell that starts and ends here, in a record without escapes.
    #[inline]
    fn cell(&self, place: Range<usize>) -> CsvCell {
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

    /// Whether a cell is in quotes: no other can hold a line break.
    pub(crate) fn is_quoted(&self, cell: &CsvCell) -> bool {
        cell.place
            .start
            .checked_sub(1)
            .and_then(|before| self.bytes.get(before))
            == Some(&b'"')
    }

    /// The text of a cell that stands in the block as it is.
    #[inline]
    pub(crate) fn plain_text(&self, cell: &CsvCell) -> Option<&'b str> {
        match cell.form {
            Form::Plain => self.text?.get(cell.place.clone()),
            Form::Quoted | Form::Escaped => None,
        }
    }

    /// The text of a cell; none where its bytes are no text.
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

    /// The text of the cell in a column; none where there is none or its bytes are no text.
    pub(crate) fn text_in(&self, column: usize) -> Option<Cow<'b, str>> {
        self.cells().nth(column).and_then(|cell| self.text(&cell))
    }

    /// Whether its cells from this column on are empty, as far as can be seen.
    pub(crate) fn is_blank_from(&self, column: usize) -> bool {
        self.cells()
            .skip(column)
            .all(|cell| self.text(&cell).is_some_and(|text| text.trim().is_empty()))
    }

    /// The bytes of a cell, as they stand in the block.
    pub(crate) fn bytes_of(&self, cell: &CsvCell) -> &'b [u8] {
        self.bytes.get(cell.place.clone()).unwrap_or_default()
    }
}
