//! The cells of a sheet ([MS-XLS] §2.1.7.20.5), row by row. The cells of a row are sorted: some
//! programs write them in the order in which a script has set them, and each cell names its place.

use std::ops::Range;

use super::super::cells::{CellReader, Position, Value, place};
use super::super::fault::PartFault;
use super::globals::Globals;
use super::records::{Records, kinds};
use super::stream::StreamBytes;
use super::texts::{LengthBytes, Texts};
use super::values::{Stored, boolean_or_error, stored_of};
use crate::contract::SheetFault;
use crate::input::blocks::block::BlockSize;
use crate::input::sheet::binary::number_of_rk;

/// The bit of a row that is hidden.
const IS_HIDDEN: u16 = 0x20;
/// The bit of a sheet that is a dialog.
const IS_DIALOG: u16 = 0x10;
/// The bit of a formula that is to be computed when the file is opened.
const IS_TO_BE_COMPUTED: u16 = 2;
/// The remedy for a file that Excel reads all the same.
const SAVE_AGAIN: &str = "open the file in Excel and save it";

/// The cells of a sheet.
#[derive(Debug)]
pub(super) struct Cells<S> {
    records: Records<S>,
    globals: Globals,
    texts: Texts,
    position: Position,
    hidden_rows: u64,
    /// The record that was read, but belongs to the next row.
    ahead: Option<u16>,
    /// The number of open parts within the sheet's, such as that of a chart.
    parts_open: u32,
    are_results_old: bool,
    is_at_end: bool,
    row: Row,
    formula: Option<OpenFormula>,
}

/// The cells of a row.
#[derive(Debug, Default)]
struct Row {
    /// The row's number, from 0; `None` before its first cell.
    number: Option<u16>,
    cells: Vec<(u16, HeldValue)>,
    /// Whether a column has a cell, by its number.
    columns: [u64; 4],
    /// The texts that are not shared, one after the other.
    text: String,
    /// The number of cells that were returned.
    returned: usize,
}

/// The value of a cell of a row.
#[derive(Debug, Clone)]
enum HeldValue {
    Empty,
    Shared(u32),
    Text(Range<usize>),
    Number(f64),
    Day(f64),
    Boolean(bool),
    Fault(SheetFault),
}

/// The formula that was read last. Its text follows in a record of its own.
#[derive(Debug, Clone, Copy)]
struct OpenFormula {
    /// Its place among the cells of the row.
    cell: usize,
    wants: Wants,
}

/// The text that may follow a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Text,
    /// A text that is not empty: a program that cannot compute stores an empty one.
    TextButEmpty,
    /// None.
    Nothing,
    /// Any. It is not used.
    Anything,
}

impl<S: StreamBytes> Cells<S> {
    /// Reads up to the first record of a sheet.
    pub(super) fn open(stream: S, start: u64, globals: &Globals) -> Result<Cells<S>, PartFault> {
        let mut records = Records::from(stream, start)?;
        if records.next()? != kinds::BOF {
            return Err(PartFault::unreadable(
                "the sheet does not begin where the workbook says",
            ));
        }
        Ok(Cells {
            records,
            globals: globals.clone(),
            texts: Texts::new(globals.form),
            position: Position::before(globals.size),
            hidden_rows: 0,
            ahead: None,
            parts_open: 0,
            are_results_old: false,
            is_at_end: false,
            row: Row::default(),
            formula: None,
        })
    }

    /// Reads the cells of the next row that has some, and returns its number, from 0.
    fn read_row(&mut self) -> Result<Option<u16>, PartFault> {
        while !self.is_at_end {
            let kind = match self.ahead.take() {
                Some(kind) => kind,
                None => self.records.next()?,
            };
            match kind {
                kinds::EOF if self.parts_open == 0 => self.is_at_end = true,
                kinds::EOF => self.parts_open -= 1,
                kinds::BOF => self.parts_open = self.parts_open.saturating_add(1),
                _ if self.parts_open > 0 => {}
                kinds::ROW => self.read_row_settings()?,
                kinds::UNCALCED => self.are_results_old = true,
                kinds::WS_BOOL if self.records.u16()? & IS_DIALOG != 0 => {
                    let reason = "the sheet is a dialog, not a table (--sheet names another sheet)";
                    return Err(PartFault::unreadable(reason));
                }
                kinds::STRING => self.read_result()?,
                kinds::BLANK | kinds::MUL_BLANK => self.formula = None,
                kinds::LABEL_SST
                | kinds::LABEL
                | kinds::R_STRING
                | kinds::NUMBER
                | kinds::RK
                | kinds::MUL_RK
                | kinds::BOOL_ERR
                | kinds::FORMULA => {
                    let row = self.row_of_record()?;
                    if *self.row.number.get_or_insert(row) != row {
                        self.ahead = Some(kind);
                        break;
                    }
                    self.read_cells(kind)?;
                }
                kind if kinds::OF_OLDER_FORMATS.contains(&kind) => {
                    return Err(PartFault::unreadable(format!(
                        "the sheet has cells of a format before Excel 5: {SAVE_AGAIN}"
                    )));
                }
                _ => {}
            }
        }
        Ok(self.row.number)
    }

    fn row_of_record(&self) -> Result<u16, PartFault> {
        let row = self.records.rest().first_chunk().copied();
        row.map(u16::from_le_bytes)
            .ok_or_else(|| self.records.too_short())
    }

    fn read_row_settings(&mut self) -> Result<(), PartFault> {
        self.formula = None;
        self.records.skip(12);
        self.hidden_rows += u64::from(self.records.u16()? & IS_HIDDEN != 0);
        Ok(())
    }

    /// Reads a record with the value of one cell, or with those of several.
    fn read_cells(&mut self, kind: u16) -> Result<(), PartFault> {
        self.formula = None;
        self.records.u16()?;
        let column = self.records.u16()?;
        if kind == kinds::MUL_RK {
            return self.read_numbers(column);
        }
        let style = self.records.u16()?;
        let value = match kind {
            kinds::LABEL_SST => HeldValue::Shared(self.records.u32()?),
            kinds::LABEL | kinds::R_STRING => self.read_text()?,
            kinds::NUMBER => {
                let number = self.records.bytes()?;
                self.number(f64::from_le_bytes(number), style)
            }
            kinds::RK => {
                let number = self.records.u32()?;
                self.number(number_of_rk(number), style)
            }
            kinds::BOOL_ERR => {
                let [value, is_error] = self.records.bytes()?;
                HeldValue::of_stored(boolean_or_error(value, is_error))
            }
            _ => self.read_formula(style)?,
        };
        self.row.push(column, value)
    }

    /// Reads the numbers of consecutive cells, behind the first column ([MS-XLS] §2.4.175).
    fn read_numbers(&mut self, first: u16) -> Result<(), PartFault> {
        let mut column = first;
        while self.records.rest().len() > 2 {
            let (style, number) = (self.records.u16()?, self.records.u32()?);
            let value = self.number(number_of_rk(number), style);
            self.row.push(column, value)?;
            column = column.saturating_add(1);
        }
        if self.records.u16()?.checked_add(1) != Some(column) {
            return Err(PartFault::unreadable(format!(
                "the cells from {} on are not as many as they say",
                self.row.place(first)
            )));
        }
        Ok(())
    }

    fn number(&self, number: f64, style: u16) -> HeldValue {
        if !number.is_finite() {
            HeldValue::Fault(SheetFault::Unreadable)
        } else if self.globals.styles.is_date(usize::from(style)) {
            HeldValue::Day(number)
        } else {
            HeldValue::Number(number)
        }
    }

    /// Reads the text of a record.
    fn read_text(&mut self) -> Result<HeldValue, PartFault> {
        let start = self.row.text.len();
        self.texts
            .read(&mut self.records, LengthBytes::Two, &mut self.row.text)?;
        let end = self.row.text.len();
        let bytes_max = BlockSize::default().record_bytes_max;
        if end > bytes_max {
            return Err(PartFault::unreadable(format!(
                "row {} is longer than {bytes_max} bytes",
                self.row.shown()
            )));
        }
        Ok(if start == end {
            HeldValue::Empty
        } else {
            HeldValue::Text(start..end)
        })
    }

    /// Reads the result of a formula ([MS-XLS] §2.4.127). A text follows in a record of its own;
    /// until then the formula has no result.
    fn read_formula(&mut self, style: u16) -> Result<HeldValue, PartFault> {
        let (stored, flags) = (stored_of(self.records.bytes()?), self.records.u16()?);
        let is_to_be_computed = flags & IS_TO_BE_COMPUTED != 0;
        let empty_results = self.globals.empty_results;
        let lacks_result = match stored {
            // A program that cannot compute stores 0 or an empty text, and says so. Other results
            // are true, whatever it says: some programs compute later.
            Stored::Number(number) => {
                number == 0.0 && (is_to_be_computed || empty_results.has_zero())
            }
            Stored::Empty => is_to_be_computed || empty_results.has_empty_text(),
            Stored::TextFollows => true,
            Stored::Boolean(_) | Stored::Error(_) | Stored::Unknown => false,
        };
        let wants = match stored {
            _ if self.are_results_old => Wants::Anything,
            Stored::TextFollows if is_to_be_computed => Wants::TextButEmpty,
            Stored::TextFollows => Wants::Text,
            _ => Wants::Nothing,
        };
        let cell = self.row.cells.len();
        self.formula = Some(OpenFormula { cell, wants });
        Ok(match stored {
            _ if lacks_result || self.are_results_old => HeldValue::Fault(SheetFault::NoResult),
            Stored::Number(number) => self.number(number, style),
            stored => HeldValue::of_stored(stored),
        })
    }

    /// Reads the text of the formula before it.
    fn read_result(&mut self) -> Result<(), PartFault> {
        let Some(OpenFormula { cell, wants }) = self.formula.take() else {
            return Err(PartFault::unreadable(format!(
                "row {} has a text that belongs to no formula",
                self.row.shown()
            )));
        };
        let text = self.read_text()?;
        let is_empty = matches!(text, HeldValue::Empty);
        let value = match wants {
            Wants::Text => text,
            Wants::TextButEmpty if !is_empty => text,
            Wants::Nothing if !is_empty => HeldValue::Fault(SheetFault::Unreadable),
            Wants::TextButEmpty | Wants::Nothing | Wants::Anything => return Ok(()),
        };
        if let Some((_, held)) = self.row.cells.get_mut(cell) {
            *held = value;
        }
        Ok(())
    }
}

impl<S: StreamBytes> CellReader for Cells<S> {
    fn next_row(&mut self) -> Result<Option<u32>, PartFault> {
        self.row.clear();
        let Some(row) = self.read_row()? else {
            return Ok(None);
        };
        let row = u32::from(row) + 1;
        self.position.enter_row(row).map_err(with_remedy)?;
        self.row.cells.sort_unstable_by_key(|(column, _)| *column);
        Ok(Some(row))
    }

    fn next_cell(&mut self) -> Result<Option<(u32, Value<'_>)>, PartFault> {
        let Some((column, value)) = self.row.cells.get(self.row.returned) else {
            return Ok(None);
        };
        self.row.returned += 1;
        let column = u32::from(*column) + 1;
        self.position.enter_cell(column)?;
        let value = match value {
            HeldValue::Empty => Value::Empty,
            HeldValue::Shared(index) => {
                let index = usize::try_from(*index).unwrap_or(usize::MAX);
                match self.globals.texts.get(index) {
                    Some("") => Value::Empty,
                    Some(text) => Value::Text(text),
                    None => {
                        let (place, texts) =
                            (self.position.place(column), self.globals.texts.len());
                        return Err(PartFault::unreadable(format!(
                            "cell {place} refers to a text that does not exist: the workbook has {texts}"
                        )));
                    }
                }
            }
            HeldValue::Text(place) => {
                Value::Text(self.row.text.get(place.clone()).unwrap_or_default())
            }
            HeldValue::Number(number) => Value::Number(*number),
            HeldValue::Day(number) => Value::Day(*number),
            HeldValue::Boolean(value) => Value::Boolean(*value),
            HeldValue::Fault(fault) => Value::Fault(*fault),
        };
        Ok(Some((column, value)))
    }

    fn hidden_rows(&self) -> u64 {
        self.hidden_rows
    }
}

impl Row {
    fn clear(&mut self) {
        self.cells.clear();
        self.text.clear();
        (self.number, self.columns, self.returned) = (None, [0; 4], 0);
    }

    /// Adds a cell. Its column is counted from 0.
    fn push(&mut self, column: u16, value: HeldValue) -> Result<(), PartFault> {
        let bit = 1 << (column % 64);
        let Some(columns) = self.columns.get_mut(usize::from(column / 64)) else {
            return Err(PartFault::unreadable(format!(
                "cell {} is beyond the last possible column, IV",
                self.place(column)
            )));
        };
        if *columns & bit != 0 {
            return Err(PartFault::unreadable(format!(
                "cell {} has two values: {SAVE_AGAIN}",
                self.place(column)
            )));
        }
        *columns |= bit;
        self.cells.push((column, value));
        Ok(())
    }

    /// Returns the row's number, from 1.
    fn shown(&self) -> u32 {
        self.number.map_or(0, |number| u32::from(number) + 1)
    }

    /// Returns the name of a cell of the row, as in Excel.
    fn place(&self, column: u16) -> String {
        place(u32::from(column) + 1, self.shown())
    }
}

impl HeldValue {
    /// Returns the value that a record stores, unless it is a number.
    fn of_stored(stored: Stored) -> HeldValue {
        match stored {
            Stored::Number(number) => HeldValue::Number(number),
            Stored::Boolean(value) => HeldValue::Boolean(value),
            Stored::Error(fault) => HeldValue::Fault(fault),
            Stored::Empty => HeldValue::Empty,
            Stored::TextFollows => HeldValue::Fault(SheetFault::NoResult),
            Stored::Unknown => HeldValue::Fault(SheetFault::Unreadable),
        }
    }
}

/// Adds the remedy to a fault.
fn with_remedy(fault: PartFault) -> PartFault {
    match fault {
        PartFault::Unreadable(reason) => PartFault::Unreadable(format!("{reason}: {SAVE_AGAIN}")),
        fault => fault,
    }
}
