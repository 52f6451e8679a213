//! The settings as a whole: the layers in order, all groups read, and all problems found.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::api::ApiSettings;
use super::conflicts;
use super::error::ConfigError;
use super::input::InputSettings;
use super::layer::{ConfigFile, FlagValue, Layer};
use super::login::LoginSettings;
use super::output::OutputSettings;
use super::provenance::{Provenance, SettingInForce};
use super::reader::Reader;
use super::sandbox::SandboxSettings;
use super::sending::SendingSettings;
use super::verb::Verb;

/// What the command line says, before anything of it is checked.
pub struct Typed {
    verb: Verb,
    files: Vec<PathBuf>,
    flags: Layer,
    /// The names of the settings that the verb has flags for.
    own: BTreeSet<String>,
}

/// Settings that can be relied on: each value is within its range, and no two contradict each other.
#[derive(Debug)]
pub struct Settings {
    /// What is read, and how.
    pub input: InputSettings,
    /// Whom to send to, and as whom.
    pub api: ApiSettings,
    /// How fast, how often, how long.
    pub sending: SendingSettings,
    /// What is written and shown.
    pub output: OutputSettings,
    /// How a person logs in.
    pub login: LoginSettings,
    /// How the local server behaves, where one is started.
    pub sandbox: SandboxSettings,
    file: Option<PathBuf>,
    in_force: Vec<SettingInForce>,
}

impl Typed {
    /// `own` are the settings that the verb has flags for, and `flags` those of them that were given.
    pub fn new(
        verb: Verb,
        files: Vec<PathBuf>,
        own: BTreeSet<String>,
        flags: Vec<(String, FlagValue)>,
    ) -> Self {
        Self {
            verb,
            files,
            flags: Layer::flags(verb, flags),
            own,
        }
    }

    /// The files that are to be read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

impl Settings {
    /// The settings that hold: a flag beats the environment, which beats the file, which beats the default. The error
    /// lists every problem found. Of environment and file, a verb reads what it has flags for: nobody's sandbox is stopped by what a
    /// run could not use.
    ///
    /// Of `environment`, only the variables that start with `CUSTSYNC_` are looked at.
    pub fn resolve(
        typed: Typed,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<ConfigFile>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut layers = vec![typed.flags, Layer::environment(environment, &mut problems)];
        let path = file.as_ref().map(|file| file.path.clone());
        // What else is wrong depends on what the file was to say.
        let of_file = file
            .map(|file| Layer::file(file, &mut problems))
            .transpose();
        layers.extend(of_file.map_err(|problem| ConfigError::new(vec![problem]))?);
        let mut reader = Reader::new(typed.verb, typed.own, layers, problems);
        let mut settings = Self::read(&mut reader, typed.files);
        conflicts::check(
            &mut reader,
            &settings.api,
            &settings.input,
            &settings.output,
        );
        settings.in_force = reader.finish()?;
        settings.file = path;
        Ok(settings)
    }

    /// How an end is told of, whatever is wrong with the settings: what cannot be used is left out.
    pub fn output_alone(
        typed: Typed,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<ConfigFile>,
    ) -> OutputSettings {
        let mut problems = Vec::new();
        let mut layers = vec![typed.flags, Layer::environment(environment, &mut problems)];
        layers.extend(file.and_then(|file| Layer::file(file, &mut problems).ok()));
        OutputSettings::read(&mut Reader::new(typed.verb, typed.own, layers, problems))
    }

    /// The settings of `verb` where nobody says anything: the source of every default that the help shows.
    pub fn defaults(verb: Verb) -> Vec<SettingInForce> {
        let mut reader = Reader::new(verb, BTreeSet::new(), Vec::new(), Vec::new());
        Self::read(&mut reader, Vec::new());
        reader.into_in_force()
    }

    /// Not to be relied on before [`Reader::finish`] found no problem.
    fn read(reader: &mut Reader, files: Vec<PathBuf>) -> Self {
        let input = InputSettings::read(reader, files);
        let api = ApiSettings::read(reader);
        Self {
            login: LoginSettings::read(reader, api.plain_http),
            input,
            api,
            sending: SendingSettings::read(reader),
            output: OutputSettings::read(reader),
            sandbox: SandboxSettings::read(reader),
            file: None,
            in_force: Vec::new(),
        }
    }

    /// The configuration file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Who said what a setting is.
    pub fn provenance(&self, name: &str) -> &Provenance {
        Provenance::among(&self.in_force, name)
    }

    /// Every setting with its value and where that came from, in the order of the groups.
    pub fn in_force(&self) -> &[SettingInForce] {
        &self.in_force
    }
}
