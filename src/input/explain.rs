//! Explains how a record was read, cell by cell (`--explain`). Rows that are not explained never
//! come here.

use std::borrow::Cow;

use bytes::Bytes;

use crate::contract::{Cell, ErrorCode, Field, FieldSet, field_value, id_value};

use crate::input::blocks::block::Block;
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::{CsvRecord, CsvRecords};
use crate::input::csv::rows::cell;
use crate::input::layout::Layout;
use crate::input::mapping::record::RowRules;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::OvertakenRule;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::ndjson::members::Members;
use crate::input::ndjson::object;
use crate::input::options::Ragged;
use crate::input::own_part::{Overtaken, own_part};

/// A cell, a member of an object, or a constant, and how it was used. It holds a customer's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCell {
    /// The cell's source.
    pub source: CellSource,
    /// The text of the cell, as JSON.
    pub text: String,
    /// The use of the cell.
    pub result: CellResult,
}

/// The source of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellSource {
    /// A column, or a member, of this name.
    Input(String),
    /// `--set`.
    Constant,
}

/// The use of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellResult {
    /// Ignored: by the user, or because custsync added it.
    Ignored,
    /// No field has its name, so the row is invalid.
    NoField,
    /// The cell is empty, so its field is left out of the request.
    LeftOut(Field),
    /// A later row of the customer sets the field, so it is left out of the request.
    Overtaken(Field),
    /// The customer's id, or the rule that it breaks.
    Id(Result<String, ErrorCode>),
    /// The value of the field, as JSON, or the rule that it breaks.
    Value(Field, Result<String, ErrorCode>),
}

impl ExplainedCell {
    /// Returns the field that the cell fills or leaves out.
    pub fn field(&self) -> Option<Field> {
        match self.result {
            CellResult::LeftOut(field)
            | CellResult::Overtaken(field)
            | CellResult::Value(field, _) => Some(field),
            CellResult::Ignored | CellResult::NoField | CellResult::Id(_) => None,
        }
    }
}

/// Returns the cells of a record with these bytes, and the constants that apply to it. Empty if the
/// cells cannot be told apart: the record is ragged, or is no JSON object.
pub fn explain_record(raw: &[u8], layout: &Layout, rules: &RowRules) -> Vec<ExplainedCell> {
    let (cells, constants) = match layout {
        Layout::Csv(layout) => (explain_csv(raw, layout, rules), &layout.columns.constants),
        Layout::Ndjson(layout) => (explain_ndjson(raw, layout, rules), layout.constants()),
    };
    let Some(mut cells) = cells else {
        return Vec::new();
    };
    cells.extend(constants.texts().map(|(field, text)| {
        let target = Target::Field(field);
        let result = result(target, rules.cells.cell(target, Cow::Borrowed(text)), rules);
        ExplainedCell {
            source: CellSource::Constant,
            text: json_text(text),
            result,
        }
    }));
    let overtaken = overtaken(raw, layout, rules);
    for cell in &mut cells {
        if let Some(field) = cell.field().filter(|field| overtaken.contains(*field)) {
            cell.result = CellResult::Overtaken(field);
        }
    }
    cells
}

/// Returns the fields that are left out because later rows set them.
fn overtaken(raw: &[u8], layout: &Layout, rules: &RowRules) -> FieldSet {
    match (rules.overtaken, own_part(raw, layout).overtaken) {
        (OvertakenRule::LeaveOut, Overtaken::Read(withheld)) => withheld.fields,
        (OvertakenRule::LeaveOut, Overtaken::Unread(_)) | (OvertakenRule::Send, _) => {
            FieldSet::EMPTY
        }
    }
}

fn explain_csv(raw: &[u8], layout: &CsvLayout, rules: &RowRules) -> Option<Vec<ExplainedCell>> {
    let block = Block::new(Bytes::copy_from_slice(raw), 1, 0);
    let mut records = CsvRecords::of(&block, layout.dialect);
    let is_told_apart = |record: &CsvRecord<'_, '_>| {
        let is_even = record.columns() == layout.names().len() || layout.ragged == Ragged::Pad;
        is_even && record.quote_fault().is_none()
    };
    let record = records.next().filter(is_told_apart)?;
    let explained = layout
        .names()
        .iter()
        .zip(record.unquoted())
        .enumerate()
        .map(|(column, (name, text))| {
            let target = layout
                .columns
                .mapped
                .iter()
                .find(|(mapped, _)| *mapped == column);
            let target = target.map_or(Target::Ignored, |(_, target)| *target);
            let cell = cell(&record, column, target, &rules.cells);
            let text = json_text(&String::from_utf8_lossy(&text));
            ExplainedCell {
                source: CellSource::Input(name.clone()),
                text,
                result: result(target, cell, rules),
            }
        });
    Some(explained.collect())
}

fn explain_ndjson(
    raw: &[u8],
    layout: &NdjsonLayout,
    rules: &RowRules,
) -> Option<Vec<ExplainedCell>> {
    let Members(members) = serde_json::from_slice(raw).ok()?;
    let mut seen = Vec::new();
    let explained = members.into_iter().map(|(name, value)| {
        let json = value.get();
        let result = match layout.target(&name) {
            Err(_) => CellResult::NoField,
            Ok(target) => result(
                target,
                member(target, json, layout, rules, &mut seen),
                rules,
            ),
        };
        ExplainedCell {
            source: CellSource::Input(name),
            text: json.to_owned(),
            result,
        }
    });
    Some(explained.collect())
}

/// Explains a member, given those before it.
fn member<'b>(
    target: Target,
    json: &'b str,
    layout: &NdjsonLayout,
    rules: &'b RowRules,
    seen: &mut Vec<Target>,
) -> Option<Cell<'b>> {
    let is_repeated = seen.contains(&target);
    seen.push(target);
    match target {
        Target::Field(field) if layout.constants().has(field) => Some(Cell::AlsoSet),
        Target::Id | Target::Field(_) if is_repeated => Some(Cell::Repeated),
        Target::Id | Target::Field(_) | Target::Ignored => {
            object::cell(json, target, layout, &rules.cells)
        }
    }
}

fn result(target: Target, cell: Option<Cell<'_>>, rules: &RowRules) -> CellResult {
    match (target, cell) {
        (Target::Ignored, _) => CellResult::Ignored,
        (Target::Id, cell) => CellResult::Id(
            id_value(cell, &rules.values)
                .map(|id| id.to_string())
                .map_err(|error| error.code),
        ),
        (Target::Field(field), None) => CellResult::LeftOut(field),
        (Target::Field(field), Some(cell)) => CellResult::Value(
            field,
            field_value(field, cell, &rules.values).map_err(|error| error.code),
        ),
    }
}

fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text serialises")
}
