//! The cells of an OpenDocument sheet, row by row.

use std::io::Read;

use super::paragraphs;
use super::row::{RowCell, SheetRow};
use super::values::{CellHead, repetitions};
use crate::input::sheet::cells::{CellReader, Position, SheetSize, Value};
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::xml::{Node, Xml, attributes};

/// The most bytes that the copies of repeated rows and cells may have in a sheet. A sheet of few bytes
/// could say that it has billions of cells.
const COPIES_BYTES_MAX: usize = 256 << 20;
/// The bytes that a copy of a cell counts besides its text.
const CELL_BYTES: usize = 16;

/// The cells of a sheet.
pub(super) struct Cells<R: Read> {
    xml: Xml<R>,
    /// The number of elements around the sheet.
    outside: usize,
    position: Position,
    head: CellHead,
    row: SheetRow,
    /// The number of copies of the row that follow.
    copies: u64,
    /// The number of the row behind the copies.
    next_row: u64,
    is_hidden: bool,
    /// The number of hidden rows so far.
    hidden_rows: u64,
    /// The place in the row of the next cell, and the number of columns that have had it.
    next: (usize, u64),
    /// Whether the row is a copy.
    is_copy: bool,
    copies_bytes: usize,
}

/// An element among the rows.
enum Element {
    /// A row that is there so many times, and whether it is hidden.
    Row(u64, bool),
    /// A group of rows.
    Group,
    Other,
}

impl<R: Read> Cells<R> {
    /// Returns the cells of the sheet that has just begun.
    pub(super) fn of(xml: Xml<R>) -> Cells<R> {
        Cells {
            outside: xml.depth().saturating_sub(1),
            xml,
            position: Position::before(SheetSize::EXCEL_2007),
            head: CellHead::default(),
            row: SheetRow::default(),
            copies: 0,
            next_row: 1,
            is_hidden: false,
            hidden_rows: 0,
            next: (0, 0),
            is_copy: false,
            copies_bytes: 0,
        }
    }

    /// Begins the row of this number.
    fn enter_row(&mut self, row: u64, is_copy: bool) -> Result<u32, PartFault> {
        let row = u32::try_from(row).unwrap_or(u32::MAX);
        self.position.enter_row(row)?;
        self.hidden_rows += u64::from(self.is_hidden);
        self.next = (0, 0);
        self.is_copy = is_copy;
        Ok(row)
    }

    /// Reads the row that has just begun, without passing its cells on.
    fn read_row(&mut self) -> Result<(), PartFault> {
        let row = u32::try_from(self.next_row).unwrap_or(u32::MAX);
        let part = self.xml.part();
        self.row.clear();
        let mut column = 1_u64;
        loop {
            match self.xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "table-cell" | "covered-table-cell" => self.head.read(&element, &part, row)?,
                    _ => {
                        self.xml.skip_element()?;
                        continue;
                    }
                },
                Node::End { .. } | Node::EndOfPart => return Ok(()),
                Node::Text(_) | Node::Nothing => continue,
            }
            let start = self.row.text.len();
            let content = paragraphs::read(&mut self.xml, &mut self.row.text)?;
            let columns = self.head.columns;
            let value = self.head.value(content, start, &mut self.row.text);
            let cell = RowCell {
                column,
                columns,
                value,
            };
            self.row.push(cell, row)?;
            column = column.saturating_add(columns);
        }
    }

    /// Counts a copy of a cell.
    fn count_copy(&mut self, text_bytes: usize) -> Result<(), PartFault> {
        self.copies_bytes += CELL_BYTES + text_bytes;
        if self.copies_bytes > COPIES_BYTES_MAX {
            return Err(PartFault::unreadable(format!(
                "its repeated rows and cells have more than {COPIES_BYTES_MAX} bytes, as in malicious files"
            )));
        }
        Ok(())
    }
}

impl<R: Read> CellReader for Cells<R> {
    /// Rows whose cells are all empty are left out, however often they are repeated.
    fn next_row(&mut self) -> Result<Option<u32>, PartFault> {
        if self.copies > 0 {
            self.copies -= 1;
            let row = u64::from(self.position.row()) + 1;
            return self.enter_row(row, true).map(Some);
        }
        let part = self.xml.part();
        loop {
            let row = u32::try_from(self.next_row).unwrap_or(u32::MAX);
            let element = match self.xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "table-row" => {
                        let (mut rows, mut is_hidden) = (1, false);
                        for attribute in attributes(&element, &part) {
                            match attribute? {
                                ("number-rows-repeated", value) => rows = repetitions(&value, row)?,
                                ("visibility", value) => {
                                    is_hidden = matches!(&*value, "collapse" | "filter");
                                }
                                _ => {}
                            }
                        }
                        Element::Row(rows, is_hidden)
                    }
                    "table-header-rows" | "table-rows" | "table-row-group" => Element::Group,
                    _ => Element::Other,
                },
                Node::End { depth, .. } if depth == self.outside => return Ok(None),
                Node::EndOfPart => return Ok(None),
                Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            let (rows, is_hidden) = match element {
                Element::Row(rows, is_hidden) => (rows, is_hidden),
                Element::Group => continue,
                Element::Other => {
                    self.xml.skip_element()?;
                    continue;
                }
            };
            self.read_row()?;
            let row = self.next_row;
            self.next_row = row.saturating_add(rows);
            if !self.row.is_empty() {
                self.copies = rows - 1;
                self.is_hidden = is_hidden;
                return self.enter_row(row, false).map(Some);
            }
        }
    }

    fn next_cell(&mut self) -> Result<Option<(u32, Value<'_>)>, PartFault> {
        let (index, column) = self.next;
        let Some(cell) = self.row.get(index) else {
            return Ok(None);
        };
        self.next = if column + 1 < cell.columns {
            (index, column + 1)
        } else {
            (index + 1, 0)
        };
        let number = cell.column.saturating_add(column);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let text_bytes = cell.value.text_bytes();
        self.position.enter_cell(number)?;
        if self.is_copy || column > 0 {
            self.count_copy(text_bytes)?;
        }
        let value = self.row.get(index).map(|cell| self.row.value(&cell.value));
        Ok(value.map(|value| (number, value)))
    }

    fn hidden_rows(&self) -> u64 {
        self.hidden_rows
    }
}

#[cfg(test)]
mod tests;
