//! The layout of a sheet: the columns of its header and what they fill.

use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::constants::Constants;
use crate::input::mapping::header::Columns;
use crate::input::mapping::own_columns::OwnKey;
use crate::input::mapping::target::Target;

/// The columns of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetLayout {
    pub(crate) columns: Columns,
    by_place: Vec<SheetColumn>,
    pub(crate) mapping: MappingRules,
}

/// A column of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SheetColumn {
    /// The name as JSON; `None` for a column without a name, or one that is left out by its number.
    key: Option<String>,
    meaning: ColumnMeaning,
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
    pub(crate) fn new(columns: Columns, mapping: &MappingRules) -> SheetLayout {
        let targets = columns.targets();
        let by_place = targets.into_iter().zip(&columns.names).enumerate();
        let by_place = by_place.map(|(index, (target, name))| {
            if columns.nameless.contains(&index) || columns.numbered.contains(&index) {
                return SheetColumn {
                    key: None,
                    meaning: by_number(index, mapping),
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
            }
        });
        SheetLayout {
            by_place: by_place.collect(),
            mapping: mapping.clone(),
            columns,
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
            None => name_by_number(index),
        }
    }

    /// Returns the meaning of a value in the column at this place, from 0.
    pub(crate) fn meaning(&self, index: usize) -> ColumnMeaning {
        match self.by_place.get(index) {
            Some(column) => column.meaning,
            None => by_number(index, &self.mapping),
        }
    }

    /// Returns the constants of every row.
    pub(crate) fn constants(&self) -> &Constants {
        self.mapping.constants()
    }
}

/// Returns the name for a column without a name.
pub(crate) fn name_by_number(index: usize) -> String {
    format!("column {}", index + 1)
}

/// Returns the meaning of a value in a column without a name. It may be ignored by its number.
#[cold]
fn by_number(index: usize, mapping: &MappingRules) -> ColumnMeaning {
    match mapping.named(&name_by_number(index)) {
        Some(target) => ColumnMeaning::Target(target),
        None => ColumnMeaning::Nothing,
    }
}
