//! What an input's records look like: known once its header is read, and shared by all who parse its blocks.

use bytes::Bytes;
use serde::Deserialize;

use crate::contract::{Cell, SheetFault};

use crate::text::is_same_name;

use super::constants::Constants;
use super::decode::Encoding;
use super::dialect::{Delimiter, Dialect};
use super::format::Format;
use super::header::Columns;
use super::mapping::{MappingRules, Target, Unmapped, number_of_column};
use super::own::{Origin, OwnColumns};
use super::stream::EncodingChoice;
use super::uneven::Ragged;

/// How the records of one input are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Delimited fields below a header.
    Csv(CsvLayout),
    /// One JSON object a line.
    Ndjson(NdjsonLayout),
}

/// The columns of a CSV input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvLayout {
    pub(super) dialect: Dialect,
    pub(super) ragged: Ragged,
    pub(super) header: Bytes,
    pub(super) columns: Columns,
    pub(super) own: OwnColumns,
    pub(super) mark: Mark,
}

/// The keys of an NDJSON input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NdjsonLayout {
    /// All keys that fill something or are ignored by name.
    keys: Vec<Key>,
    mapping: MappingRules,
    origin: Origin,
    mark: Mark,
    text_of: TextOf,
}

/// What has written the objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextOf {
    /// Whatever the user has.
    Input,
    /// custsync itself, for the rows of a workbook.
    Sheet,
}

/// A key, and what it fills.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    name: String,
    /// The name as JSON, in quotes.
    json: String,
    target: Target,
}

/// Whether a file of the input's rows in UTF-8 has to begin with a byte order mark, so that it is read as UTF-8 with the same
/// settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// UTF-8 is what is expected, and the input has none.
    Unneeded,
    /// The settings name another encoding, or the input has one or such a mark itself.
    Needed,
}

impl Mark {
    pub(super) fn of(encoding: Option<Encoding>, choice: EncodingChoice) -> Mark {
        let named = match choice {
            EncodingChoice::Auto => None,
            EncodingChoice::Named(named) => Some(named).filter(|named| *named != Encoding::UTF_8),
        };
        if encoding.is_some() || named.is_some() {
            Mark::Needed
        } else {
            Mark::Unneeded
        }
    }
}

impl Layout {
    /// The input's format.
    pub fn format(&self) -> Format {
        match self {
            Layout::Csv(csv) => Format::Csv(csv.dialect),
            Layout::Ndjson(_) => Format::Ndjson,
        }
    }

    /// Whether the input holds its rows for the first time.
    pub fn origin(&self) -> Origin {
        match self {
            Layout::Csv(csv) if csv.own.leading > 0 => Origin::FailedRows,
            Layout::Csv(_) => Origin::First,
            Layout::Ndjson(ndjson) => ndjson.origin,
        }
    }

    /// Whether a file of its rows has to begin with a byte order mark.
    pub fn mark(&self) -> Mark {
        match self {
            Layout::Csv(csv) => csv.mark,
            Layout::Ndjson(ndjson) => ndjson.mark,
        }
    }

    /// Whether a column or key of this name may be in the input.
    pub(super) fn may_have(&self, name: &str) -> bool {
        match self {
            Layout::Csv(csv) => {
                let Columns { names, loosely, .. } = &csv.columns;
                names.iter().any(|column| is_same_name(column, name))
                    || loosely.iter().any(|column| column.taken_for == name)
                    || number_of_column(name)
                        .is_some_and(|number| number <= names.len() - csv.own.leading)
            }
            Layout::Ndjson(_) => true,
        }
    }
}

impl CsvLayout {
    /// The byte between two fields.
    pub fn delimiter(&self) -> Delimiter {
        self.dialect.delimiter
    }

    /// How its records are cut into cells.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// So many columns stand in front that custsync has added.
    pub fn own_columns(&self) -> usize {
        self.own.leading
    }

    /// The columns' names, in order.
    pub fn names(&self) -> &[String] {
        &self.columns.names
    }

    /// The header as it stands in the input, without its line end and without the columns that custsync put in front.
    pub fn header(&self) -> &[u8] {
        &self.header
    }
}

/// The fault of a cell that is written as an object (`{"error":"#N/A"}`).
#[cold]
fn fault_in(json: &str) -> SheetFault {
    #[derive(Deserialize)]
    struct Named<'j> {
        error: &'j str,
    }
    serde_json::from_str(json).map_or(SheetFault::Unreadable, |named: Named<'_>| {
        SheetFault::from_name(named.error)
    })
}

impl NdjsonLayout {
    pub(super) fn new(mapping: &MappingRules, origin: Origin, mark: Mark) -> NdjsonLayout {
        let unnamed = Target::api_names().filter(|name| mapping.named(name).is_none());
        let unnamed =
            unnamed.filter_map(|name| Target::of_api_name(name).map(|target| (name, target)));
        let keys = unnamed.chain(mapping.columns()).map(|(name, target)| Key {
            name: name.to_owned(),
            json: serde_json::to_string(name).expect("a text serialises"),
            target,
        });
        let keys = keys.collect();
        NdjsonLayout {
            keys,
            mapping: mapping.clone(),
            origin,
            mark,
            text_of: TextOf::Input,
        }
    }

    /// The same for the rows of a workbook: what is wrong with a cell is said as one says it there.
    pub(super) fn of_sheet(self) -> NdjsonLayout {
        NdjsonLayout {
            text_of: TextOf::Sheet,
            ..self
        }
    }

    /// What a number says.
    pub(super) fn number<'b>(&self, json: &'b str) -> Cell<'b> {
        match self.text_of {
            TextOf::Input => Cell::Number(json),
            TextOf::Sheet => Cell::SheetNumber(json),
        }
    }

    /// Whether its objects are rows of a workbook: a key that is not among the header's is `column N`, for a column without a name.
    pub(super) fn is_of_sheet(&self) -> bool {
        self.text_of == TextOf::Sheet
    }

    /// What an array or object says.
    pub(super) fn nested(&self, json: &str) -> Cell<'static> {
        match self.text_of {
            TextOf::Input => Cell::Nested,
            TextOf::Sheet => Cell::SheetFault(fault_in(json)),
        }
    }

    /// What the user says of keys.
    pub(super) fn mapping(&self) -> &MappingRules {
        &self.mapping
    }

    /// What every row is given.
    pub(super) fn constants(&self) -> &Constants {
        self.mapping.constants()
    }

    /// What a key fills that is known as it is written, and where it stands among all.
    pub(super) fn known_target(&self, key: &str) -> Option<(Target, usize)> {
        let place = self.keys.iter().position(|known| known.name == key)?;
        self.keys.get(place).map(|known| (known.target, place))
    }

    /// What the key at this place among all fills, where `json` starts with it, and how long it is there, in quotes.
    #[inline]
    pub(super) fn expected_key(&self, place: usize, json: &[u8]) -> Option<(Target, usize)> {
        let key = self.keys.get(place)?;
        json.starts_with(key.json.as_bytes())
            .then_some((key.target, key.json.len()))
    }

    /// What a key fills.
    pub(super) fn target(&self, key: &str) -> Result<Target, Unmapped> {
        match self.known_target(key) {
            Some((target, _)) => Ok(target),
            None => self.mapping.target(key),
        }
    }
}
