//! The reading of a record's cells (`--explain`), as the reader tells it.

use std::borrow::Cow;

use crate::contract::{Cell, ErrorCode, Field, FieldSet, ValueRules, field_value, id_value};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::constants::Constants;
use crate::input::mapping::target::Target;

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

/// The cells of one record, in the order in which the reader takes them.
pub(crate) struct ExplainedCells<'r> {
    rules: &'r CellRules,
    values: &'r ValueRules,
    cells: Vec<ExplainedCell>,
}

impl<'r> ExplainedCells<'r> {
    /// Returns the cells of a record that is about to be read by these rules.
    pub(crate) fn of(rules: &'r CellRules, values: &'r ValueRules) -> ExplainedCells<'r> {
        ExplainedCells {
            rules,
            values,
            cells: Vec::new(),
        }
    }

    /// Adds a cell with its text as JSON, and its meaning. `None` if it is left out.
    pub(crate) fn add(
        &mut self,
        name: String,
        json: String,
        target: Target,
        cell: Option<Cell<'_>>,
    ) {
        let result = self.result(target, cell);
        self.push(CellSource::Input(name), json, result);
    }

    /// Adds a cell whose name is that of no field.
    pub(crate) fn add_unknown(&mut self, name: String, json: String) {
        self.push(CellSource::Input(name), json, CellResult::NoField);
    }

    fn push(&mut self, source: CellSource, text: String, result: CellResult) {
        self.cells.push(ExplainedCell {
            source,
            text,
            result,
        });
    }

    /// Returns the cells and the constants of the record. Fields that are `left_out` because later
    /// rows set them are marked as overtaken.
    pub(crate) fn finish(
        mut self,
        constants: &Constants,
        left_out: FieldSet,
    ) -> Vec<ExplainedCell> {
        for (field, text) in constants.texts() {
            let target = Target::Field(field);
            let cell = self.rules.cell(target, Cow::Borrowed(text));
            let result = self.result(target, cell);
            self.push(CellSource::Constant, json_text(text), result);
        }
        for cell in &mut self.cells {
            if let Some(field) = cell.field().filter(|field| left_out.contains(*field)) {
                cell.result = CellResult::Overtaken(field);
            }
        }
        self.cells
    }

    fn result(&self, target: Target, cell: Option<Cell<'_>>) -> CellResult {
        match (target, cell) {
            (Target::Since | Target::Ignored, _) => CellResult::Ignored,
            (Target::Id, cell) => CellResult::Id(
                id_value(cell, self.values)
                    .map(|id| id.to_string())
                    .map_err(|error| error.code),
            ),
            (Target::Field(field), None) => CellResult::LeftOut(field),
            (Target::Field(field), Some(cell)) => CellResult::Value(
                field,
                field_value(field, cell, self.values).map_err(|error| error.code),
            ),
        }
    }
}

/// Returns a text as JSON.
pub(crate) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text serialises")
}
