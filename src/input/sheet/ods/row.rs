//! A row of an OpenDocument sheet. A row, and each cell in it, may be repeated, so a row is held in
//! memory while its copies are passed on.

use std::ops::Range;

use crate::contract::SheetFault;
use crate::input::sheet::cells::Value;
use crate::input::sheet::fault::PartFault;

/// The most bytes of text in a row. A larger one is too long for a record, too.
const ROW_BYTES_MAX: usize = 1 << 20;

/// The cells of a row that are not empty.
#[derive(Debug, Default)]
pub(super) struct SheetRow {
    cells: Vec<RowCell>,
    /// The texts of the cells, one after the other.
    pub(super) text: String,
}

/// A cell and its copies in the columns behind it.
#[derive(Debug)]
pub(super) struct RowCell {
    /// The first column, from 1.
    pub(super) column: u64,
    /// The number of columns. Never 0.
    pub(super) columns: u64,
    pub(super) value: RowValue,
}

/// The value of a cell. Texts are places among those of the row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RowValue {
    Empty,
    Text(Range<usize>),
    Number(f64),
    /// A number that is displayed as a time of day.
    Time(f64),
    IsoDate(Range<usize>),
    Boolean(bool),
    Fault(SheetFault),
}

impl SheetRow {
    /// Removes all cells.
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        // A row may be far longer than the others.
        self.text.shrink_to(ROW_BYTES_MAX / 16);
    }

    /// Whether all cells are empty.
    pub(super) fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// Adds a cell of this row, from 1. Empty ones are left out.
    pub(super) fn push(&mut self, cell: RowCell, row: u32) -> Result<(), PartFault> {
        if self.text.len() > ROW_BYTES_MAX {
            return Err(PartFault::unreadable(format!(
                "row {row} has more than {ROW_BYTES_MAX} bytes of text"
            )));
        }
        if cell.value != RowValue::Empty {
            self.cells.push(cell);
        }
        Ok(())
    }

    /// Returns the cell at this place.
    pub(super) fn get(&self, index: usize) -> Option<&RowCell> {
        self.cells.get(index)
    }

    /// Returns the value of one of its cells.
    pub(super) fn value<'r>(&'r self, value: &RowValue) -> Value<'r> {
        let text = |place: &Range<usize>| self.text.get(place.clone()).unwrap_or_default();
        match value {
            RowValue::Empty => Value::Empty,
            RowValue::Text(place) => Value::Text(text(place)),
            RowValue::Number(number) => Value::Number(*number),
            RowValue::Time(number) => Value::Day(*number),
            RowValue::IsoDate(place) => Value::IsoDate(text(place)),
            RowValue::Boolean(value) => Value::Boolean(*value),
            RowValue::Fault(fault) => Value::Fault(*fault),
        }
    }
}

impl RowValue {
    /// Returns the number of bytes of its text.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            RowValue::Text(place) | RowValue::IsoDate(place) => place.len(),
            RowValue::Empty
            | RowValue::Number(_)
            | RowValue::Time(_)
            | RowValue::Boolean(_)
            | RowValue::Fault(_) => 0,
        }
    }
}
