//! The columns and members that custsync adds to failed rows, recognised when such a file is read
//! again: the row's place in the first input, and the fields that later rows set.
//!
//! A file of failed rows is recognised by its first bytes, whatever the settings say, and has its
//! own layout: the settings for the layout are meant for the first input.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::input::bytes::failed_rows::{KEY, PREFIX, ROW_COLUMN};
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::{UnknownName, Withheld};

/// The column that names the fields that later rows set.
const OVERTAKEN_COLUMN: &str = "custsync_overtaken";

/// The columns of a CSV input that custsync added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwnColumns {
    /// The number of these columns at the start, if the first of them names the row.
    pub(crate) leading: usize,
    /// The column that names the overtaken fields, from 0. It counts in any place.
    pub(crate) overtaken: Option<usize>,
}

impl OwnColumns {
    /// Returns the own columns of a header with these names.
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

/// Returns the number of columns at the start of a header with these names that custsync added.
pub(crate) fn leading<'n>(names: impl Iterator<Item = &'n [u8]>) -> usize {
    let mut names = names.peekable();
    match names.peek() {
        Some(first) if *first == ROW_COLUMN.as_bytes() => names
            .take_while(|name| name.starts_with(PREFIX.as_bytes()))
            .count(),
        Some(_) | None => 0,
    }
}

/// Returns the number, from 1, that users and messages use for the column at this place, from 0. A
/// row's columns keep the numbers of the first input; the `own_columns` at the start are numbered
/// separately.
pub(crate) fn number_of_column(index: usize, own_columns: usize) -> usize {
    index.checked_sub(own_columns).unwrap_or(index) + 1
}

/// The meaning of a key that custsync wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnKey {
    /// The object that holds all of custsync's part of a row.
    Member,
    /// The overtaken fields, as text: in a file of failed rows that was converted to a workbook.
    Overtaken,
}

impl OwnKey {
    /// Returns the own key of this name.
    pub(crate) fn of(name: &str, rules: &MappingRules) -> Option<OwnKey> {
        let key = match name {
            KEY => OwnKey::Member,
            OVERTAKEN_COLUMN => OwnKey::Overtaken,
            _ => return None,
        };
        names_overtaken(name, rules).then_some(key)
    }

    /// Returns what its value withholds.
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

/// Whether a column or key is custsync's own. The user may map one of this name to a field.
fn names_overtaken(name: &str, rules: &MappingRules) -> bool {
    match rules.named(name) {
        None | Some(Target::Ignored) => true,
        Some(Target::Id | Target::Field(_) | Target::Since) => false,
    }
}

/// Returns what the own member withholds; nothing if it is not an object, because custsync did not
/// write it.
pub(crate) fn withheld_in_member(json: &str) -> Result<Withheld, UnknownName> {
    let Some(names) = Said::of(json).and_then(|said| said.overtaken) else {
        return Ok(Withheld::NOTHING);
    };
    let names: Vec<Cow<'_, str>> =
        serde_json::from_str(names.get()).map_err(|_error| UnknownName)?;
    Withheld::of_names(names.iter().map(AsRef::as_ref))
}

/// The parts of the own member that are read again.
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
