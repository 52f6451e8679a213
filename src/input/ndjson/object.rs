//! The members of an NDJSON object, and how they fill the builder of an update.

use crate::nearest::did_you_mean;
use std::borrow::Cow;
use std::fmt;

use memchr::memchr;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::contract::{Cell, ErrorCode, FIELDS, UpdateBuilder};

use crate::input::mapping::cell_rules::CellRules;
use crate::input::mapping::cell_writer::CellWriter;
use crate::input::mapping::columns::Unmapped;
use crate::input::mapping::explained::ExplainedCells;
use crate::input::mapping::names;
use crate::input::mapping::own_columns::OwnKey;
use crate::input::mapping::target::Target;
use crate::input::mapping::withheld::{OvertakenRule, withhold};
use crate::input::ndjson::layout::NdjsonLayout;

/// The number of unknown keys of a row that are named; the others are counted.
const UNKNOWN_KEYS_MAX: usize = 8;

/// Takes the members of an object in order.
pub(crate) struct Object<'d, 'b> {
    layout: &'b NdjsonLayout,
    pub(crate) writer: CellWriter<'b>,
    overtaken: OvertakenRule,
    /// The builder that the members fill.
    builder: &'d mut UpdateBuilder<'b>,
    /// A bit for each target whose key has occurred, whatever its value.
    seen: u32,
    unknown: usize,
    /// Explains the members that the general parser takes.
    explained: Option<&'d mut ExplainedCells<'b>>,
}

impl<'d, 'b> Object<'d, 'b> {
    pub(crate) fn new(
        builder: &'d mut UpdateBuilder<'b>,
        layout: &'b NdjsonLayout,
        writer: CellWriter<'b>,
        overtaken: OvertakenRule,
    ) -> Object<'d, 'b> {
        builder.clear();
        layout.constants().fill(builder, writer.rules());
        Object {
            layout,
            writer,
            overtaken,
            builder,
            seen: 0,
            unknown: 0,
            explained: None,
        }
    }

    /// Starts again with an empty builder.
    pub(crate) fn restarted(self) -> Object<'d, 'b> {
        Object::new(self.builder, self.layout, self.writer, self.overtaken)
    }

    /// Returns an object that explains its members there.
    pub(crate) fn explained_in(self, cells: &'d mut ExplainedCells<'b>) -> Object<'d, 'b> {
        Object {
            explained: Some(cells),
            ..self
        }
    }

    /// Returns the layout of the keys.
    pub(crate) fn layout(&self) -> &'b NdjsonLayout {
        self.layout
    }

    /// Takes a member. `said` converts its value.
    pub(crate) fn take(
        &mut self,
        target: Target,
        said: impl FnOnce(&'b CellRules) -> Option<Cell<'b>>,
    ) {
        let cell = self
            .claim(target)
            .map_or_else(Some, |()| said(self.writer.rules()));
        CellWriter::write(self.builder, target, cell);
    }

    /// Takes a member of this name and value, as the general parser reads them.
    fn take_json(&mut self, name: String, target: Target, json: &'b str) {
        let said = match self.claim(target) {
            Ok(()) => cell(json, target, self.writer.rules()),
            Err(fault) => Some(fault),
        };
        if let Some(explained) = &mut self.explained {
            explained.add(name, json.to_owned(), target, said.clone());
        }
        CellWriter::write(self.builder, target, said);
    }

    /// Takes a member whose value is this string.
    pub(crate) fn take_text(&mut self, target: Target, text: &'b str) {
        match self.claim(target) {
            Ok(()) if self.writer.block_has_odd_text() => {
                self.writer.write_odd_text(self.builder, target, text);
            }
            Ok(()) => self.writer.write_text(self.builder, target, text),
            Err(fault) => CellWriter::write(self.builder, target, Some(fault)),
        }
    }

    /// Takes a member that custsync wrote into a failed row.
    fn take_own(&mut self, key: OwnKey, json: &str) {
        withhold(key.withheld(json), self.overtaken, self.builder);
    }

    /// Claims a target for a member. `Err` holds the fault if another member or `--set` fills it
    /// too.
    fn claim(&mut self, target: Target) -> Result<(), Cell<'b>> {
        let (bit, is_set) = match target {
            Target::Ignored => return Ok(()),
            Target::Id => (1, false),
            Target::Since => (2 << FIELDS.len(), false),
            Target::Field(field) => (2 << field.index(), self.layout.constants().has(field)),
        };
        let is_repeated = self.seen & bit != 0;
        self.seen |= bit;
        match (is_set, is_repeated) {
            (true, _) => Err(Cell::AlsoSet),
            (false, true) => Err(Cell::Repeated),
            (false, false) => Ok(()),
        }
    }

    pub(crate) fn report_more_unknown_keys(&mut self) {
        if self.unknown > UNKNOWN_KEYS_MAX {
            let message = format!("has {} more unknown keys", self.unknown - UNKNOWN_KEYS_MAX);
            self.builder.add_row_error(ErrorCode::Columns, message);
        }
    }
}

impl<'b> Visitor<'b> for &mut Object<'_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut members: A) -> Result<(), A::Error> {
        let mut place = 1;
        let mut name = self.explained.is_some().then(String::new);
        while let Some(key) = members.next_key_seed(KeySeed {
            layout: self.layout,
            place,
            name: name.as_mut(),
        })? {
            place += 1;
            let name = name.as_mut().map(std::mem::take).unwrap_or_default();
            match key {
                KeyMeaning::Target(target) => {
                    let json: &'b RawValue = members.next_value()?;
                    self.take_json(name, target, json.get());
                }
                KeyMeaning::Own(key) => {
                    let json: &'b RawValue = members.next_value()?;
                    self.take_own(key, json.get());
                    if let Some(explained) = &mut self.explained {
                        explained.add(name, json.get().to_owned(), Target::Ignored, None);
                    }
                }
                KeyMeaning::Nothing(message) => {
                    let json: &'b RawValue = members.next_value()?;
                    self.unknown += 1;
                    if self.unknown <= UNKNOWN_KEYS_MAX {
                        self.builder.add_row_error(ErrorCode::Columns, message);
                    }
                    if let Some(explained) = &mut self.explained {
                        explained.add_unknown(name, json.get().to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}

/// The meaning of a key.
enum KeyMeaning {
    /// The value fills this target.
    Target(Target),
    /// custsync wrote the member.
    Own(OwnKey),
    /// The key makes the row invalid; the message says why.
    Nothing(String),
}

/// Reads a key and finds its meaning.
struct KeySeed<'p> {
    layout: &'p NdjsonLayout,
    /// The key's place in the object, from 1.
    place: usize,
    /// Takes the key itself.
    name: Option<&'p mut String>,
}

impl<'b> DeserializeSeed<'b> for KeySeed<'_> {
    type Value = KeyMeaning;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = KeyMeaning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        if let Some(name) = self.name {
            key.clone_into(name);
        }
        if let Some(own) = OwnKey::of(key, self.layout.mapping()) {
            return Ok(KeyMeaning::Own(own));
        }
        let shown = |near: bool| names::unknown_key(key, near, self.place);
        Ok(match self.layout.target(key) {
            Ok(target) => KeyMeaning::Target(target),
            Err(Unmapped::Unknown(nearest)) => KeyMeaning::Nothing(format!(
                "has {}, which is not a field of the API{} (--map KEY=FIELD maps it, --ignore KEY leaves it out)",
                shown(nearest.is_some()),
                did_you_mean(nearest)
            )),
            Err(Unmapped::ReadOnly) => KeyMeaning::Nothing(format!(
                "has {}, which cannot be set: the API only returns it (--ignore KEY leaves it out)",
                shown(true)
            )),
        })
    }
}

/// Converts a member's value to a cell. `json` is one well-formed JSON value.
fn cell<'b>(json: &'b str, target: Target, rules: &'b CellRules) -> Option<Cell<'b>> {
    match json.as_bytes() {
        [b'"', ..] => match unescaped(json) {
            Some(text) => rules.cell(target, text),
            None => Some(Cell::HalfCharacter),
        },
        [b'n', ..] => Some(Cell::Null),
        [b't' | b'f', ..] => rules.word(target, json, Cell::Boolean),
        [b'{' | b'[', ..] => Some(Cell::Nested),
        _ => rules.word(target, json, Cell::Number(json)),
    }
}

/// Returns the text of a JSON string, or `None` if it is not valid Unicode (half of a surrogate
/// pair, RFC 8259 §8.2).
fn unescaped(json: &str) -> Option<Cow<'_, str>> {
    let inside = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or_default();
    if memchr(b'\\', inside.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}
