//! Failed rows as rows of a sheet: custsync's columns, then the row's cells.

use std::fmt::Write as _;

use super::csv_form::without_quotes;
use super::remarks::{COLUMNS, Remarks};
use super::xml_text::{is_too_long, push_text};
use crate::input::{
    ColumnFit, HiddenFault, KeptRow, KeptValue, Layout, Overtaken, OwnPart, cell_place,
};

/// A cell's style, by its number in the styles of the workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As the value is.
    General,
    /// Text, also when the cell is typed again.
    Text,
    /// A date.
    Date,
    /// A date with a time to the second.
    Time,
    /// A date with a time to the millisecond.
    Milliseconds,
    /// A column's name.
    Header,
}

impl Style {
    /// Returns the style's number.
    pub(super) fn number(self) -> u8 {
        match self {
            Style::General => 0,
            Style::Text => 1,
            Style::Date => 2,
            Style::Time => 3,
            Style::Milliseconds => 4,
            Style::Header => 5,
        }
    }
}

/// The first number that would be written with needless digits.
const EXPONENT_FROM: f64 = 1e15;
const DAY_SECONDS: f64 = 86_400.0;

/// A row that is being written.
struct OpenRow {
    xml: String,
    number: u32,
}

/// Returns the header as the first row of the sheet.
pub(super) fn header(layout: &Layout) -> String {
    let mut row = OpenRow::new(1);
    let names = layout.kept_columns().unwrap_or_default();
    let names = COLUMNS
        .into_iter()
        .chain(names.iter().map(|column| column.name));
    for (column, name) in (1..).zip(names) {
        row.push_text(column, Style::Header, name);
    }
    row.finish()
}

/// Returns the fault of a row that its cells do not show: they would be read as a good row. `first`
/// is the fault that made the row invalid in the first input.
pub(super) fn hidden_fault(first: Option<HiddenFault>, kept: &KeptRow<'_>) -> Option<HiddenFault> {
    let is_cut = kept.cells.iter().any(|(_, value)| match value {
        KeptValue::Text(text) => is_too_long(text),
        KeptValue::Number(_)
        | KeptValue::Day(_)
        | KeptValue::IsoDate(_)
        | KeptValue::Boolean(_)
        | KeptValue::Error(_) => false,
    });
    match (first, kept.fit) {
        (Some(HiddenFault::Columns), ColumnFit::Long)
        | (None | Some(HiddenFault::Columns), ColumnFit::Short) => Some(HiddenFault::Columns),
        (None | Some(HiddenFault::Columns), _) if is_cut => Some(HiddenFault::TooLong),
        (None | Some(HiddenFault::Columns), ColumnFit::Even | ColumnFit::Long) => None,
        (Some(fault), _) => Some(fault),
    }
}

/// Formats a row as this row of the sheet.
pub(super) fn row(
    remarks: &Remarks,
    own: &OwnPart<'_>,
    cells: &[(usize, KeptValue<'_>)],
    layout: &Layout,
    number: u32,
) -> String {
    let place = own.place.as_deref().map(text_of);
    let unread = match &own.overtaken {
        Overtaken::Read(_) => None,
        Overtaken::Unread(text) => Some(text_of(text.as_bytes())),
    };
    let overtaken = remarks.withheld_names(unread).join(" ");
    let own_cells = [
        place.as_deref().unwrap_or(&remarks.place),
        remarks.outcome,
        &remarks.error,
        &overtaken,
    ];
    let mut row = OpenRow::new(number);
    for (column, text) in (1..).zip(own_cells) {
        row.push_text(column, Style::Text, text);
    }
    let columns = layout.kept_columns().unwrap_or_default();
    for (index, value) in cells {
        let is_text = columns.get(*index).is_some_and(|column| column.is_text);
        let column = u32::try_from(COLUMNS.len() + index + 1).unwrap_or(u32::MAX);
        row.push(column, value, is_text);
    }
    row.finish()
}

impl OpenRow {
    fn new(number: u32) -> OpenRow {
        OpenRow {
            xml: format!("<row r=\"{number}\">"),
            number,
        }
    }

    /// Adds a value in this column, from 1. `is_text` says whether the column is for text.
    fn push(&mut self, column: u32, value: &KeptValue<'_>, is_text: bool) {
        // The value keeps its type, and what is typed over it becomes text.
        let style = if is_text { Style::Text } else { Style::General };
        match value {
            KeptValue::Text(text) => self.push_text(column, Style::Text, text),
            KeptValue::Number(number) => self.push_value(column, style, "n", number),
            KeptValue::Day(day) => {
                let number = if day.abs() >= EXPONENT_FROM {
                    format!("{day:e}")
                } else {
                    day.to_string()
                };
                self.push_value(column, style_of(*day), "n", &number);
            }
            KeptValue::IsoDate(date) => {
                let mut text = String::new();
                push_text(&mut text, date);
                self.push_value(column, Style::Time, "d", &text);
            }
            // With a style of text, LibreOffice takes it for a number.
            KeptValue::Boolean(true) => self.push_value(column, Style::General, "b", "1"),
            KeptValue::Boolean(false) => self.push_value(column, Style::General, "b", "0"),
            KeptValue::Error(error) => self.push_value(column, style, "e", error),
        }
    }

    /// Adds a text. It is in the cell itself, so that no table of texts has to be held in memory.
    fn push_text(&mut self, column: u32, style: Style, text: &str) {
        if text.is_empty() {
            return;
        }
        self.open_cell(column, style, "inlineStr");
        self.xml.push_str("<is><t xml:space=\"preserve\">");
        push_text(&mut self.xml, text);
        self.xml.push_str("</t></is></c>");
    }

    fn push_value(&mut self, column: u32, style: Style, kind: &str, value: &str) {
        self.open_cell(column, style, kind);
        write!(self.xml, "<v>{value}</v></c>").expect("memory can be written");
    }

    fn open_cell(&mut self, column: u32, style: Style, kind: &str) {
        let place = cell_place(column, self.number);
        let style = style.number();
        write!(self.xml, "<c r=\"{place}\" s=\"{style}\" t=\"{kind}\">")
            .expect("memory can be written");
    }

    fn finish(mut self) -> String {
        self.xml.push_str("</row>");
        self.xml
    }
}

/// Returns the style that shows all of a day and its time.
fn style_of(day: f64) -> Style {
    let seconds = day * DAY_SECONDS;
    if day.fract() == 0.0 {
        Style::Date
    } else if (seconds - seconds.round()).abs() < 0.000_5 {
        Style::Time
    } else {
        Style::Milliseconds
    }
}

/// Returns the text of a cell of custsync's own: from JSON, or from CSV.
fn text_of(cell: &[u8]) -> String {
    serde_json::from_slice(cell).unwrap_or_else(|_| without_quotes(cell).into_owned())
}
