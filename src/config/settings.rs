//! The settings as a whole: the layers in order, all groups read, and all problems found.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::conflicts;
use super::error::ConfigError;
use super::groups::api::ApiSettings;
use super::groups::input::InputSettings;
use super::groups::login::LoginSettings;
use super::groups::output::OutputSettings;
use super::groups::sandbox::SandboxSettings;
use super::groups::sending::SendingSettings;
use super::layer::{ConfigFile, FlagValue, Layer};
use super::provenance::{EffectiveSetting, Provenance};
use super::resolver::Resolver;
use super::verb::Verb;

/// What the command line says, before anything of it is checked.
pub struct CliInput {
    verb: Verb,
    files: Vec<PathBuf>,
    flags: Layer,
    /// The names of the settings that the verb has flags for.
    verb_settings: BTreeSet<String>,
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
    effective: Vec<EffectiveSetting>,
}

impl CliInput {
    /// `own` are the settings that the verb has flags for, and `flags` those of them that were given.
    pub fn new(
        verb: Verb,
        files: Vec<PathBuf>,
        verb_settings: BTreeSet<String>,
        flags: Vec<(String, FlagValue)>,
    ) -> Self {
        Self {
            verb,
            files,
            flags: Layer::flags(verb, flags),
            verb_settings,
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
        cli_input: CliInput,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<ConfigFile>,
    ) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut layers = vec![
            cli_input.flags,
            Layer::environment(environment, &mut problems),
        ];
        let path = file.as_ref().map(|file| file.path.clone());
        // What else is wrong depends on what the file was to say.
        let of_file = file
            .map(|file| Layer::file(file, &mut problems))
            .transpose();
        layers.extend(of_file.map_err(|problem| ConfigError::new(vec![problem]))?);
        let mut resolver = Resolver::new(cli_input.verb, cli_input.verb_settings, layers, problems);
        let mut settings = Self::read(&mut resolver, cli_input.files);
        conflicts::check(
            &mut resolver,
            &settings.api,
            &settings.input,
            &settings.output,
        );
        settings.effective = resolver.finish()?;
        settings.file = path;
        Ok(settings)
    }

    /// How an end is told of, whatever is wrong with the settings: what cannot be used is left out.
    pub fn output_alone(
        cli_input: CliInput,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<ConfigFile>,
    ) -> OutputSettings {
        let mut problems = Vec::new();
        let mut layers = vec![
            cli_input.flags,
            Layer::environment(environment, &mut problems),
        ];
        layers.extend(file.and_then(|file| Layer::file(file, &mut problems).ok()));
        OutputSettings::read(&mut Resolver::new(
            cli_input.verb,
            cli_input.verb_settings,
            layers,
            problems,
        ))
    }

    /// The settings of `verb` where nobody says anything: the source of every default that the help shows.
    pub fn defaults(verb: Verb) -> Vec<EffectiveSetting> {
        let mut resolver = Resolver::new(verb, BTreeSet::new(), Vec::new(), Vec::new());
        Self::read(&mut resolver, Vec::new());
        resolver.into_effective()
    }

    /// Not to be relied on before [`Resolver::finish`] found no problem.
    fn read(resolver: &mut Resolver, files: Vec<PathBuf>) -> Self {
        let input = InputSettings::read(resolver, files);
        let api = ApiSettings::read(resolver);
        Self {
            login: LoginSettings::read(resolver, api.plain_http),
            input,
            api,
            sending: SendingSettings::read(resolver),
            output: OutputSettings::read(resolver),
            sandbox: SandboxSettings::read(resolver),
            file: None,
            effective: Vec::new(),
        }
    }

    /// The configuration file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Who said what a setting is.
    pub fn provenance(&self, name: &str) -> &Provenance {
        Provenance::among(&self.effective, name)
    }

    /// Every setting with its value and where that came from, in the order of the groups.
    pub fn effective(&self) -> &[EffectiveSetting] {
        &self.effective
    }
}
