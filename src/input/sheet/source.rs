//! The rows of a sheet as typed records.

use std::io::Write as _;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::ByteRecord;
use serde_json::json;

use crate::contract::{FieldKind, SheetFault};

use super::cells::{CellReader, Value, place};
use super::days::{Days, date_of, number_from_1900, with_zone};
use super::fault::PartFault;
use super::kept::DATE_MARK;
use super::layout::{ColumnMeaning, SheetLayout};
use crate::input::blocks::block::{Block, BlockSize};
use crate::input::blocks::source::RowSource;
use crate::input::blocks::typed::{TypedCell, TypedRecords, TypedValue};
use crate::input::bytes::bytes_of;
use crate::input::bytes::stream_fault::StreamFault;
use crate::input::error::InputFault;
use crate::input::mapping::header;
use crate::input::mapping::header::{Columns, row_below};
use crate::input::mapping::target::Target;
use crate::input::options::{HeaderRule, InputRules};

/// The first whole number with more digits than the 15 that Excel keeps. Further digits are zero,
/// whatever was typed.
const WHOLE_END: f64 = 1e15;

/// The rows of a sheet below its header.
pub(crate) struct SheetRows {
    cells: Box<dyn CellReader + Send>,
    layout: SheetLayout,
    days: Days,
    size: BlockSize,
    /// The rows of the next block.
    bytes: Vec<u8>,
    typed: TypedRecords,
    /// The last row that was read.
    row: u32,
    bytes_before: u64,
    /// The fault that ends the sheet, once the rows before it are returned.
    fault: Option<InputFault>,
    hidden_rows: Arc<AtomicU64>,
}

/// A row that is being written.
#[derive(Debug, Default)]
struct OpenRow {
    /// The place of its first byte among those of the block.
    start: usize,
    /// The number of columns before the next cell.
    columns: usize,
    /// The texts that JSON writes with escapes, one after the other.
    texts: String,
}

/// Reads the header, by default the first row with a value. Returns its row and the columns.
pub(crate) fn read_header(
    cells: &mut dyn CellReader,
    rules: &InputRules,
) -> Result<(u32, Columns), InputFault> {
    match &rules.header {
        HeaderRule::FirstRecord | HeaderRule::Row(_) => {
            let (row, names) = header_of(cells, &rules.header)?;
            Ok((row, columns_of(names, row, cells, rules)?))
        }
        HeaderRule::Named(names) => Ok((0, header::named(names, &rules.mapping)?)),
    }
}

/// Reads the names of the header. Also returns the fault for which it cannot be used.
pub(crate) fn names_and_fault(
    cells: &mut dyn CellReader,
    rules: &InputRules,
) -> Result<(Vec<String>, Result<(), InputFault>), InputFault> {
    match &rules.header {
        HeaderRule::FirstRecord | HeaderRule::Row(_) => {
            let (row, names) = header_of(cells, &rules.header)?;
            let read = columns_of(names.clone(), row, cells, rules);
            Ok((names, read.map(|_| ())))
        }
        HeaderRule::Named(names) => {
            let read = header::named(names, &rules.mapping);
            Ok((names.clone(), read.map(|_| ())))
        }
    }
}

fn columns_of(
    names: Vec<String>,
    row: u32,
    cells: &mut dyn CellReader,
    rules: &InputRules,
) -> Result<Columns, InputFault> {
    header::read(&ByteRecord::from(names), u64::from(row), &rules.mapping)
        .map_err(|fault| with_row_below(fault, u64::from(row), cells, rules))
}

impl SheetRows {
    /// Returns the rows behind the last row that was read, which is `row`. Hidden rows are counted
    /// in `hidden_rows`.
    pub(crate) fn new(
        cells: Box<dyn CellReader + Send>,
        layout: SheetLayout,
        days: Days,
        row: u32,
        hidden_rows: Arc<AtomicU64>,
    ) -> SheetRows {
        SheetRows {
            cells,
            layout,
            days,
            size: BlockSize::default(),
            bytes: Vec::new(),
            typed: TypedRecords::default(),
            row,
            bytes_before: 0,
            fault: None,
            hidden_rows,
        }
    }

    /// Reads rows until the block is full or the sheet ends.
    fn fill(&mut self) -> Result<(), InputFault> {
        while self.bytes.len() < self.size.block_bytes && self.typed.len() < self.size.lines_max {
            let start = self.bytes.len();
            match self.read_row() {
                Ok(Some(row)) => self.row = row,
                Ok(None) => break,
                Err(fault) => {
                    let fault = StreamFault::from(fault);
                    return Err(InputFault::of_read(fault.into(), u64::from(self.row) + 1));
                }
            }
            if self.bytes.len() - start >= self.size.record_bytes_max {
                return Err(InputFault::RecordTooLong {
                    line: u64::from(self.row),
                    bytes_max: self.size.record_bytes_max,
                });
            }
            self.hidden_rows
                .store(self.cells.hidden_rows(), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads the next row, but no further than the largest record. Returns its number. It is a
    /// record if a cell has a value; its other cells are empty text then, as in CSV.
    fn read_row(&mut self) -> Result<Option<u32>, PartFault> {
        let Self {
            cells,
            layout,
            days,
            size,
            bytes,
            typed,
            ..
        } = self;
        let Some(row) = cells.next_row()? else {
            return Ok(None);
        };
        let mut open = OpenRow {
            start: bytes.len(),
            ..OpenRow::default()
        };
        while let Some((column, value)) = cells.next_cell()? {
            let index = usize::try_from(column)
                .unwrap_or(usize::MAX)
                .saturating_sub(1);
            let key = layout.key(index);
            if value == Value::Empty || (key.is_none() && value.is_blank()) {
                continue;
            }
            open.write_empty_until(index, layout, bytes, typed);
            // A value outside the named columns makes the row invalid, as in a ragged row of CSV.
            match key {
                Some(key) => open.write_key(key, bytes),
                None => open.write_key(&json!(layout.name_by_number(index)).to_string(), bytes),
            }
            let target = match layout.meaning(index) {
                ColumnMeaning::Target(target) => target,
                ColumnMeaning::Own(_) | ColumnMeaning::Nothing => Target::Ignored,
            };
            if matches!(value, Value::Day(_) | Value::IsoDate(_)) {
                bytes.push(DATE_MARK);
            }
            let start = bytes.len();
            let value = open.write_value(&value, target, *days, bytes);
            open.push_cell(index, start, value, bytes, typed);
            if bytes.len() - open.start >= size.record_bytes_max {
                return Ok(Some(row));
            }
        }
        if bytes.len() > open.start {
            open.write_empty_until(layout.len(), layout, bytes, typed);
            bytes.push(b'}');
            let raw_bytes = bytes.len() - open.start;
            bytes.extend_from_slice(open.texts.as_bytes());
            typed.end_record(u64::from(row), raw_bytes, bytes.len() - open.start);
        }
        Ok(Some(row))
    }
}
impl RowSource for SheetRows {
    fn next(&mut self) -> Result<Option<Block>, InputFault> {
        if self.fault.is_none()
            && let Err(fault) = self.fill()
        {
            // The bytes and cells of a row that was not read to its end belong to no record.
            self.fault = Some(fault);
        }
        let (bytes, typed) = (mem::take(&mut self.bytes), mem::take(&mut self.typed));
        if typed.len() == 0 {
            return self.fault.take().map_or(Ok(None), Err);
        }
        let first_line = typed.first_line().unwrap_or_default();
        let bytes_before = self.bytes_before;
        self.bytes_before += bytes_of(&bytes);
        Ok(Some(Block {
            typed,
            ..Block::new(bytes.into(), first_line, bytes_before)
        }))
    }

    fn line(&self) -> u64 {
        u64::from(self.row) + 1
    }
}

impl OpenRow {
    /// Adds the named columns up to this one as empty.
    fn write_empty_until(
        &mut self,
        index: usize,
        layout: &SheetLayout,
        bytes: &mut Vec<u8>,
        typed: &mut TypedRecords,
    ) {
        for column in self.columns..index.min(layout.len()) {
            if let Some(key) = layout.key(column) {
                self.write_key(key, bytes);
                let start = bytes.len();
                bytes.extend_from_slice(b"\"\"");
                self.push_cell(column, start, TypedValue::Text, bytes, typed);
            }
        }
        self.columns = index + 1;
    }

    fn write_key(&self, key: &str, bytes: &mut Vec<u8>) {
        bytes.push(if bytes.len() == self.start {
            b'{'
        } else {
            b','
        });
        bytes.extend_from_slice(key.as_bytes());
        bytes.push(b':');
    }

    /// Adds a cell whose JSON was written from `start` on.
    fn push_cell(
        &self,
        column: usize,
        start: usize,
        value: TypedValue,
        bytes: &[u8],
        typed: &mut TypedRecords,
    ) {
        typed.push_cell(TypedCell {
            column,
            json: start - self.start..bytes.len() - self.start,
            value,
        });
    }

    /// Writes a value as JSON. A date is accepted only in a date field. Elsewhere the spreadsheet
    /// has taken a text or number such as `3-4` for a date, so it is an error.
    fn write_value(
        &mut self,
        value: &Value<'_>,
        target: Target,
        days: Days,
        bytes: &mut Vec<u8>,
    ) -> TypedValue {
        let is_for_date =
            matches!(target, Target::Field(field) if field.rule().kind == FieldKind::DateTime);
        let (json, value) = match value {
            Value::Empty => return self.write_text("", bytes),
            Value::Text(text) => return self.write_text(text, bytes),
            Value::Day(number) if is_for_date => match date_of(*number, days) {
                Some(date) => return self.write_text(&date, bytes),
                None => fault_of_day(SheetFault::NoDay, *number, days),
            },
            Value::IsoDate(text) if is_for_date => {
                return self.write_text(&with_zone(text), bytes);
            }
            Value::IsoDate(text) if target == Target::Ignored => {
                return self.write_text(text, bytes);
            }
            Value::Number(number) => {
                write!(bytes, "{}", number_of(*number)).expect("memory can be written");
                return TypedValue::Number;
            }
            Value::Day(number) if target == Target::Ignored => {
                (json!(number_from_1900(*number, days)), TypedValue::Number)
            }
            Value::Day(number) => fault_of_day(SheetFault::Date, *number, days),
            Value::IsoDate(text) => (
                json!({ "error": SheetFault::Date.name(), "date": text }),
                TypedValue::Fault(SheetFault::Date),
            ),
            Value::Boolean(value) => (json!(value), TypedValue::Boolean),
            Value::Fault(found) => fault(*found),
        };
        serde_json::to_writer(bytes, &json).expect("memory can be written");
        value
    }

    fn write_text(&mut self, text: &str, bytes: &mut Vec<u8>) -> TypedValue {
        let start = bytes.len();
        serde_json::to_writer(&mut *bytes, text).expect("memory can be written");
        // Each escape is longer than its character.
        if bytes.len() - start == text.len() + 2 {
            return TypedValue::Text;
        }
        let start = self.texts.len();
        self.texts.push_str(text);
        TypedValue::EscapedText(start..self.texts.len())
    }
}

/// Returns a fault as JSON, and as the value of its cell.
fn fault(fault: SheetFault) -> (serde_json::Value, TypedValue) {
    (json!({ "error": fault.name() }), TypedValue::Fault(fault))
}

/// Returns the fault of a number that is displayed as a date, as JSON and as the value of its cell.
fn fault_of_day(fault: SheetFault, number: f64, days: Days) -> (serde_json::Value, TypedValue) {
    let number = number_from_1900(number, days);
    (
        json!({ "error": fault.name(), "number": number }),
        TypedValue::Fault(fault),
    )
}

/// Returns the number of the header's row, and its names.
fn header_of(
    cells: &mut dyn CellReader,
    rule: &HeaderRule,
) -> Result<(u32, Vec<String>), InputFault> {
    let top = rule.lines_above();
    match names_of(cells, top) {
        Ok((row, _)) if top > 0 && u64::from(row) > top + 1 => {
            Err(InputFault::HeaderRowBlank { line: top + 1 })
        }
        Err(InputFault::Empty) if top > 0 => Err(InputFault::NoHeaderRow { row: top + 1 }),
        found => found,
    }
}

/// Returns the fault of a header, or a suggestion of a later row that looks like one.
fn with_row_below(
    fault: InputFault,
    line: u64,
    cells: &mut dyn CellReader,
    rules: &InputRules,
) -> InputFault {
    let below = std::iter::from_fn(|| {
        names_of(cells, 0)
            .ok()
            .map(|(row, names)| (u64::from(row), names.into()))
    });
    fault.or_header_below(line, || row_below(below, &rules.mapping))
}

/// Returns the number and the names of the next row with a value, after the first `top` rows.
pub(crate) fn names_of(
    cells: &mut dyn CellReader,
    top: u64,
) -> Result<(u32, Vec<String>), InputFault> {
    while let Some(row) = cells.next_row()? {
        if u64::from(row) <= top {
            while cells.next_cell()?.is_some() {}
            continue;
        }
        let mut names: Vec<String> = Vec::new();
        let mut bytes = 0;
        while let Some((column, value)) = cells.next_cell()? {
            let name = match value {
                Value::Empty => continue,
                Value::Text(text) | Value::IsoDate(text) => text.to_owned(),
                Value::Number(number) | Value::Day(number) => number_of(number),
                Value::Boolean(value) => value.to_string(),
                Value::Fault(fault) => {
                    let reason = format!(
                        "cell {} {}",
                        place(column, row),
                        fault.message("a column's name")
                    );
                    return Err(InputFault::Workbook { reason });
                }
            };
            bytes += name.len();
            if bytes > BlockSize::default().record_bytes_max {
                return Err(InputFault::Workbook {
                    reason: format!("row {row} is longer than {bytes} bytes"),
                });
            }
            names.resize(
                usize::try_from(column).unwrap_or(0).saturating_sub(1),
                String::new(),
            );
            names.push(name);
        }
        if !names.is_empty() {
            return Ok((row, names));
        }
    }
    Err(InputFault::Empty)
}

/// Formats a number. A whole number has no fraction; one that the sheet cannot hold exactly keeps
/// an exponent, so that it is not taken for a whole one.
fn number_of(number: f64) -> String {
    if number == 0.0 {
        "0".to_owned()
    } else if number.abs() >= WHOLE_END {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}
