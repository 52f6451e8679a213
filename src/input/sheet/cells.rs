//! The cells of a sheet, row by row, and their values. Rows and cells must be in order: one in the
//! wrong place would be reported, and sent, for the wrong row.

use crate::contract::{SheetFault, is_blank};

use super::fault::PartFault;

/// A reader of a sheet's cells, in order and in constant memory.
pub(crate) trait CellReader {
    /// Returns the number of the next row in the file, from 1, or `None` after the last. Rows without
    /// cells may be left out. The cells of the current row must have been read.
    fn next_row(&mut self) -> Result<Option<u32>, PartFault>;

    /// Returns the next cell of the row with its column, from 1, or `None` after the last.
    fn next_cell(&mut self) -> Result<Option<(u32, Value<'_>)>, PartFault>;

    /// Returns the number of hidden rows so far.
    fn hidden_rows(&self) -> u64;
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'c> {
    /// Nothing, or empty text.
    Empty,
    /// Text.
    Text(&'c str),
    /// A number.
    Number(f64),
    /// A number that is displayed as a date.
    Day(f64),
    /// A date in ISO 8601. Strict workbooks may have them.
    IsoDate(&'c str),
    /// A boolean.
    Boolean(bool),
    /// No value.
    Fault(SheetFault),
}

impl Value<'_> {
    /// Whether the cell appears empty.
    pub(crate) fn is_blank(&self) -> bool {
        match self {
            Value::Empty => true,
            Value::Text(text) => is_blank(text),
            Value::Number(_)
            | Value::Day(_)
            | Value::IsoDate(_)
            | Value::Boolean(_)
            | Value::Fault(_) => false,
        }
    }
}

/// The largest numbers of rows and columns that a sheet of some kind can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SheetSize {
    pub(crate) rows: u32,
    pub(crate) columns: u32,
}

impl SheetSize {
    /// The size since Excel 2007 (ECMA-376 part 1 §18.3.1.73 and §18.3.1.4, with Excel's limits).
    pub(crate) const EXCEL_2007: SheetSize = SheetSize {
        rows: 1_048_576,
        columns: 16_384,
    };
}

/// The row and the cell that were read last. Refuses a next one that is out of order, or outside of
/// the sheet.
#[derive(Debug)]
pub(crate) struct Position {
    size: SheetSize,
    /// The current row, from 1; 0 before the first one.
    row: u32,
    /// The last column that was read in it, from 1; 0 before the first one.
    column: u32,
}

impl Position {
    /// Returns the position before the first row.
    pub(crate) fn before(size: SheetSize) -> Position {
        Position {
            size,
            row: 0,
            column: 0,
        }
    }

    /// Returns the current row, from 1; 0 before the first one.
    pub(crate) fn row(&self) -> u32 {
        self.row
    }

    /// Returns the last column that was read in the row, from 1; 0 before the first one.
    pub(crate) fn column(&self) -> u32 {
        self.column
    }

    /// Begins this row, before its first cell.
    pub(crate) fn enter_row(&mut self, row: u32) -> Result<(), PartFault> {
        let rows_max = self.size.rows;
        if row > rows_max {
            return Err(PartFault::unreadable(format!(
                "row {row} is beyond the last possible row, {rows_max}"
            )));
        }
        if row <= self.row {
            return Err(PartFault::unreadable(format!(
                "row {row} comes after row {}",
                self.row
            )));
        }
        (self.row, self.column) = (row, 0);
        Ok(())
    }

    /// Goes on to the cell of this column.
    pub(crate) fn enter_cell(&mut self, column: u32) -> Result<(), PartFault> {
        let columns_max = self.size.columns;
        if column > columns_max {
            return Err(PartFault::unreadable(format!(
                "cell {} is beyond the last possible column, {}",
                self.place(column),
                letters(columns_max)
            )));
        }
        if column <= self.column {
            let (place, last) = (self.place(column), self.place(self.column));
            return Err(PartFault::unreadable(format!(
                "cell {place} comes after cell {last}"
            )));
        }
        self.column = column;
        Ok(())
    }

    /// Returns the name of a cell of this row, as in Excel.
    pub(crate) fn place(&self, column: u32) -> String {
        place(column, self.row)
    }
}

/// Returns the name of a cell, as in Excel: `AB12`.
pub(crate) fn place(column: u32, row: u32) -> String {
    format!("{}{row}", letters(column))
}

/// Returns the name of a column, as in Excel: `AB`.
fn letters(column: u32) -> String {
    let (mut letters, mut left) = (Vec::new(), column);
    while let Some(before) = left.checked_sub(1) {
        letters.push(char::from(
            b'A' + u8::try_from(before % 26).unwrap_or_default(),
        ));
        left = before / 26;
    }
    letters.into_iter().rev().collect()
}
