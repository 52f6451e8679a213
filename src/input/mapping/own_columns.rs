//! What custsync itself has written into a file of failed rows, found again when such a file is read: where a row stood in the
//! first input, and which of its fields later rows have set.
//!
//! Such a file is known by its beginning, whatever the settings say, and is read by its own layout: the settings of the layout
//! fit the first input.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input::bytes::failed_rows::{KEY, PREFIX, ROW_COLUMN};
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::{UnknownName, Withheld};

/// The one that names the fields that later rows have set.
const OVERTAKEN_COLUMN: &str = "custsync_overtaken";

/// The columns of a CSV input that custsync has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwnColumns {
    /// So many stand in front, where the first of them names the row.
    pub(crate) leading: usize,
    /// The column that names the overtaken fields, from 0. It counts wherever it stands.
    pub(crate) overtaken: Option<usize>,
}

impl OwnColumns {
    /// Those of a header with these names.
    pub(crate) fn of(names: &[String], rules: &MappingRules) -> OwnColumns {
        let overtaken = names
            .iter()
            .position(|name| name == OVERTAKEN_COLUMN && names_overtaken(name, rules));
        OwnColumns {
            leading: leading(names.iter().map(String::as_bytes)),
            overtaken,
        }
    }
}

/// How many columns stand in front of a header with these names that custsync has added.
pub(crate) fn leading<'n>(names: impl Iterator<Item = &'n [u8]>) -> usize {
    let mut names = names.peekable();
    match names.peek() {
        Some(first) if *first == ROW_COLUMN.as_bytes() => names
            .take_while(|name| name.starts_with(PREFIX.as_bytes()))
            .count(),
        Some(_) | None => 0,
    }
}

/// The number, from 1, by which users and messages know the column at this place, from 0, where so many of custsync's own stand in
/// front: a row's columns have the numbers that they had in the first input. Own columns have numbers among themselves.
pub(crate) fn number_of_column(index: usize, own_columns: usize) -> usize {
    index.checked_sub(own_columns).unwrap_or(index) + 1
}

/// What a key of this name says, where custsync has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnKey {
    /// All that is said of a row.
    Member,
    /// The overtaken fields, in a text: a file of failed rows that was made a workbook has it.
    Overtaken,
}

impl OwnKey {
    /// The own key of this name.
    pub(crate) fn of(name: &str, rules: &MappingRules) -> Option<OwnKey> {
        let key = match name {
            KEY => OwnKey::Member,
            OVERTAKEN_COLUMN => OwnKey::Overtaken,
            _ => return None,
        };
        names_overtaken(name, rules).then_some(key)
    }

    /// What its value withholds.
    pub(crate) fn withheld(self, json: &str) -> Result<Withheld, UnknownName> {
        match self {
            OwnKey::Member => withheld_in_member(json),
            OwnKey::Overtaken => match serde_json::from_str::<Option<String>>(json) {
                Ok(text) => Withheld::of_text(&text.unwrap_or_default()),
                Err(_) => Err(UnknownName),
            },
        }
    }
}

/// Whether a column or key is custsync's own: the user may map one of this name to a field.
fn names_overtaken(name: &str, rules: &MappingRules) -> bool {
    match rules.named(name) {
        None | Some(Target::Ignored) => true,
        Some(Target::Id | Target::Field(_)) => false,
    }
}

/// What the own member withholds. One that is no object was not written by custsync, and says nothing.
pub(crate) fn withheld_in_member(json: &str) -> Result<Withheld, UnknownName> {
    let Some(names) = Said::of(json).and_then(|said| said.overtaken) else {
        return Ok(Withheld::NOTHING);
    };
    let names: Vec<Cow<'_, str>> =
        serde_json::from_str(names.get()).map_err(|_error| UnknownName)?;
    Withheld::of_names(names.iter().map(AsRef::as_ref))
}

/// What the own member says, as far as it is read again.
#[derive(Deserialize)]
pub(crate) struct Said<'j> {
    #[serde(default, borrow)]
    pub(crate) row: Option<&'j RawValue>,
    #[serde(default, borrow)]
    pub(crate) overtaken: Option<&'j RawValue>,
}

impl Said<'_> {
    pub(crate) fn of(json: &str) -> Option<Said<'_>> {
        serde_json::from_str(json).ok()
    }
}
