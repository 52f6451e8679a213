//! The layout of a JSON input: its keys and what they fill.

use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::mapping::columns::{MappingRules, Unmapped};
use crate::input::mapping::constants::Constants;
use crate::input::mapping::target::Target;
use crate::input::ndjson::records::Framing;

/// The keys of a JSON input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NdjsonLayout {
    /// All keys that fill a field or are ignored by name.
    keys: Vec<KnownKey>,
    mapping: MappingRules,
    pub(crate) origin: Origin,
    pub(crate) bom: Bom,
    pub(crate) framing: Framing,
}

/// A key and its target.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownKey {
    name: String,
    /// The name as JSON, in quotes.
    json: String,
    target: Target,
}

impl NdjsonLayout {
    pub(crate) fn new(
        mapping: &MappingRules,
        framing: Framing,
        origin: Origin,
        bom: Bom,
    ) -> NdjsonLayout {
        let unnamed = Target::api_names().filter(|name| mapping.named(name).is_none());
        let unnamed =
            unnamed.filter_map(|name| Target::of_api_name(name).map(|target| (name, target)));
        let keys = unnamed
            .chain(mapping.columns())
            .map(|(name, target)| KnownKey {
                name: name.to_owned(),
                json: serde_json::to_string(name).expect("a text serialises") + ":",
                target,
            });
        let keys = keys.collect();
        NdjsonLayout {
            keys,
            mapping: mapping.clone(),
            origin,
            bom,
            framing,
        }
    }

    /// Returns the user's rules for keys.
    pub(crate) fn mapping(&self) -> &MappingRules {
        &self.mapping
    }

    /// Returns the constants of every row.
    pub(crate) fn constants(&self) -> &Constants {
        self.mapping.constants()
    }

    /// Returns the target of a key that is known by its exact spelling, and the key's place among
    /// all.
    pub(crate) fn known_target(&self, key: &str) -> Option<(Target, usize)> {
        let place = self.keys.iter().position(|known| known.name == key)?;
        self.keys.get(place).map(|known| (known.target, place))
    }

    /// Returns the target of the key at this place among all, if `json` starts with it and a
    /// colon, and the length of both there, with the quotes.
    #[inline]
    pub(crate) fn expected_key(&self, place: usize, json: &[u8]) -> Option<(Target, usize)> {
        let key = self.keys.get(place)?;
        json.starts_with(key.json.as_bytes())
            .then_some((key.target, key.json.len()))
    }

    /// Returns the target of a key.
    pub(crate) fn target(&self, key: &str) -> Result<Target, Unmapped> {
        match self.known_target(key) {
            Some((target, _)) => Ok(target),
            None => self.mapping.target(key),
        }
    }
}
