//! The cells of a sheet in an XML part, row by row.

use std::io::Read;
use std::sync::Arc;

use super::texts::{decoded, read_text};
use crate::contract::SheetFault;
use crate::input::sheet::cells::{CellReader, Position, SheetSize, Value};
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::styles::Styles;
use crate::input::sheet::texts::{SharedStrings, TEXT_BYTES_MAX};
use crate::input::sheet::workbook::Results;
use crate::input::sheet::xml::{Node, Xml, attributes, is_true};

/// The cells of a sheet.
pub(super) struct Cells<R: Read> {
    xml: Xml<R>,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
    results: Results,
    position: Position,
    /// The number of hidden rows so far.
    hidden_rows: u64,
    value: String,
    inline: String,
}

/// The attributes of a cell, before its content.
#[derive(Debug, Clone, Copy, Default)]
struct CellHead {
    kind: CellKind,
    style: usize,
    column: u32,
}

/// The type of a cell's content (`ST_CellType`, ECMA-376 part 1 §18.18.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum CellKind {
    #[default]
    Number,
    /// The number of a shared string.
    Shared,
    /// The text itself, as the result of a formula.
    Text,
    /// The text itself, in runs.
    Inline,
    Boolean,
    Error,
    Date,
    /// An unknown type.
    Other,
}

/// The content of a cell.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says of one kind of content whether it is there"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct CellContent {
    has_value: bool,
    has_inline: bool,
    has_formula: bool,
    has_more: bool,
}

impl<R: Read> Cells<R> {
    /// Reads up to the start of the table.
    pub(super) fn of(
        mut xml: Xml<R>,
        texts: Arc<SharedStrings>,
        styles: Arc<Styles>,
        results: Results,
    ) -> Result<Cells<R>, PartFault> {
        loop {
            match xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "sheetData" => break,
                Node::EndOfPart => {
                    return Err(PartFault::unreadable(format!(
                        "{}: it has no table",
                        xml.part()
                    )));
                }
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => {}
            }
        }
        let (value, inline) = (String::new(), String::new());
        Ok(Cells {
            xml,
            texts,
            styles,
            results,
            position: Position::before(SheetSize::EXCEL_2007),
            hidden_rows: 0,
            value,
            inline,
        })
    }

    /// Reads the rest of the part after the table. It says nothing about rows, but must be
    /// complete.
    fn read_behind_table(&mut self) -> Result<(), PartFault> {
        loop {
            match self.xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "sheetData" => {
                    return Err(PartFault::unreadable("it has a second table"));
                }
                Node::EndOfPart => return Ok(()),
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => {}
            }
        }
    }

    fn next_head(&mut self) -> Result<Option<CellHead>, PartFault> {
        let part = self.xml.part();
        loop {
            match self.xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "c" => {
                    let mut head = CellHead {
                        column: self.position.column().saturating_add(1),
                        ..CellHead::default()
                    };
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("r", value) => head.column = column_of(&value, self.position.row())?,
                            ("s", value) => {
                                head.style = value.trim().parse().map_err(|_error| {
                                    PartFault::unreadable(format!(
                                        "a cell of row {} has a style that is not a number",
                                        self.position.row()
                                    ))
                                })?;
                            }
                            ("t", value) => head.kind = CellKind::of(&value),
                            _ => {}
                        }
                    }
                    return Ok(Some(head));
                }
                Node::Start(_) => self.xml.skip_element()?,
                Node::End { .. } | Node::EndOfPart => return Ok(None),
                Node::Text(_) | Node::Nothing => {}
            }
        }
    }

    /// Reads the content of a cell that has just begun.
    fn read_content(&mut self) -> Result<CellContent, PartFault> {
        enum Part {
            Value,
            Inline,
            Formula,
            Other,
        }
        self.value.clear();
        self.inline.clear();
        let mut content = CellContent::default();
        loop {
            let part = match self.xml.next()? {
                Node::Start(element) => match element.local_name().as_ref() {
                    "v" => Part::Value,
                    "is" => Part::Inline,
                    "f" => Part::Formula,
                    _ => Part::Other,
                },
                Node::End { .. } | Node::EndOfPart => return Ok(content),
                Node::Text(text) => {
                    content.has_more |= !text.trim().is_empty();
                    continue;
                }
                Node::Nothing => continue,
            };
            match part {
                Part::Value => {
                    content.has_more |= content.has_value;
                    content.has_value = true;
                    self.xml.text(&mut self.value, TEXT_BYTES_MAX)?;
                }
                Part::Inline => {
                    content.has_more |= content.has_inline;
                    content.has_inline = true;
                    read_text(&mut self.xml, &mut self.inline)?;
                }
                Part::Formula => {
                    content.has_formula = true;
                    self.xml.skip_element()?;
                }
                Part::Other => self.xml.skip_element()?,
            }
        }
    }

    /// Returns the value of a cell. Text in the wrong place is an error and never ignored.
    fn value_of(&mut self, head: CellHead, content: CellContent) -> Result<Value<'_>, PartFault> {
        let CellContent {
            has_value,
            has_inline,
            has_formula,
            has_more,
        } = content;
        if has_formula && self.results == Results::Pending {
            return Ok(Value::Fault(SheetFault::NoResult));
        }
        if has_more || (!self.value.is_empty() && !self.inline.is_empty()) {
            return Ok(Value::Fault(SheetFault::Unreadable));
        }
        if !self.inline.is_empty() {
            resolve(&mut self.inline);
            return Ok(Value::Text(&self.inline));
        }
        // The result of a formula may be empty text. A formula without a result has no value, or an
        // empty one without a type.
        let is_empty_text = (has_value && head.kind == CellKind::Text) || has_inline;
        if self.value.is_empty() {
            let lacks_result = has_formula && !is_empty_text;
            return Ok(if lacks_result {
                Value::Fault(SheetFault::NoResult)
            } else {
                Value::Empty
            });
        }
        if head.kind == CellKind::Text {
            resolve(&mut self.value);
            return Ok(Value::Text(&self.value));
        }
        let written = self.value.trim();
        Ok(match head.kind {
            CellKind::Shared => {
                let text = written.parse().ok().and_then(|index| self.texts.get(index));
                match text {
                    Some("") => Value::Empty,
                    Some(text) => Value::Text(text),
                    None => {
                        let (place, texts) = (self.position.place(head.column), self.texts.len());
                        let reason = format!(
                            "cell {place} refers to a text that does not exist: the workbook has {texts}"
                        );
                        return Err(PartFault::unreadable(reason));
                    }
                }
            }
            CellKind::Number => match written.parse::<f64>() {
                Ok(number) if !number.is_finite() => Value::Fault(SheetFault::Unreadable),
                Ok(number) if self.styles.is_date(head.style) => Value::Day(number),
                Ok(number) => Value::Number(number),
                Err(_) => Value::Fault(SheetFault::Unreadable),
            },
            CellKind::Boolean => match written {
                "1" | "true" | "TRUE" => Value::Boolean(true),
                "0" | "false" | "FALSE" => Value::Boolean(false),
                _ => Value::Fault(SheetFault::Unreadable),
            },
            CellKind::Error => Value::Fault(SheetFault::of_error(written)),
            CellKind::Date => Value::IsoDate(written),
            CellKind::Text | CellKind::Inline | CellKind::Other => {
                Value::Fault(SheetFault::Unreadable)
            }
        })
    }
}

impl<R: Read> CellReader for Cells<R> {
    fn next_row(&mut self) -> Result<Option<u32>, PartFault> {
        let part = self.xml.part();
        loop {
            let (mut row, mut is_hidden) = (self.position.row().saturating_add(1), false);
            match self.xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "row" => {
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("r", value) => row = row_number(value.trim())?,
                            ("hidden", value) => is_hidden = is_true(&value),
                            _ => {}
                        }
                    }
                }
                Node::Start(_) => {
                    self.xml.skip_element()?;
                    continue;
                }
                Node::End { .. } => {
                    self.read_behind_table()?;
                    return Ok(None);
                }
                Node::EndOfPart => return Ok(None),
                Node::Text(_) | Node::Nothing => continue,
            }
            self.position.enter_row(row)?;
            self.hidden_rows += u64::from(is_hidden);
            return Ok(Some(row));
        }
    }

    fn next_cell(&mut self) -> Result<Option<(u32, Value<'_>)>, PartFault> {
        let Some(head) = self.next_head()? else {
            return Ok(None);
        };
        self.position.enter_cell(head.column)?;
        let content = self.read_content()?;
        self.value_of(head, content)
            .map(|value| Some((head.column, value)))
    }

    fn hidden_rows(&self) -> u64 {
        self.hidden_rows
    }
}

impl CellKind {
    fn of(text: &str) -> CellKind {
        match text {
            "n" => CellKind::Number,
            "s" => CellKind::Shared,
            "str" => CellKind::Text,
            "inlineStr" => CellKind::Inline,
            "b" => CellKind::Boolean,
            "e" => CellKind::Error,
            "d" => CellKind::Date,
            _ => CellKind::Other,
        }
    }
}

/// Resolves the escapes of a text.
fn resolve(text: &mut String) {
    if let std::borrow::Cow::Owned(resolved) = decoded(text) {
        *text = resolved;
    }
}

fn row_number(text: &str) -> Result<u32, PartFault> {
    match text.parse() {
        Ok(0) | Err(_) => Err(PartFault::unreadable("a row has an invalid number")),
        Ok(row) => Ok(row),
    }
}

/// Returns the column of a cell with a name such as `AB12`, from 1. The cell must be in this row.
fn column_of(reference: &str, row: u32) -> Result<u32, PartFault> {
    let letters = reference
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let (letters, digits) = reference.split_at(letters);
    let is_named = (1..=7).contains(&letters.len())
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_named {
        return Err(PartFault::unreadable(format!(
            "a cell of row {row} has an invalid name"
        )));
    }
    if digits.parse() != Ok(row) {
        return Err(PartFault::unreadable(format!(
            "row {row} has a cell with the name of another row"
        )));
    }
    let column = letters
        .bytes()
        .map(|letter| u64::from(letter.to_ascii_uppercase() - b'A') + 1);
    let column = column.fold(0, |column: u64, letter| column * 26 + letter);
    Ok(u32::try_from(column).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
