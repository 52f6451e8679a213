//! Flags, environment, configuration file and defaults become checked settings: pure, so that every rule about who
//! beats whom is a table in a test.
//!
//! **A setting is defined once**, by the line in its group's `read` that names it, gives its default and parses it into
//! a field of the group. The line also says whether the setting belongs to the run, which is only continued with the same value,
//! or to the process. All else follows from the names that were read: which keys of the file and which variables
//! are known, what `custsync config` lists, which defaults the help shows. The compiler refuses a field that is not
//! read; a test compares the names with the flags.
//!
//! Adding a setting takes that field and line, and the flag with its help text in `args/flags.rs`.

pub mod api;
mod choice;
mod conflicts;
pub mod duration;
pub mod error;
pub mod input;
mod layer;
pub mod login;
pub mod output;
pub mod provenance;
mod reader;
pub mod sandbox;
pub mod sending;
mod setting;
mod tables;
#[cfg(test)]
mod tests;
pub mod value;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use self::api::ApiSettings;
use self::error::ConfigError;
use self::input::InputSettings;
use self::layer::Layer;
pub(crate) use self::layer::SANDBOX_PREFIX;
use self::login::LoginSettings;
use self::output::OutputSettings;
use self::provenance::{Provenance, SettingInForce};
use self::reader::Reader;
use self::sandbox::SandboxSettings;
use self::sending::SendingSettings;
pub use self::setting::{BelongsTo, Holds};

/// What the settings are for: a few defaults and rules depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Send the updates.
    Run,
    /// Read, map and validate only: `check`, and `run --dry-run`.
    Check,
    /// Serve the sandbox.
    Sandbox,
    /// Show the settings that `run` would use.
    Config,
    /// Log a person in.
    Login,
    /// Forget the login.
    Logout,
    /// Tell about the login.
    Token,
}

/// What the command line says, before anything of it is checked.
pub struct Typed {
    task: Task,
    files: Vec<PathBuf>,
    flags: Layer,
    /// The names of the settings that the task has flags for.
    own: BTreeSet<String>,
}

/// A configuration file that the caller has read.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Where it was read from, as error messages shall name it.
    pub path: PathBuf,
    /// Its text, which should be TOML.
    pub contents: String,
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
    /// `flags` serialises to a map from the settings' names to texts, lists of texts, `true`, `false` or a count. Null, an empty
    /// list and zero mean that the flag was not given, a list of one empty text that the list is empty.
    pub fn new(task: Task, files: Vec<PathBuf>, flags: &impl Serialize) -> Self {
        let (flags, own) = Layer::flags(task, flags);
        Self {
            task,
            files,
            flags,
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
    /// lists every problem found. Of environment and file, a task reads what it has flags for: nobody's sandbox is stopped by what a
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
        let mut reader = Reader::new(typed.task, typed.own, layers, problems);
        let mut settings = Self::read(&mut reader, typed.files);
        conflicts::check(&mut reader, &settings);
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
        OutputSettings::read(&mut Reader::new(typed.task, typed.own, layers, problems))
    }

    /// The settings of `task` where nobody says anything: the source of every default that the help shows.
    pub fn defaults(task: Task) -> Vec<SettingInForce> {
        let mut reader = Reader::new(task, BTreeSet::new(), Vec::new(), Vec::new());
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
