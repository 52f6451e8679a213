//! Resolves settings from the layers, one after the other. A setting becomes known by being read,
//! which is how unknown names are found, and how `custsync config` has its list.
//!
//! A value that cannot be used is reported and replaced by the default, so that every problem is
//! found at once. [`Resolver::finish`] returns no settings with problems.

use secrecy::SecretString;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::duration::duration_in;
use super::error::{ConfigError, Problem};
use super::layer::{Layer, RawValue};
use super::names::SECRETS;
use super::provenance::{EffectiveSetting, Provenance, ShownValue};
use super::setting::{Setting, of_process};
use super::value::{self, ValueError};
use super::verb::Verb;
use crate::nearest::nearest;
use crate::text;

/// The layers, and the settings and problems found so far.
pub(super) struct Resolver {
    verb: Verb,
    /// The settings that the verb has flags for.
    verb_settings: BTreeSet<String>,
    /// The strongest first.
    layers: Vec<Layer>,
    effective: Vec<EffectiveSetting>,
    problems: Vec<Problem>,
}

/// An item of a list, with the key that it applies to.
pub(super) struct Entry {
    /// `None` where the item has no `=`.
    pub(super) key: Option<String>,
    pub(super) value: String,
}

/// The `=` at which an item is split.
#[derive(Clone, Copy)]
pub(super) enum Split {
    /// The first. Only the value may contain others.
    First,
    /// The last. Only the key may contain others.
    Last,
}

impl Resolver {
    pub(super) fn new(
        verb: Verb,
        verb_settings: BTreeSet<String>,
        layers: Vec<Layer>,
        problems: Vec<Problem>,
    ) -> Self {
        Self {
            verb,
            verb_settings,
            layers,
            effective: Vec::new(),
            problems,
        }
    }

    /// Whether the verb reads a setting.
    fn is_read(&self, name: &str) -> bool {
        self.verb_settings.contains(name) || self.verb.reads_without_flag(name)
    }

    /// Returns the strongest source of a setting, if the verb reads the setting.
    fn strongest(&self, name: &str) -> Option<&Layer> {
        self.layers
            .iter()
            .find(|layer| layer.says(name))
            .filter(|_| self.is_read(name))
    }

    pub(super) fn verb(&self) -> Verb {
        self.verb
    }

    /// Returns the number of the pod, if an Indexed Job of Kubernetes started the process.
    pub(super) fn completion_index(&self) -> Option<&str> {
        self.layers.iter().find_map(Layer::completion_index)
    }

    /// Reads a setting that always has a value. `parse` must accept `default`.
    pub(super) fn one<T>(
        &mut self,
        setting: Setting,
        default: &str,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> T {
        let default_value =
            || parse(default).expect("the default of a setting is a value that it takes");
        match self.single(setting, ShownValue::One(default.to_owned())) {
            Some(text) => self
                .ok_or_report(setting.name, parse(&text))
                .unwrap_or_else(default_value),
            None => default_value(),
        }
    }

    /// Reads a duration that must lie in `range`.
    pub(super) fn duration(
        &mut self,
        setting: Setting,
        default: &str,
        range: &RangeInclusive<Duration>,
    ) -> Duration {
        self.one(setting, default, |text| Ok(duration_in(range, text)?))
    }

    /// Reads a whole number that must lie in `range`.
    pub(super) fn number<T: FromStr + PartialOrd + Display>(
        &mut self,
        setting: Setting,
        default: &str,
        range: RangeInclusive<T>,
    ) -> T {
        self.one(setting, default, value::number_in(range))
    }

    /// Reads a setting that is unset by the word `none`, which is the default.
    pub(super) fn or_none<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        self.one(setting, value::NONE, value::or_none(parse))
    }

    /// Reads a setting that may be unset.
    pub(super) fn optional<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Option<T> {
        let text = self.single(setting, ShownValue::Unset)?;
        self.ok_or_report(setting.name, parse(&text))
    }

    /// Reads a path, which may be unset. The file need not exist. Only a path may hold bytes that
    /// are not UTF-8, as file names may.
    pub(super) fn path(&mut self, setting: Setting) -> Option<PathBuf> {
        let strongest = self.strongest(setting.name);
        let Some((layer, bytes)) =
            strongest.and_then(|layer| Some((layer, layer.not_utf8(setting.name)?)))
        else {
            return self.optional(setting, |text| value::non_empty(text).map(PathBuf::from));
        };
        let (path, provenance) = (PathBuf::from(bytes), layer.provenance(setting.name));
        self.record(setting, ShownValue::One(text::safe_path(&path)), provenance);
        Some(path)
    }

    /// Reads a setting that is on or off. The default is off.
    pub(super) fn boolean(&mut self, setting: Setting) -> bool {
        let is_on = self.one(setting, "false", value::boolean);
        // `1` and `true` are the same value, also when runs are compared.
        if let Some(EffectiveSetting {
            value: shown @ ShownValue::One(_),
            ..
        }) = self.effective.last_mut()
        {
            *shown = ShownValue::One(is_on.to_string());
        }
        is_on
    }

    /// Reads a setting that can be repeated. The default is the empty list.
    pub(super) fn list<T>(
        &mut self,
        setting: Setting,
        parse: impl Fn(&str) -> Result<T, ValueError>,
    ) -> Vec<T> {
        let items = self.items(setting, |items| split_at_commas(&items));
        items
            .iter()
            .filter_map(|item| self.ok_or_report(setting.name, parse(item)))
            .collect()
    }

    /// Finds the items of a setting that can be repeated; `split` cuts those in one text.
    fn items(
        &mut self,
        setting: Setting,
        split: impl FnOnce(String) -> Vec<String>,
    ) -> Vec<String> {
        match self.find(setting, ShownValue::Many(Vec::new())) {
            None => Vec::new(),
            Some(RawValue::Text(item)) => vec![item],
            Some(RawValue::CommaSeparated(items)) => split(items),
            Some(RawValue::List(items)) => items,
            Some(RawValue::Table(_)) => {
                self.report_value(
                    setting.name,
                    ValueError::WrongKind {
                        wanted: "a list",
                        found: "a table",
                    },
                );
                Vec::new()
            }
        }
    }

    /// Reads a list of names, each of which may contain commas. An item is returned whole, and
    /// shown split at its commas.
    pub(super) fn names(&mut self, setting: Setting) -> Vec<String> {
        // The empty text is the empty list here, too.
        let items = self.items(setting, |items| {
            if items.is_empty() {
                Vec::new()
            } else {
                vec![items]
            }
        });
        if let Some(EffectiveSetting {
            value: shown @ ShownValue::Many(_),
            ..
        }) = self.effective.last_mut()
        {
            *shown = ShownValue::Many(
                items
                    .iter()
                    .flat_map(|item| split_at_commas(item))
                    .collect(),
            );
        }
        items
            .iter()
            .filter_map(|item| self.ok_or_report(setting.name, value::non_empty(item)))
            .collect()
    }

    /// Reads a setting whose items may be `KEY=VALUE`, or a table in the file. Keys must be unique.
    pub(super) fn entries(
        &mut self,
        setting: Setting,
        default: &[&str],
        split: Split,
    ) -> Vec<Entry> {
        let default: Vec<String> = default.iter().map(|item| (*item).to_owned()).collect();
        let items = match self.find(setting, ShownValue::Many(default.clone())) {
            None => default,
            Some(RawValue::Text(item)) => vec![item],
            Some(RawValue::CommaSeparated(items)) => split_at_commas(&items),
            Some(RawValue::List(items)) => items,
            Some(RawValue::Table(pairs)) => {
                let pairs = self.texts_of(setting.name, pairs);
                return pairs
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key: Some(key),
                        value,
                    })
                    .collect();
            }
        };
        let mut keys = BTreeSet::new();
        let mut entries = Vec::new();
        for item in items {
            let entry = Entry::from_item(&item, split);
            if keys.insert(entry.key.clone()) {
                entries.push(entry);
            } else {
                self.report_value(
                    setting.name,
                    ValueError::Twice(entry.key.unwrap_or(entry.value)),
                );
            }
        }
        entries
    }

    /// Reads a secret, which only the environment may hold.
    pub(super) fn secret(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<SecretString, ValueError>,
    ) -> Option<SecretString> {
        let (mut found, is_read) = (None, self.is_read(name));
        for layer in &mut self.layers {
            let Some(secret) = layer.take_secret(name) else {
                continue;
            };
            match layer.file_path() {
                Some(path) => self.problems.push(Problem::SecretInFile {
                    path: path.clone(),
                    name,
                }),
                None => found = Some((secret, layer.provenance(name))),
            }
        }
        let Some((secret, provenance)) = found.filter(|_| is_read) else {
            self.record(of_process(name), ShownValue::Unset, Provenance::Default);
            return None;
        };
        self.record(of_process(name), ShownValue::Secret, provenance);
        let secret = parse(&secret);
        self.ok_or_report(name, secret)
    }

    /// Compares the sources of two settings that were read: the stronger is the greater.
    pub(super) fn compare_sources(&self, one: &str, other: &str) -> Ordering {
        self.provenance(one)
            .rank()
            .cmp(&self.provenance(other).rank())
    }

    /// Returns the provenance of a setting that was read.
    pub(super) fn provenance(&self, name: &str) -> &Provenance {
        Provenance::among(&self.effective, name)
    }

    /// Returns the place of a setting that was read, for an error message.
    pub(super) fn place(&self, name: &str) -> String {
        self.provenance(name).place(name)
    }

    /// Returns the settings read so far that were given by a flag, with their flags.
    pub(super) fn flags_used(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.effective
            .iter()
            .filter_map(|setting| match &setting.provenance {
                Provenance::Flag(flag) => Some((setting.name, flag.clone())),
                Provenance::Default | Provenance::File(_) | Provenance::Environment(_) => None,
            })
    }

    /// Whether a problem with the value of `name` was reported.
    pub(super) fn is_reported(&self, name: &str) -> bool {
        let wanted = self.place(name);
        self.problems
            .iter()
            .any(|problem| matches!(problem, Problem::Value { place, .. } if *place == wanted))
    }

    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reports that the value of `name` cannot be used.
    pub(super) fn report_value(&mut self, name: &str, error: ValueError) {
        let place = self.place(name);
        self.problems.push(Problem::Value { place, error });
    }

    /// Returns the value, or reports the error.
    pub(super) fn ok_or_report<T>(
        &mut self,
        name: &str,
        value: Result<T, ValueError>,
    ) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(error) => {
                self.report_value(name, error);
                None
            }
        }
    }

    /// Returns every setting that was read. The error lists all problems, unknown names among them.
    pub(super) fn finish(mut self) -> Result<Vec<EffectiveSetting>, ConfigError> {
        let known: Vec<&str> = self.effective.iter().map(|setting| setting.name).collect();
        for layer in &self.layers {
            for name in layer.names().filter(|name| !known.contains(name)) {
                // A secret is never suggested where it is refused.
                let candidates = known.iter().copied().filter(|candidate| {
                    !SECRETS.contains(candidate) || layer.file_path().is_none()
                });
                self.problems.push(Problem::Unknown {
                    place: layer.provenance(name).place(name),
                    nearest: nearest(name, candidates).map(|candidate| layer.spelling(candidate)),
                });
            }
        }
        if self.problems.is_empty() {
            return Ok(self.effective);
        }
        Err(ConfigError::new(self.problems))
    }

    /// Returns every setting that was read, whatever the problems.
    pub(super) fn into_effective(self) -> Vec<EffectiveSetting> {
        self.effective
    }

    /// Returns the strongest value of a setting that takes one value, or `None` if there is no
    /// usable value.
    fn single(&mut self, setting: Setting, default: ShownValue) -> Option<String> {
        match self.find(setting, default)? {
            RawValue::Text(text) | RawValue::CommaSeparated(text) => Some(text),
            value @ (RawValue::List(_) | RawValue::Table(_)) => {
                self.report_value(
                    setting.name,
                    ValueError::WrongKind {
                        wanted: "one value",
                        found: value.kind(),
                    },
                );
                None
            }
        }
    }

    /// Returns the strongest value of a setting, and records the setting.
    pub(super) fn find(&mut self, setting: Setting, default: ShownValue) -> Option<RawValue> {
        let Some(layer) = self.strongest(setting.name) else {
            self.record(setting, default, Provenance::Default);
            return None;
        };
        let provenance = layer.provenance(setting.name);
        let Some(value) = layer.get(setting.name).cloned() else {
            self.record(setting, default, provenance);
            self.report_value(setting.name, ValueError::NotUtf8);
            return None;
        };
        let shown = match default {
            ShownValue::Many(_) => ShownValue::Many(value.items()),
            ShownValue::Unset | ShownValue::One(_) | ShownValue::Secret => {
                ShownValue::One(value.items().join(", "))
            }
        };
        self.record(setting, shown, provenance);
        Some(value)
    }

    fn record(&mut self, setting: Setting, value: ShownValue, provenance: Provenance) {
        let Setting { name, belongs_to } = setting;
        self.effective.push(EffectiveSetting {
            name,
            belongs_to,
            value,
            provenance,
        });
    }
}

impl Entry {
    fn from_item(item: &str, split: Split) -> Self {
        let parts = match split {
            Split::First => item.split_once('='),
            Split::Last => item.rsplit_once('='),
        };
        match parts {
            Some((key, value)) => Self {
                key: Some(key.to_owned()),
                value: value.to_owned(),
            },
            None => Self {
                key: None,
                value: item.to_owned(),
            },
        }
    }
}

/// Splits a text at its commas. The empty text is the empty list, so that a variable can empty a
/// list of the file.
pub(super) fn split_at_commas(items: &str) -> Vec<String> {
    if items.is_empty() {
        return Vec::new();
    }
    items.split(',').map(str::to_owned).collect()
}
