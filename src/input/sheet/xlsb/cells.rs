//! The cells of a sheet in a binary part, row by row.

use std::io::Read;
use std::sync::Arc;

use super::fields::Fields;
use super::records::{Record, Records};
use crate::contract::SheetFault;
use crate::input::sheet::binary::error_of;
use crate::input::sheet::cells::{CellReader, Position, SheetSize, Value};
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::styles::Styles;
use crate::input::sheet::texts::SharedStrings;
use crate::input::sheet::workbook::Results;

/// The kinds of records in a sheet ([MS-XLSB] §2.3.2): `BrtRowHdr`, and the start and end of the
/// table.
const ROW: u32 = 0;
const TABLE: u32 = 145;
const END_OF_TABLE: u32 = 146;
/// The bit of a row that is hidden (`fDyZero`).
const HIDDEN_ROW: u8 = 0x10;
/// The bits of a cell's style; a flag is above them ([MS-XLSB] §2.5.9).
const STYLE_MASK: u32 = 0x00ff_ffff;

/// The kinds of cells, by their records: `BrtCellBlank` to `BrtFmlaError`, and `BrtCellRString`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Blank,
    PackedNumber,
    Error,
    Boolean,
    Number,
    Text,
    /// The number of a shared string.
    Shared,
    /// Text in several formats.
    RichText,
}

/// A cell without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CellHead {
    kind: CellKind,
    is_formula: bool,
    style: usize,
    /// Whether the result of its formula is still to be computed.
    lacks_result: bool,
}

/// The cells of a sheet.
pub(super) struct Cells<R> {
    records: Records<R>,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
    results: Results,
    position: Position,
    /// The row that was found behind the cells of the current one, with whether it is hidden.
    next_row: Option<(u32, bool)>,
    is_at_end: bool,
    /// The number of hidden rows so far.
    hidden_rows: u64,
    text: String,
}

impl CellHead {
    /// Returns the head of a record of this kind, if it is a cell.
    fn of(kind: u32) -> Option<CellHead> {
        let (kind, is_formula) = match kind {
            1 => (CellKind::Blank, false),
            2 => (CellKind::PackedNumber, false),
            3 => (CellKind::Error, false),
            4 => (CellKind::Boolean, false),
            5 => (CellKind::Number, false),
            6 => (CellKind::Text, false),
            7 => (CellKind::Shared, false),
            62 => (CellKind::RichText, false),
            8 => (CellKind::Text, true),
            9 => (CellKind::Number, true),
            10 => (CellKind::Boolean, true),
            11 => (CellKind::Error, true),
            _ => return None,
        };
        Some(CellHead {
            kind,
            is_formula,
            style: 0,
            lacks_result: false,
        })
    }

    /// Reads the value. `None` if it is a shared string that does not exist.
    fn value<'c>(
        self,
        fields: &mut Fields<'_>,
        texts: &'c SharedStrings,
        styles: &Styles,
        text: &'c mut String,
    ) -> Result<Option<Value<'c>>, PartFault> {
        if self.lacks_result {
            return Ok(Some(Value::Fault(SheetFault::NoResult)));
        }
        let number = |number: f64| match number {
            number if !number.is_finite() => Value::Fault(SheetFault::Unreadable),
            number if styles.is_date(self.style) => Value::Day(number),
            number => Value::Number(number),
        };
        Ok(Some(match self.kind {
            CellKind::Blank => Value::Empty,
            CellKind::PackedNumber => number(fields.packed_number()?),
            CellKind::Number => number(fields.f64()?),
            CellKind::Error => {
                let name = error_of(fields.u8()?).unwrap_or_default();
                Value::Fault(SheetFault::of_error(name))
            }
            CellKind::Boolean => match fields.u8()? {
                0 => Value::Boolean(false),
                1 => Value::Boolean(true),
                _ => Value::Fault(SheetFault::Unreadable),
            },
            CellKind::Shared => {
                let index = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
                let Some(text) = texts.get(index) else {
                    return Ok(None);
                };
                of_text(text)
            }
            CellKind::Text => {
                fields.text(text)?;
                of_text(text)
            }
            CellKind::RichText => {
                // The formats follow the text.
                let _flags = fields.u8()?;
                fields.text(text)?;
                of_text(text)
            }
        }))
    }
}

fn of_text(text: &str) -> Value<'_> {
    match text {
        "" => Value::Empty,
        text => Value::Text(text),
    }
}

impl<R: Read> Cells<R> {
    /// Reads up to the start of the table.
    pub(super) fn of(
        mut records: Records<R>,
        texts: Arc<SharedStrings>,
        styles: Arc<Styles>,
        results: Results,
    ) -> Result<Cells<R>, PartFault> {
        loop {
            match records.next(|_| false)? {
                Some(record) if record.kind == TABLE => break,
                Some(_) => {}
                None => {
                    return Err(PartFault::unreadable(format!(
                        "{}: it has no table",
                        records.part()
                    )));
                }
            }
        }
        Ok(Cells {
            records,
            texts,
            styles,
            results,
            position: Position::before(SheetSize::EXCEL_2007),
            next_row: None,
            is_at_end: false,
            hidden_rows: 0,
            text: String::new(),
        })
    }

    /// Reads the rest of the part after the table. It says nothing about rows, but must be
    /// complete.
    fn read_behind_table(&mut self) -> Result<(), PartFault> {
        while let Some(record) = self.records.next(|_| false)? {
            if record.kind == TABLE {
                return Err(PartFault::unreadable("it has a second table"));
            }
        }
        Ok(())
    }

    /// Reads up to the next row or the end of the table. Cells on the way have no row.
    fn find_row(&mut self) -> Result<Option<(u32, bool)>, PartFault> {
        loop {
            let Some(Record { kind, mut fields }) = self.records.next(|kind| kind == ROW)? else {
                return Err(self.records.ends_too_early());
            };
            match kind {
                ROW => return row_of(&mut fields).map(Some),
                END_OF_TABLE => {
                    self.read_behind_table()?;
                    return Ok(None);
                }
                kind if CellHead::of(kind).is_some() => {
                    return Err(PartFault::unreadable("a cell comes before the first row"));
                }
                _ => {}
            }
        }
    }
}

impl<R: Read> CellReader for Cells<R> {
    fn next_row(&mut self) -> Result<Option<u32>, PartFault> {
        if self.is_at_end {
            return Ok(None);
        }
        let found = match self.next_row.take() {
            Some(row) => Some(row),
            None => self.find_row()?,
        };
        let Some((row, is_hidden)) = found else {
            self.is_at_end = true;
            return Ok(None);
        };
        self.position.enter_row(row)?;
        self.hidden_rows += u64::from(is_hidden);
        Ok(Some(row))
    }

    fn next_cell(&mut self) -> Result<Option<(u32, Value<'_>)>, PartFault> {
        let is_read = |kind| kind == ROW || CellHead::of(kind).is_some();
        while self.next_row.is_none() && !self.is_at_end {
            let Some(Record { kind, mut fields }) = self.records.next(is_read)? else {
                return Err(self.records.ends_too_early());
            };
            match (kind, CellHead::of(kind)) {
                (ROW, _) => self.next_row = Some(row_of(&mut fields)?),
                (END_OF_TABLE, _) => {
                    self.is_at_end = true;
                    self.read_behind_table()?;
                }
                (_, None) => {}
                (_, Some(head)) => {
                    let column = fields.u32()?.saturating_add(1);
                    self.position.enter_cell(column)?;
                    let style = fields.u32()? & STYLE_MASK;
                    let head = CellHead {
                        style: usize::try_from(style).unwrap_or(usize::MAX),
                        lacks_result: head.is_formula && self.results == Results::Pending,
                        ..head
                    };
                    let value =
                        head.value(&mut fields, &self.texts, &self.styles, &mut self.text)?;
                    let Some(value) = value else {
                        return Err(PartFault::unreadable(format!(
                            "cell {} refers to a text that does not exist: the workbook has {}",
                            self.position.place(column),
                            self.texts.len()
                        )));
                    };
                    return Ok(Some((column, value)));
                }
            }
        }
        Ok(None)
    }

    fn hidden_rows(&self) -> u64 {
        self.hidden_rows
    }
}

/// Returns the number of a row, from 1, and whether it is hidden (`BrtRowHdr`, [MS-XLSB] §2.4.739).
fn row_of(fields: &mut Fields<'_>) -> Result<(u32, bool), PartFault> {
    let row = fields.u32()?.saturating_add(1);
    let _style_and_height = fields.bytes::<7>()?;
    Ok((row, fields.u8()? & HIDDEN_ROW != 0))
}

#[cfg(test)]
mod tests;
