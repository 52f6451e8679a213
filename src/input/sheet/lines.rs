//! Writes the rows of a sheet as lines of NDJSON.

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

/// The first whole number with more digits than the 15 that Excel keeps. Further digits are zero,
/// whatever was typed.
const WHOLE_END: f64 = 1e15;

/// Rows as NDJSON, waiting to be taken.
pub(crate) struct Lines {
    columns: Vec<SheetColumn>,
    days: Days,
    /// The header names that were matched loosely.
    pub(crate) loosely: Vec<LooseColumn>,
    text: Vec<u8>,
    /// The number of rows that have a line. A row of the sheet is on the line with its number.
    rows_before: u32,
}

struct SheetColumn {
    /// The name as JSON; `None` for a column without a name, or one that is left out by its number.
    key: Option<String>,
    target: Target,
}

/// Whether a row has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetRow {
    Blank,
    Filled,
}

impl Lines {
    /// Reads the header: the first row with a value holds the columns' names.
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
                    if lines.write_row(row, cells)? == SheetRow::Filled {
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
        // A name that matched loosely is written as the name that it matched, because keys of
        // NDJSON are exact.
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

    /// Returns the number of bytes that wait to be taken.
    pub(crate) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Takes the waiting lines.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.text)
    }

    /// Writes the next row. Returns `None` after the last.
    pub(crate) fn write_next<R: Read>(
        &mut self,
        cells: &mut Cells<'_, R>,
    ) -> Result<Option<()>, PartFault> {
        match cells.next_row()? {
            Some(row) => self.write_row(row, cells).map(|_row| Some(())),
            None => Ok(None),
        }
    }

    /// Writes a row as an object. An empty cell is empty text, as in CSV.
    fn write_row<R: Read>(
        &mut self,
        row: u32,
        cells: &mut Cells<'_, R>,
    ) -> Result<SheetRow, PartFault> {
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
            // A value outside the named columns makes the row invalid, as in a ragged row of CSV.
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
            SheetRow::Filled
        } else {
            SheetRow::Blank
        };
        if filled == SheetRow::Filled {
            self.write_empty(next, self.columns.len(), start);
            self.text.push(b'}');
        }
        self.text.push(b'\n');
        self.rows_before = row;
        Ok(filled)
    }

    /// Writes the named columns from one place to another as empty.
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

    /// Writes a cell as JSON. A date is accepted only in a date field. Elsewhere the spreadsheet
    /// has taken a text or number such as `3-4` for a date, so it is an error.
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

/// Returns the number of the header's row, and its names.
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

/// Returns the fault of a header, or a suggestion of a later row that looks like one.
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

/// Returns the number and the names of the next row with a value, after the first `top` rows.
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
