//! The layout of a sheet: the columns of its header and what they fill.

use crate::contract::FieldKind;
use crate::input::bytes::failed_rows::is_own;
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::constants::Constants;
use crate::input::mapping::header::Columns;
use crate::input::mapping::own_columns::{OwnKey, leading, number_of_column};
use crate::input::mapping::target::Target;

/// The columns of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetLayout {
    pub(crate) columns: Columns,
    by_place: Vec<SheetColumn>,
    /// The number of columns at the start that custsync added.
    own_columns: usize,
    pub(crate) mapping: MappingRules,
    /// The sheet's name as the workbook has it.
    sheet: String,
}

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SheetColumn {
    /// The name as JSON; `None` for a column without a name, or one that is left out by its number.
    key: Option<String>,
    meaning: ColumnMeaning,
    /// Whether custsync added the column.
    is_own: bool,
}

/// The meaning of a value in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnMeaning {
    /// It fills this target.
    Target(Target),
    /// custsync wrote it.
    Own(OwnKey),
    /// It makes the row invalid: the column has no name.
    Nothing,
}

impl SheetLayout {
    pub(crate) fn new(columns: Columns, mapping: &MappingRules, sheet: String) -> SheetLayout {
        let targets = columns.targets();
        let own_columns = leading(columns.names.iter().map(String::as_bytes));
        let by_place = targets.into_iter().zip(&columns.names).enumerate();
        let by_place = by_place.map(|(index, (target, name))| {
            if columns.nameless.contains(&index) || columns.numbered.contains(&index) {
                return SheetColumn {
                    key: None,
                    meaning: by_number(number_of_column(index, own_columns), mapping),
                    is_own: false,
                };
            }
            // A name that matched loosely is written as the name that it matched, so that the row
            // can be read again by exact names.
            let loose = columns.loose.iter().find(|loose| loose.index == index);
            let name = loose.map_or(name, |loose| &loose.matched_name);
            SheetColumn {
                key: Some(serde_json::to_string(name).expect("a text serialises")),
                meaning: match OwnKey::of(name, mapping) {
                    Some(own) => ColumnMeaning::Own(own),
                    None => ColumnMeaning::Target(target),
                },
                is_own: is_own_column(name, mapping),
            }
        });
        SheetLayout {
            by_place: by_place.collect(),
            own_columns,
            mapping: mapping.clone(),
            columns,
            sheet,
        }
    }

    /// Returns the number of columns in the header.
    pub(crate) fn len(&self) -> usize {
        self.by_place.len()
    }

    /// Returns the name of the column at this place, from 0, as JSON; `None` if it has none.
    pub(crate) fn key(&self, index: usize) -> Option<&str> {
        self.by_place.get(index)?.key.as_deref()
    }

    /// Returns the name of the column at this place, from 0; `column N` if it has none.
    pub(crate) fn name(&self, index: usize) -> String {
        match self.key(index).and(self.columns.names.get(index)) {
            Some(name) => name.clone(),
            None => self.name_by_number(index),
        }
    }

    /// Returns the name for the column at this place, from 0, if it has none. Columns that custsync
    /// added do not count.
    pub(crate) fn name_by_number(&self, index: usize) -> String {
        name_of_number(number_of_column(index, self.own_columns))
    }

    /// Returns the meaning of a value in the column at this place, from 0.
    pub(crate) fn meaning(&self, index: usize) -> ColumnMeaning {
        match self.by_place.get(index) {
            Some(column) => column.meaning,
            None => by_number(number_of_column(index, self.own_columns), &self.mapping),
        }
    }

    /// Whether custsync added the column at this place, from 0.
    pub(crate) fn is_own(&self, index: usize) -> bool {
        self.by_place.get(index).is_some_and(|column| column.is_own)
    }

    /// Whether the column at this place, from 0, fills a field with text.
    pub(crate) fn is_text(&self, index: usize) -> bool {
        match self.meaning(index) {
            ColumnMeaning::Target(Target::Field(field)) => {
                matches!(
                    field.rule().kind,
                    FieldKind::Text { .. } | FieldKind::Email { .. }
                )
            }
            ColumnMeaning::Target(Target::Id | Target::Since | Target::Ignored)
            | ColumnMeaning::Own(_)
            | ColumnMeaning::Nothing => false,
        }
    }

    /// Returns the number of columns at the start that custsync added.
    pub(crate) fn own_columns(&self) -> usize {
        self.own_columns
    }

    /// Returns the sheet's name as the workbook has it.
    pub(crate) fn sheet(&self) -> &str {
        &self.sheet
    }

    /// Returns the constants of every row.
    pub(crate) fn constants(&self) -> &Constants {
        self.mapping.constants()
    }
}

/// Whether custsync added a column or member of this name. The user may map or ignore one.
pub(crate) fn is_own_column(name: &str, mapping: &MappingRules) -> bool {
    is_own(name) && mapping.named(name).is_none()
}

fn name_of_number(number: usize) -> String {
    format!("column {number}")
}

/// Returns the meaning of a value in a column without a name. It may be ignored by its number.
#[cold]
fn by_number(number: usize, mapping: &MappingRules) -> ColumnMeaning {
    match mapping.named(&name_of_number(number)) {
        Some(target) => ColumnMeaning::Target(target),
        None => ColumnMeaning::Nothing,
    }
}
