//! The value of a cell: of its attributes, or of its text.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};
use jiff::{SignedDuration, Unit};

use super::paragraphs::CellText;
use super::row::RowValue;
use crate::contract::SheetFault;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::xml::attributes;

use quick_xml::events::BytesStart;

const DAY_SECONDS: f64 = 86_400.0;
/// The day of the number 0.
const DAY_ZERO: Date = jiff::civil::date(1899, 12, 30);

/// The attributes of a cell.
#[derive(Debug, Default)]
pub(super) struct CellHead {
    kind: ValueKind,
    /// Whether the program that wrote it says that the cell has an error.
    is_error: bool,
    has_formula: bool,
    /// The value of a formula that is nothing but a constant.
    constant: Option<RowValue>,
    /// The number of columns that have this cell. Never 0.
    pub(super) columns: u64,
    /// The values of the attributes that hold one, one after the other.
    written: String,
    value: Option<Range<usize>>,
    date: Option<Range<usize>>,
    time: Option<Range<usize>>,
    boolean: Option<Range<usize>>,
    text: Option<Range<usize>>,
}

/// The type of a cell's value (ODF part 3 §19.389, `office:value-type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ValueKind {
    /// None is named: the cell is empty, or text.
    #[default]
    None,
    /// A number, also one that is displayed as a percentage or an amount of money.
    Number,
    Date,
    Time,
    Boolean,
    Text,
    Void,
    /// An unknown type.
    Other,
}

impl ValueKind {
    fn of(text: &str) -> ValueKind {
        match text {
            "float" | "percentage" | "currency" => ValueKind::Number,
            "date" => ValueKind::Date,
            "time" => ValueKind::Time,
            "boolean" => ValueKind::Boolean,
            "string" => ValueKind::Text,
            "void" => ValueKind::Void,
            _ => ValueKind::Other,
        }
    }
}

impl CellHead {
    /// Reads the attributes of a cell in this row.
    pub(super) fn read(
        &mut self,
        element: &BytesStart<'_>,
        part: &str,
        row: u32,
    ) -> Result<(), PartFault> {
        let mut written = std::mem::take(&mut self.written);
        written.clear();
        let mut add = |value: &str| {
            let start = written.len();
            written.push_str(value);
            Some(start..written.len())
        };
        *self = CellHead {
            columns: 1,
            ..CellHead::default()
        };
        for attribute in attributes(element, part) {
            match attribute? {
                // `LibreOffice` marks errors so, in an attribute of its own of the same name.
                ("value-type", value) if value == "error" => self.is_error = true,
                ("value-type", value) => self.kind = ValueKind::of(&value),
                ("value", value) => self.value = add(&value),
                ("date-value", value) => self.date = add(&value),
                ("time-value", value) => self.time = add(&value),
                ("boolean-value", value) => self.boolean = add(&value),
                ("string-value", value) => self.text = add(&value),
                ("formula", value) => {
                    self.has_formula = true;
                    self.constant = constant_of(&value);
                }
                ("number-columns-repeated", value) => self.columns = repetitions(&value, row)?,
                _ => {}
            }
        }
        self.written = written;
        Ok(())
    }

    /// Returns the value of a cell whose own text begins at `start` of `text`. Text that the value
    /// does not need is removed, and text that it needs is added.
    pub(super) fn value(&self, content: CellText, start: usize, text: &mut String) -> RowValue {
        let shown = text.get(start..).unwrap_or_default();
        if content.has_stray_text {
            return RowValue::Fault(SheetFault::Unreadable);
        }
        if let Some(constant) = &self.constant {
            text.truncate(start);
            return constant.clone();
        }
        if let Some(fault) = self.error(shown) {
            text.truncate(start);
            return RowValue::Fault(fault);
        }
        let no_value = RowValue::Fault(if self.has_formula {
            SheetFault::NoResult
        } else {
            SheetFault::Unreadable
        });
        let is_blank = shown.is_empty();
        let value = match self.kind {
            ValueKind::None if self.has_formula && (content.paragraphs == 0 || !is_blank) => {
                no_value
            }
            ValueKind::Text
                if self.has_formula && self.text.is_none() && content.paragraphs == 0 =>
            {
                no_value
            }
            ValueKind::Text if self.text.is_some() => {
                text.truncate(start);
                text.push_str(self.written(self.text.as_ref()).unwrap_or_default());
                of_text(start..text.len())
            }
            ValueKind::None | ValueKind::Text => of_text(start..text.len()),
            ValueKind::Void if is_blank => RowValue::Empty,
            ValueKind::Void | ValueKind::Other => RowValue::Fault(SheetFault::Unreadable),
            ValueKind::Number => self
                .written(self.value.as_ref())
                .map_or(no_value, number_of),
            ValueKind::Boolean => self
                .written(self.boolean.as_ref())
                .map_or(no_value, boolean_of),
            ValueKind::Time => self.written(self.time.as_ref()).map_or(no_value, time_of),
            ValueKind::Date => match self.written(self.date.as_ref()) {
                Some(written) => date_value(written, start, text),
                None => no_value,
            },
        };
        if value.text_bytes() == 0 {
            text.truncate(start);
        }
        value
    }

    /// Returns the value of an attribute, without white space around it, if it has one.
    fn written(&self, place: Option<&Range<usize>>) -> Option<&str> {
        let written = self.written.get(place?.clone())?;
        if self.kind == ValueKind::Text {
            return Some(written);
        }
        Some(written.trim()).filter(|written| !written.is_empty())
    }

    /// Returns the error of a cell that shows this text. Only `LibreOffice` marks errors. Other
    /// programs write a text or a number, and show the error.
    fn error(&self, shown: &str) -> Option<SheetFault> {
        let is_constant_text =
            matches!(self.kind, ValueKind::None | ValueKind::Text) && !self.has_formula;
        if self.is_error {
            return Some(SheetFault::of_error(shown));
        }
        if is_constant_text {
            return None;
        }
        let shown = match self.kind {
            ValueKind::Text if shown.is_empty() => self.written(self.text.as_ref())?,
            _ => shown,
        };
        shown_error(shown)
    }
}

/// Whether a text is an error by its number, as `LibreOffice` shows those that have no name: `Err:502`.
fn is_error_of_calc(text: &str) -> bool {
    text.strip_prefix("Err:").is_some_and(|number| {
        number.len() == 3 && number.bytes().all(|digit| digit.is_ascii_digit())
    })
}

/// Returns the number of times that a row, or a cell of this row, is there.
pub(super) fn repetitions(written: &str, row: u32) -> Result<u64, PartFault> {
    match written.trim().parse() {
        Ok(0) | Err(_) => Err(PartFault::unreadable(format!(
            "row {row} has an invalid number of repetitions"
        ))),
        Ok(count) => Ok(count),
    }
}

/// Returns the value of a formula that is nothing but a truth value or an error. `LibreOffice` saves
/// those of an Excel workbook so, with any number as the result.
fn constant_of(formula: &str) -> Option<RowValue> {
    let (_, expression) = formula.split_once('=')?;
    match expression.trim() {
        "TRUE()" => Some(RowValue::Boolean(true)),
        "FALSE()" => Some(RowValue::Boolean(false)),
        error => shown_error(error).map(RowValue::Fault),
    }
}

/// Returns the error that a text is the name of.
fn shown_error(text: &str) -> Option<SheetFault> {
    match SheetFault::of_error(text) {
        SheetFault::Error(error) if error == text => Some(SheetFault::Error(error)),
        other => is_error_of_calc(text).then_some(other),
    }
}

fn of_text(place: Range<usize>) -> RowValue {
    if place.is_empty() {
        RowValue::Empty
    } else {
        RowValue::Text(place)
    }
}

fn number_of(written: &str) -> RowValue {
    match written.parse::<f64>() {
        Ok(number) if number.is_finite() => RowValue::Number(number),
        Ok(_) | Err(_) => RowValue::Fault(SheetFault::Unreadable),
    }
}

fn boolean_of(written: &str) -> RowValue {
    match written {
        "true" | "1" => RowValue::Boolean(true),
        "false" | "0" => RowValue::Boolean(false),
        _ => RowValue::Fault(SheetFault::Unreadable),
    }
}

/// Returns the value of a time (XML Schema's duration). One of less than a day is a time of day, as
/// a workbook of Excel has it.
fn time_of(written: &str) -> RowValue {
    let Ok(time) = written.parse::<SignedDuration>() else {
        return RowValue::Fault(SheetFault::Unreadable);
    };
    if time.is_negative() || time >= SignedDuration::from_hours(24) {
        return RowValue::Fault(SheetFault::Duration);
    }
    RowValue::Time(time.as_secs_f64() / DAY_SECONDS)
}

/// Returns the value of a date. Its text takes the place of the cell's own, which begins at `start`.
fn date_value(written: &str, start: usize, text: &mut String) -> RowValue {
    if let Some(time) = day_zero(written) {
        return RowValue::Time(time);
    }
    text.truncate(start);
    text.push_str(&date_of(written));
    RowValue::IsoDate(start..text.len())
}

/// Returns the number of a date that is no day but a number below 1, which is displayed as a date. For
/// an empty date, many programs write 0.
fn day_zero(written: &str) -> Option<f64> {
    let time = parsed(written)?.duration_since(DAY_ZERO.to_datetime(Time::midnight()));
    let is_zero = !time.is_negative() && time < SignedDuration::from_hours(24);
    is_zero.then(|| time.as_secs_f64() / DAY_SECONDS)
}

/// Returns a date as it is written for the same cell of an Excel workbook: without its time at
/// midnight, and to the millisecond. Others, and those with a time zone, are kept.
fn date_of(written: &str) -> String {
    let rounded = parsed(written).and_then(|parsed| parsed.round(Unit::Millisecond).ok());
    let Some(rounded) = rounded else {
        return written.to_owned();
    };
    let (date, time) = (rounded.date(), rounded.time());
    match (time, time.millisecond()) {
        (time, _) if time == Time::midnight() => date.to_string(),
        (_, 0) => format!("{date}T{time:.0}"),
        _ => format!("{date}T{time:.3}"),
    }
}

/// Reads a date, with or without a time, in the form that the standard has: four digits of the year,
/// and no time zone.
fn parsed(written: &str) -> Option<DateTime> {
    let (date, time) = written.split_once('T').unwrap_or((written, ""));
    let is_plain = |byte| matches!(byte, b'0'..=b'9' | b':' | b'.');
    if date.len() != 10 || !time.bytes().all(is_plain) {
        return None;
    }
    written.parse().ok()
}
