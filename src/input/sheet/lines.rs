//! Rows of a sheet as lines of NDJSON.

use std::io::{Read, Write as _};

use csv::ByteRecord;
use serde_json::json;

use crate::contract::{FieldKind, SheetFault};

use super::book::Days;
use super::cells::{Cells, Value, place};
use super::days::{date_of, with_zone};
use super::fault::PartFault;
use crate::input::blocks::block::BlockSize;
use crate::input::error::InputFault;
use crate::input::mapping::header;
use crate::input::mapping::header::{Columns, row_below};
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::target::Target;
use crate::input::options::{HeaderRule, InputRules};

/// From this on a whole number has more than the 15 digits that Excel keeps of one: those behind are zero, whatever was typed.
const WHOLE_END: f64 = 1e15;

/// Rows as NDJSON, waiting to be handed over.
pub(crate) struct Lines {
    columns: Vec<SheetColumn>,
    days: Days,
    /// The names that were taken for others.
    pub(crate) loosely: Vec<LooseColumn>,
    text: Vec<u8>,
    /// Rows of the sheet that have a line, so that a row of the sheet stands on the line of its number.
    rows_before: u32,
}

struct SheetColumn {
    /// Its name as JSON; none for a column without a name, or one that is left out by its number.
    key: Option<String>,
    target: Target,
}

/// Whether a row holds anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Blank,
    Filled,
}

impl Lines {
    /// Finds the columns: their names stand in the first row that holds anything.
    pub(crate) fn begin<R: Read>(
        cells: &mut Cells<'_, R>,
        rules: &InputRules,
        days: Days,
    ) -> Result<Lines, InputFault> {
        match &rules.header {
            HeaderRule::FirstRecord | HeaderRule::Row(_) => {
                let (row, names) = header_of(cells, &rules.header)?;
                let columns = header::read(
                    &ByteRecord::from(names.clone()),
                    u64::from(row),
                    &rules.mapping,
                )
                .map_err(|fault| with_row_below(fault, u64::from(row), cells, rules))?;
                let mut lines = Lines::new(names, columns, days);
                lines.write_blank_until(row);
                Ok(lines)
            }
            HeaderRule::Named(names) => {
                let columns = header::named(names, &rules.mapping)?;
                let mut lines = Lines::new(names.clone(), columns, days);
                while let Some(row) = cells.next_row()? {
                    if lines.write_row(row, cells)? == Row::Filled {
                        return Ok(lines);
                    }
                }
                Err(InputFault::Empty)
            }
        }
    }

    fn new(names: Vec<String>, columns: Columns, days: Days) -> Lines {
        let by_number = [columns.nameless.as_slice(), &columns.numbered].concat();
        let mut names = names;
        // A name that is spelt loosely is written as the one that it was taken for: keys of NDJSON are exact.
        for loose in &columns.loosely {
            if let Some(name) = names.get_mut(loose.index) {
                name.clone_from(&loose.matched_name);
            }
        }
        let target = |index: usize| {
            let mapped = columns.mapped.iter().find(|(column, _)| *column == index);
            mapped.map_or(Target::Ignored, |(_, target)| *target)
        };
        let with_keys = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| SheetColumn {
                key: (!by_number.contains(&index)).then(|| json!(name).to_string()),
                target: target(index),
            });
        let with_keys = with_keys.collect();
        Lines {
            columns: with_keys,
            days,
            loosely: columns.loosely,
            text: Vec::new(),
            rows_before: 0,
        }
    }

    fn write_blank_until(&mut self, rows: u32) {
        let missing = usize::try_from(rows.saturating_sub(self.rows_before)).unwrap_or(0);
        self.text.resize(self.text.len() + missing, b'\n');
        self.rows_before = self.rows_before.max(rows);
    }

    /// How many bytes wait to be handed over.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The lines that wait to be handed over.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes the next row; none behind the last.
    pub(crate) fn write_next<R: Read>(
        &mut self,
        cells: &mut Cells<'_, R>,
    ) -> Result<Option<()>, PartFault> {
        match cells.next_row()? {
            Some(row) => self.write_row(row, cells).map(|_row| Some(())),
            None => Ok(None),
        }
    }

    /// Writes a row as an object. An empty cell is empty text, as it is in CSV.
    fn write_row<R: Read>(&mut self, row: u32, cells: &mut Cells<'_, R>) -> Result<Row, PartFault> {
        self.write_blank_until(row.saturating_sub(1));
        let start = self.text.len();
        let bytes_max = BlockSize::default().record_bytes_max;
        let mut next = 0;
        while let Some((column, value)) = cells.next_cell()? {
            let index = usize::try_from(column)
                .unwrap_or(usize::MAX)
                .saturating_sub(1);
            let has_name = self
                .columns
                .get(index)
                .is_some_and(|column| column.key.is_some());
            if value == Value::Empty || (!has_name && value.is_blank()) {
                continue;
            }
            self.write_empty(next, index, start);
            // What stands beside the columns that have names belongs to none: the row is invalid for it, as a ragged row of CSV is.
            let (key, target) = match self.columns.get(index) {
                Some(SheetColumn {
                    key: Some(key),
                    target,
                }) => (key.clone(), *target),
                Some(SheetColumn { key: None, .. }) | None => {
                    (format!("\"column {column}\""), Target::Ignored)
                }
            };
            self.write_key(&key, start);
            self.write_value(&value, target);
            next = index + 1;
            if self.text.len() - start >= bytes_max {
                return Err(PartFault::unreadable(format!(
                    "row {row} is longer than {bytes_max} bytes"
                )));
            }
        }
        let filled = if self.text.len() > start {
            Row::Filled
        } else {
            Row::Blank
        };
        if filled == Row::Filled {
            self.write_empty(next, self.columns.len(), start);
            self.text.push(b'}');
        }
        self.text.push(b'\n');
        self.rows_before = row;
        Ok(filled)
    }

    /// Writes the columns from one place to another as empty, as far as they have names.
    fn write_empty(&mut self, from: usize, to: usize, start: usize) {
        for index in from..to.min(self.columns.len()) {
            let Some(SheetColumn { key: Some(key), .. }) = self.columns.get(index) else {
                continue;
            };
            let separator = if self.text.len() == start { b'{' } else { b',' };
            self.text.push(separator);
            self.text.extend_from_slice(key.as_bytes());
            self.text.extend_from_slice(b":\"\"");
        }
    }

    fn write_key(&mut self, key: &str, start: usize) {
        let separator = if self.text.len() == start { b'{' } else { b',' };
        self.text.push(separator);
        self.text.extend_from_slice(key.as_bytes());
        self.text.push(b':');
    }

    /// Writes a cell as JSON. A date is a date only where one belongs: anywhere else it is text or a number that the spreadsheet took
    /// for one, as it does with `3-4`, so it is an error.
    fn write_value(&mut self, value: &Value<'_>, target: Target) {
        let is_for_date =
            matches!(target, Target::Field(field) if field.rule().kind == FieldKind::DateTime);
        let fault = |fault: SheetFault| json!({ "error": fault.name() });
        let json = match value {
            Value::Empty => json!(""),
            Value::Text(text) => {
                serde_json::to_writer(&mut self.text, text).expect("memory can be written");
                return;
            }
            Value::Number(number) => {
                write!(self.text, "{}", number_of(*number)).expect("memory can be written");
                return;
            }
            Value::Day(number) if is_for_date => match date_of(*number, self.days) {
                Some(date) => json!(date),
                None => fault(SheetFault::NoDay),
            },
            Value::Day(number) if target == Target::Ignored => json!(number),
            Value::Day(number) => json!({ "error": SheetFault::Date.name(), "number": number }),
            Value::IsoDate(text) if is_for_date => json!(with_zone(text)),
            Value::IsoDate(text) if target == Target::Ignored => json!(text),
            Value::IsoDate(text) => json!({ "error": SheetFault::Date.name(), "date": text }),
            Value::Boolean(value) => json!(value),
            Value::Fault(found) => fault(*found),
        };
        serde_json::to_writer(&mut self.text, &json).expect("memory can be written");
    }
}

/// The names in the header's row, and its number.
fn header_of<R: Read>(
    cells: &mut Cells<'_, R>,
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

/// The fault of a header, or what the row below it is that looks like one.
fn with_row_below<R: Read>(
    fault: InputFault,
    line: u64,
    cells: &mut Cells<'_, R>,
    rules: &InputRules,
) -> InputFault {
    let below = std::iter::from_fn(|| {
        names_of(cells, 0)
            .ok()
            .map(|(row, names)| (u64::from(row), names.into()))
    });
    fault.or_header_below(line, || row_below(below, &rules.mapping))
}

/// The names in the next row that holds anything, behind the first `top` rows, and its number.
fn names_of<R: Read>(cells: &mut Cells<'_, R>, top: u64) -> Result<(u32, Vec<String>), InputFault> {
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

/// A whole number without a fraction; one that the sheet could not hold exactly keeps an exponent, so that nobody takes it for
/// a whole one.
fn number_of(number: f64) -> String {
    if number == 0.0 {
        "0".to_owned()
    } else if number.abs() >= WHOLE_END {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}
