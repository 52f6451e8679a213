//! One source of settings: the flags, the environment or the file. The layers above do not see the
//! difference.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use super::error::Problem;
use super::names::{COMPLETION_INDEX, FINISH_PREFIX, SANDBOX_PREFIX, VARIABLE_PREFIX, variable_of};
use super::provenance::Provenance;
use super::value::ValueError;
use super::verb::Verb;

/// The TOML values that a setting of one value takes.
pub(super) const ONE_TEXT: &str = "text, a number, true or false";

/// A configuration file that the caller has read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// The path, as error messages show it.
    pub path: PathBuf,
    /// Its contents, which should be TOML.
    pub contents: String,
}

/// The value of a flag that was given.
#[derive(Debug, Clone)]
pub enum FlagValue {
    /// A text. Only the name of a file may be bytes that are not UTF-8.
    One(OsString),
    /// The items of a flag that can be repeated. A single empty item is the empty list.
    Many(Vec<String>),
}

/// One source. No `Debug`: the environment's holds secrets.
pub(super) struct Layer {
    source: Source,
    values: BTreeMap<String, RawValue>,
    /// Values that are not UTF-8. Only the names of files may be such values.
    not_utf8: BTreeMap<String, OsString>,
    /// The number of the pod, if an Indexed Job of Kubernetes started the process.
    completion_index: Option<String>,
}

enum Source {
    Flags(Verb),
    Environment,
    File(PathBuf),
}

/// A value as its source has it.
#[derive(Clone)]
pub(super) enum RawValue {
    /// One text. For a setting that is a list, its only item.
    Text(String),
    /// One text. For a setting that is a list, its items with commas between them.
    CommaSeparated(String),
    /// Several texts.
    List(Vec<String>),
    /// The keys and values of a table. The setting decides what they may be.
    Table(Vec<(String, RawValue)>),
}

impl Layer {
    /// The flags of `verb` that were given.
    pub(super) fn flags(verb: Verb, flags: Vec<(String, FlagValue)>) -> Self {
        let mut layer = Self::new(Source::Flags(verb));
        for (name, value) in flags {
            match value {
                FlagValue::One(value) => layer.insert_raw(name, value, RawValue::Text),
                // A single empty text overrides the list of a weaker source.
                FlagValue::Many(items) if items == [""] => {
                    layer
                        .values
                        .insert(name, RawValue::CommaSeparated(String::new()));
                }
                FlagValue::Many(items) => {
                    layer.values.insert(name, RawValue::List(items));
                }
            }
        }
        layer
    }

    /// Returns the variables that begin with `CUSTSYNC_`, and the number of a pod.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut layer = Self::new(Source::Environment);
        for (variable, value) in variables {
            let variable = variable.to_string_lossy();
            if variable == COMPLETION_INDEX {
                layer.completion_index = Some(value.to_string_lossy().into_owned());
            }
            let Some(suffix) = variable.strip_prefix(VARIABLE_PREFIX) else {
                continue;
            };
            if variable.starts_with(FINISH_PREFIX) || is_of_a_service(suffix, &value) {
                continue;
            }
            let name = name_of_variable(suffix);
            let canonical = variable_of(&name);
            if canonical != variable {
                // The choice between CUSTSYNC_RATE and CUSTSYNC_rate must not depend on their
                // order.
                problems.push(Problem::Unknown {
                    place: variable.into_owned(),
                    nearest: Some(canonical),
                });
                continue;
            }
            layer.insert_raw(name, value, RawValue::CommaSeparated);
        }
        layer
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            values: BTreeMap::new(),
            not_utf8: BTreeMap::new(),
            completion_index: None,
        }
    }

    fn insert_raw(&mut self, name: String, value: OsString, raw: impl FnOnce(String) -> RawValue) {
        match value.into_string() {
            Ok(text) => {
                self.values.insert(name, raw(text));
            }
            Err(value) => {
                self.not_utf8.insert(name, value);
            }
        }
    }

    /// Returns the keys of the file. The error: the file is not TOML, so its settings are unknown.
    pub(super) fn file(file: ConfigFile, problems: &mut Vec<Problem>) -> Result<Self, Problem> {
        let table: toml::Table = match file.contents.parse() {
            Ok(table) => table,
            Err(error) => return Err(Problem::syntax(&file.path, &file.contents, &error)),
        };
        let mut layer = Self::new(Source::File(file.path));
        for (name, value) in table {
            match RawValue::from_toml(value) {
                Ok(value) => {
                    layer.values.insert(name, value);
                }
                Err(error) => problems.push(Problem::Value {
                    place: layer.provenance(&name).place(&name),
                    error,
                }),
            }
        }
        Ok(layer)
    }

    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        self.values.get(name)
    }

    /// Returns the value of a setting if it is not UTF-8.
    pub(super) fn not_utf8(&self, name: &str) -> Option<&OsString> {
        self.not_utf8.get(name)
    }

    /// Returns the number of the pod, if this source knows it.
    pub(super) fn completion_index(&self) -> Option<&str> {
        self.completion_index.as_deref()
    }

    /// Whether this source has a value for a setting.
    pub(super) fn says(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.not_utf8.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.values
            .keys()
            .chain(self.not_utf8.keys())
            .map(String::as_str)
    }

    /// Returns the provenance of the setting `name`, as this source spells it.
    pub(super) fn provenance(&self, name: &str) -> Provenance {
        match &self.source {
            Source::Flags(verb) => Provenance::Flag(flag_of(*verb, name)),
            Source::Environment => Provenance::Environment(variable_of(name)),
            Source::File(path) => Provenance::File(path.clone()),
        }
    }

    /// Returns the spelling of `name` in this source, to replace a misspelt one.
    pub(super) fn spelling(&self, name: &str) -> String {
        match &self.source {
            Source::Flags(verb) => flag_of(*verb, name),
            Source::Environment => variable_of(name),
            Source::File(_) => name.to_owned(),
        }
    }

    /// Moves a secret out. It is never copied, so that it exists once.
    pub(super) fn take_secret(&mut self, name: &str) -> Option<String> {
        if let Some(secret) = self.not_utf8.remove(name) {
            // It is not a secret of this kind either, and is reported as such.
            return Some(secret.to_string_lossy().into_owned());
        }
        match self.values.remove(name)? {
            RawValue::CommaSeparated(secret) | RawValue::Text(secret) => Some(secret),
            RawValue::List(_) | RawValue::Table(_) => Some(String::new()),
        }
    }

    /// Returns the path, if this layer is a file.
    pub(super) fn file_path(&self) -> Option<&PathBuf> {
        match &self.source {
            Source::File(path) => Some(path),
            Source::Flags(_) | Source::Environment => None,
        }
    }
}

fn flag_of(verb: Verb, name: &str) -> String {
    let bare = match name.strip_prefix(SANDBOX_PREFIX) {
        Some(bare) if verb.drops_sandbox_prefix() => bare,
        _ => name,
    };
    format!("--{bare}")
}

/// Whether Kubernetes or Docker set the variable for a service named `custsync` or `custsync-…`, as
/// they do in each container: `CUSTSYNC_SERVICE_HOST`, `CUSTSYNC_PORT_443_TCP_ADDR`,
/// `CUSTSYNC_PORT=tcp://10.0.0.1:443`.
fn is_of_a_service(suffix: &str, value: &OsStr) -> bool {
    let has_address = || {
        let value = value.to_string_lossy();
        ["tcp://", "udp://", "sctp://"]
            .iter()
            .any(|scheme| value.starts_with(scheme))
    };
    let is_of = |part: &str| suffix.starts_with(part) || suffix.contains(&format!("_{part}"));
    let is_port = || suffix == "PORT" || suffix.ends_with("_PORT");
    is_of("SERVICE_HOST")
        || is_of("SERVICE_PORT")
        || is_of_a_port(suffix)
        || (is_port() && has_address())
}

/// Whether a variable describes a port of a service, as `PORT_443_TCP_ADDR` does.
fn is_of_a_port(suffix: &str) -> bool {
    let behind = suffix
        .strip_prefix("PORT_")
        .or_else(|| suffix.split_once("_PORT_").map(|(_, behind)| behind));
    let Some((number, protocol)) = behind.and_then(|behind| behind.split_once('_')) else {
        return false;
    };
    number.parse::<u16>().is_ok()
        && ["TCP", "UDP", "SCTP"]
            .iter()
            .any(|name| protocol.starts_with(name))
}

/// Returns the setting of a variable without its prefix: the inverse of [`variable_of`].
fn name_of_variable(suffix: &str) -> String {
    suffix.replace('_', "-").to_ascii_lowercase()
}

impl RawValue {
    fn from_toml(value: toml::Value) -> Result<Self, ValueError> {
        match value {
            toml::Value::Array(items) => {
                let items: Result<_, _> = items.into_iter().map(text_of).collect();
                items.map(Self::List)
            }
            toml::Value::Table(table) => {
                let pair = |(key, value)| Self::from_toml(value).map(|value| (key, value));
                let pairs: Result<_, _> = table.into_iter().map(pair).collect();
                pairs.map(Self::Table)
            }
            scalar => text_of(scalar).map(Self::Text),
        }
    }
}

/// Returns a TOML value as one text.
fn text_of(value: toml::Value) -> Result<String, ValueError> {
    let wanted = ONE_TEXT;
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Float(number) => Ok(number.to_string()),
        toml::Value::Boolean(on) => Ok(on.to_string()),
        toml::Value::Datetime(_) => Err(ValueError::WrongKind {
            wanted,
            found: "a date",
        }),
        toml::Value::Array(_) => Err(ValueError::WrongKind {
            wanted,
            found: "a list",
        }),
        toml::Value::Table(_) => Err(ValueError::WrongKind {
            wanted,
            found: "a table",
        }),
    }
}
