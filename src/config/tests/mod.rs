//! Tests of the three sources together.

mod notices;
mod precedence;
mod problems;
mod readers;
mod sandbox;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use super::error::ConfigError;
use super::provenance::EffectiveSetting;
use super::{CliInput, ConfigFile, FlagValue, Settings, Verb};

/// The contents of the three sources.
#[derive(Default)]
struct Scenario {
    flags: serde_json::Map<String, Value>,
    environment: BTreeMap<String, OsString>,
    file: Option<String>,
    files: Vec<PathBuf>,
}

impl Scenario {
    fn flag(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.flags.insert(name.to_owned(), value.into());
        self
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    fn toml(mut self, contents: &str) -> Self {
        self.file = Some(contents.to_owned());
        self
    }

    fn inputs(mut self, files: &[&str]) -> Self {
        self.files = files.iter().map(PathBuf::from).collect();
        self
    }

    fn resolve(self, verb: Verb) -> Result<Settings, ConfigError> {
        let file = self.file.map(|contents| ConfigFile {
            path: "custsync.toml".into(),
            contents,
        });
        let environment = self
            .environment
            .into_iter()
            .map(|(name, value)| (name.into(), value));
        let verb_settings = Settings::defaults(verb)
            .into_iter()
            .map(|setting| setting.name.to_owned());
        let flags = self
            .flags
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), flag_value(value)?)));
        let cli_input = CliInput::new(verb, self.files, verb_settings.collect(), flags.collect());
        Settings::resolve(cli_input, environment, file)
    }

    fn settings(self, verb: Verb) -> Settings {
        self.resolve(verb)
            .expect("the scenario's settings can be used")
    }

    /// The error's lines.
    fn problems(self, verb: Verb) -> Vec<String> {
        let error = self
            .resolve(verb)
            .expect_err("the scenario's settings cannot be used");
        assert_eq!(
            error.problems().len(),
            error.to_string().lines().count(),
            "{error}"
        );
        error.to_string().lines().map(str::to_owned).collect()
    }
}

/// The value of a flag; `None` where it was not given.
fn flag_value(value: &Value) -> Option<FlagValue> {
    match value {
        Value::Array(items) => {
            let items = items.iter().filter_map(Value::as_str);
            Some(FlagValue::Many(items.map(str::to_owned).collect()))
        }
        Value::Number(count) if count.as_u64() == Some(0) => None,
        Value::String(text) => Some(FlagValue::One(text.into())),
        other => Some(FlagValue::One(other.to_string().into())),
    }
}

fn effective(settings: &Settings, name: &str) -> EffectiveSetting {
    settings
        .effective()
        .iter()
        .find(|setting| setting.name == name)
        .expect(name)
        .clone()
}
