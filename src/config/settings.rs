//! The settings as a whole: the layers in order, all groups, and all problems.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::conflicts;
use super::error::ConfigError;
use super::groups::api::ApiSettings;
use super::groups::input::InputSettings;
use super::groups::login::LoginSettings;
use super::groups::nightly::NightlySettings;
use super::groups::notices::NoticeSettings;
use super::groups::output::OutputSettings;
use super::groups::plan::PlanSettings;
use super::groups::preview::PreviewSettings;
use super::groups::sandbox::SandboxSettings;
use super::groups::sending::SendingSettings;
use super::groups::shard;
use super::groups::sharing::SharingSettings;
use super::layer::{ConfigFile, FlagValue, Layer};
use super::provenance::{EffectiveSetting, Provenance};
use super::resolver::Resolver;
use super::verb::Verb;
use crate::journal::Shard;

/// The command line, before it is checked.
pub struct CliInput {
    verb: Verb,
    files: Vec<PathBuf>,
    flags: Layer,
    /// The names of the settings that the verb has flags for.
    verb_settings: BTreeSet<String>,
}

/// Checked settings: each value is within its range, and no two contradict each other.
#[derive(Debug)]
pub struct Settings {
    /// The inputs, and the rules for reading them.
    pub input: InputSettings,
    /// The API to send to, and the credentials.
    pub api: ApiSettings,
    /// Rates, attempts, limits and waits.
    pub sending: SendingSettings,
    /// The rate that several processes share.
    pub sharing: SharingSettings,
    /// Runs that send what has changed since the last one.
    pub nightly: NightlySettings,
    /// Runs that send what a plan holds, and checks that write one.
    pub plan: PlanSettings,
    /// The customers that a preview reads, and its expectation.
    pub preview: PreviewSettings,
    /// The part of the rows that this process sends; without it, all of them.
    pub shard: Option<Shard>,
    /// The output: files, stdout, the log and the terminal.
    pub output: OutputSettings,
    /// The notices of a start and an end.
    pub notices: NoticeSettings,
    /// The login of a person.
    pub login: LoginSettings,
    /// The behaviour of the sandbox, if one is started.
    pub sandbox: SandboxSettings,
    file: Option<PathBuf>,
    effective: Vec<EffectiveSetting>,
}

impl CliInput {
    /// `verb_settings` are the settings that the verb has flags for, and `flags` those that were
    /// given.
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
    /// Resolves the settings: a flag beats the environment, which beats the file, which beats the
    /// default. The error lists every problem. From the environment and the file, a verb reads only
    /// the settings that it has flags for, so that a bad value for a run does not stop a sandbox.
    ///
    /// Only the variables in `environment` that start with `CUSTSYNC_` are read.
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
        // Further problems depend on the contents of the file.
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
        conflicts::check_copies(&mut resolver, &settings.notices.publish);
        conflicts::check_state(&mut resolver, &settings.input, &settings.nightly);
        conflicts::check_fill(&mut resolver, &settings.sending, &settings.nightly);
        conflicts::check_plan(
            &mut resolver,
            &settings.plan,
            &settings.preview,
            &settings.nightly,
        );
        conflicts::check_canary(&mut resolver, &settings.sending);
        conflicts::check_shard(&mut resolver, settings.shard, &settings.output);
        settings.effective = resolver.finish()?;
        settings.file = path;
        Ok(settings)
    }

    /// Resolves the settings for reporting an end. Values that cannot be used are left out.
    pub fn of_an_end(
        cli_input: CliInput,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<ConfigFile>,
    ) -> (OutputSettings, NoticeSettings) {
        let mut problems = Vec::new();
        let mut layers = vec![
            cli_input.flags,
            Layer::environment(environment, &mut problems),
        ];
        layers.extend(file.and_then(|file| Layer::file(file, &mut problems).ok()));
        let mut resolver = Resolver::new(cli_input.verb, cli_input.verb_settings, layers, problems);
        let api = ApiSettings::read(&mut resolver);
        let shard = shard::read(&mut resolver);
        let output = OutputSettings::read(&mut resolver, shard);
        let notices = NoticeSettings::read(&mut resolver, &api, &output);
        (output, notices)
    }

    /// Returns the default settings of `verb`, which the help shows.
    pub fn defaults(verb: Verb) -> Vec<EffectiveSetting> {
        let mut resolver = Resolver::new(verb, BTreeSet::new(), Vec::new(), Vec::new());
        Self::read(&mut resolver, Vec::new());
        resolver.into_effective()
    }

    /// Reads all groups. Values are placeholders until [`Resolver::finish`] succeeds.
    fn read(resolver: &mut Resolver, files: Vec<PathBuf>) -> Self {
        let mut input = InputSettings::read(resolver, files);
        let api = ApiSettings::read(resolver);
        let login = LoginSettings::read(resolver, api.plain_http);
        let sending = SendingSettings::read(resolver);
        input.share(resolver, &api, sending.max_wait);
        let shard = shard::read(resolver);
        let output = OutputSettings::read(resolver, shard);
        let notices = NoticeSettings::read(resolver, &api, &output);
        Self {
            login,
            input,
            api,
            sending,
            sharing: SharingSettings::read(resolver),
            nightly: NightlySettings::read(resolver, shard),
            plan: PlanSettings::read(resolver),
            preview: PreviewSettings::read(resolver),
            shard,
            output,
            notices,
            sandbox: SandboxSettings::read(resolver),
            file: None,
            effective: Vec::new(),
        }
    }

    /// Returns the path of the configuration file that was read.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns the provenance of a setting.
    pub fn provenance(&self, name: &str) -> &Provenance {
        Provenance::among(&self.effective, name)
    }

    /// Returns every setting with its value and provenance, in the order of the groups.
    pub fn effective(&self) -> &[EffectiveSetting] {
        &self.effective
    }
}
