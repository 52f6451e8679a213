//! The command line, as clap sees it. Every value is still a text: `config` checks it, together
//! with those of the environment and the file.

mod canary_flags;
mod care_flags;
mod directory_args;
mod examples;
mod flags;
mod help;
mod metrics_flags;
mod nightly_flags;
mod notice_flags;
mod other_words;
mod output_flags;
mod pace_flags;
mod pages;
mod plan_flags;
mod preview_flags;
mod publish_flags;
mod roles;
mod sandbox_flags;
mod shard_flags;
mod sharing_flags;
mod state_args;
mod version;
mod words;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

use self::directory_args::{ForgetArgs, ReportArgs};
pub use self::flags::{
    InitFlags, LoginFlags, RunFlags, SandboxCommandFlags, TokenFlags, UndoFlags,
};
pub(crate) use self::help::command_of;
pub use self::help::{command, setting_help};
use self::other_words::Piped;
use self::preview_flags::PreviewFlags;
pub(crate) use self::roles::with_roles;
use self::state_args::StateArgs;
use crate::commands::forget::Deletion;
use crate::commands::report::{Expected, ReportForm};
use crate::commands::state::StateAction;
use crate::commands::undo::UndoOptions;
use crate::config::output::OutputFormat;
use crate::config::{CliInput, FlagValue, Verb};

/// Arguments that are no settings, by their ids.
const NOT_SETTINGS: [&str; 15] = [
    "all",
    "config",
    "directories",
    "directory",
    "dry_run",
    "file",
    "files",
    "form",
    "help",
    "html",
    "ids",
    "output",
    "page",
    "shell",
    "version",
];

/// The command line.
#[derive(Debug)]
pub struct Args {
    command: Command,
    /// The settings that the verb has flags for.
    settings: BTreeSet<String>,
    /// The flags that were given, by the names of their settings.
    flags: Vec<(String, FlagValue)>,
}

/// The command line, as it is declared.
#[derive(Debug, Parser)]
#[command(
    name = "custsync",
    version,
    about = "Brings a customer API to the state that your CSV, JSON or Excel files describe",
    max_term_width = 100
)]
struct Cli {
    /// The verb.
    #[command(subcommand)]
    command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Send the updates
    Run(RunArgs),
    /// Read, map and validate only: no request is sent
    Check(CheckArgs),
    /// Show what a run would change: the customers are read, and nothing is sent
    Preview(PreviewArgs),
    /// Put back what a run with --undoable has changed
    Undo(UndoArgs),
    /// Show how a run went, from its directory: in words, as JSON, or as a page
    Report(ReportArgs),
    /// Delete the files of run directories that hold customers' values
    Forget(ForgetArgs),
    /// Show what is known of earlier runs (--state), or forget it
    State(StateArgs),
    /// Start a local server that behaves like the API, for trials
    Sandbox(SandboxArgs),
    /// Log in, and keep the login in the token file
    Login(LoginFlags),
    /// Log out: remove the token file
    Logout(TokenFlags),
    /// Show the login in the token file, and when it expires
    Token(TokenFlags),
    /// Show the settings in force; `config init` begins a file of them
    Config(ConfigArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the page of the manual, or that of a command
    Man(ManArgs),
}

/// `custsync run`
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The files to read, in order: names, folders, zip files, https:// addresses, - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Do what `check` does: send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: RunFlags,
}

/// `custsync check`
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// The files to read, in order: names, folders, zip files, https:// addresses, - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: RunFlags,
}

/// `custsync preview`
#[derive(Debug, clap::Args)]
pub struct PreviewArgs {
    /// The files to read, in order: names, folders, zip files, https:// addresses, - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The flags that are settings of a preview alone.
    #[command(flatten)]
    pub preview: PreviewFlags,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: RunFlags,
}

/// `custsync undo`
#[derive(Debug, clap::Args)]
pub struct UndoArgs {
    /// The directory of the run, of all its shards, or of one of them
    #[arg(value_name = "RUN_DIR")]
    pub directory: PathBuf,
    /// Read the customers, and say what would be put back: nothing is sent
    #[arg(long)]
    pub dry_run: bool,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: UndoFlags,
}

/// `custsync sandbox`
#[derive(Debug, clap::Args)]
pub struct SandboxArgs {
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: SandboxCommandFlags,
}

/// `custsync config`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct ConfigArgs {
    /// The action instead of showing the settings.
    #[command(subcommand)]
    pub action: Option<ConfigAction>,
    /// Accepted so that any `run` command can be examined: must exist, and is not read
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: RunFlags,
}

/// `custsync completions`
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// `custsync man`
#[derive(Debug, clap::Args)]
pub struct ManArgs {
    /// The command [default: the page of custsync itself]
    #[arg(value_name = "COMMAND", value_parser = PossibleValuesParser::new(pages::PAGES))]
    pub page: Option<String>,
}

/// The verbs below `custsync config`.
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Write a commented custsync.toml, with the columns of FILE
    Init(Box<InitArgs>),
}

/// `custsync config init`
#[derive(Debug, clap::Args)]
pub struct InitArgs {
    /// The file whose columns (or keys) are mapped or ignored; - means standard input
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write this file [default: custsync.toml]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The flags that are settings.
    #[command(flatten)]
    pub flags: InitFlags,
}

impl Args {
    /// Parses the command line. The error is clap's: wrong usage, or a request for help or the
    /// version. `fields_help` describes the API's fields at the end of the long help.
    pub fn parse_from(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        fields_help: &str,
    ) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let typed_verb = arguments.get(1).and_then(|verb| verb.to_str());
        let mut command = command_of(typed_verb, fields_help);
        let matches = command
            .try_get_matches_from_mut(&arguments)
            .map_err(|error| {
                other_words::with_tip(error, &mut command, typed_verb, Piped::now())
            })?;
        let cli = Cli::from_arg_matches(&matches)?;
        let (mut settings, mut flags) = (BTreeSet::new(), Vec::new());
        if let Some((verb, matches)) = typed(&command, &matches) {
            for arg in verb.get_arguments() {
                let id = arg.get_id().as_str();
                if NOT_SETTINGS.contains(&id) {
                    continue;
                }
                let name = setting_of(arg);
                flags.extend(flag_value(arg, matches).map(|value| (name.clone(), value)));
                settings.insert(name);
            }
        }
        Ok(Self {
            command: cli.command,
            settings,
            flags,
        })
    }

    /// Returns the verb that the settings are for. `run --dry-run` is a check.
    pub fn verb(&self) -> Verb {
        match &self.command {
            Command::Run(RunArgs { dry_run: false, .. }) => Verb::Run,
            Command::Run(RunArgs { dry_run: true, .. }) | Command::Check(_) => Verb::Check,
            Command::Preview(_) => Verb::Preview,
            Command::Undo(_) => Verb::Undo,
            Command::Sandbox(_) => Verb::Sandbox,
            Command::Config(ConfigArgs { action: None, .. }) => Verb::Config,
            Command::Config(ConfigArgs {
                action: Some(ConfigAction::Init(_)),
                ..
            }) => Verb::ConfigInit,
            Command::Login(_) => Verb::Login,
            Command::Logout(_) => Verb::Logout,
            Command::Token(_) => Verb::Token,
            Command::Report(_) => Verb::Report,
            Command::Forget(_) => Verb::Forget,
            Command::State(_) => Verb::State,
            Command::Completions(_) | Command::Man(_) => Verb::Page,
        }
    }

    /// Returns the configuration file that `--config` names.
    pub fn config_file(&self) -> Option<&Path> {
        let path = match &self.command {
            Command::Run(args) => &args.flags.config,
            Command::Check(args) => &args.flags.config,
            Command::Preview(args) => &args.flags.config,
            Command::Undo(args) => &args.flags.config,
            Command::Config(args) => &args.flags.config,
            Command::Sandbox(args) => &args.flags.config,
            Command::Login(flags) => &flags.token.config,
            Command::Logout(flags) | Command::Token(flags) => &flags.config,
            Command::Report(_)
            | Command::Forget(_)
            | Command::State(_)
            | Command::Completions(_)
            | Command::Man(_) => &None,
        };
        path.as_deref()
    }

    /// Returns what a verb prints that only prints a page: completions, or the manual.
    pub fn page(&self, fields_help: &str) -> Option<String> {
        match &self.command {
            Command::Completions(args) => Some(pages::completions(args.shell, &mut command(""))),
            Command::Man(args) => {
                let page = args.page.as_deref();
                Some(pages::man(page, command(fields_help), fields_help))
            }
            Command::Run(_)
            | Command::Check(_)
            | Command::Preview(_)
            | Command::Undo(_)
            | Command::Report(_)
            | Command::Forget(_)
            | Command::State(_)
            | Command::Sandbox(_)
            | Command::Login(_)
            | Command::Logout(_)
            | Command::Token(_)
            | Command::Config(_) => None,
        }
    }

    /// Returns the run that is to be undone.
    pub(crate) fn undo(&self) -> Option<UndoOptions<'_>> {
        let Command::Undo(args) = &self.command else {
            return None;
        };
        Some(UndoOptions {
            directory: &args.directory,
            is_dry: args.dry_run,
        })
    }

    /// Returns the run directories that are to be reported on, and the form of the report.
    pub(crate) fn report(&self) -> Option<(&[PathBuf], ReportForm, Expected)> {
        let Command::Report(args) = &self.command else {
            return None;
        };
        let form = match &args.html {
            Some(path) => ReportForm::Page(path.clone()),
            None => ReportForm::Printed(args.form.unwrap_or(OutputFormat::Text)),
        };
        let expected = if args.expect_shards {
            Expected::Shards
        } else {
            Expected::Anything
        };
        Some((&args.directories, form, expected))
    }

    /// Returns the run directories whose files with values are to be deleted, whether they are only
    /// listed, and the format of the list.
    pub(crate) fn forget(&self) -> Option<(&[PathBuf], Deletion, OutputFormat)> {
        let Command::Forget(args) = &self.command else {
            return None;
        };
        let deletion = if args.dry_run {
            Deletion::Listed
        } else {
            Deletion::Done
        };
        let format = args.form.unwrap_or(OutputFormat::Text);
        Some((&args.directories, deletion, format))
    }

    /// Returns the action on a state.
    pub(crate) fn state(&self) -> Option<StateAction<'_>> {
        match &self.command {
            Command::State(args) => Some(args.action.action()),
            _ => None,
        }
    }

    /// Returns the file that `config init` is to write.
    pub fn output_file(&self) -> Option<&Path> {
        match &self.command {
            Command::Config(ConfigArgs {
                action: Some(ConfigAction::Init(args)),
                ..
            }) => args.output.as_deref(),
            Command::Config(ConfigArgs { action: None, .. })
            | Command::Run(_)
            | Command::Check(_)
            | Command::Preview(_)
            | Command::Undo(_)
            | Command::Report(_)
            | Command::Forget(_)
            | Command::State(_)
            | Command::Sandbox(_)
            | Command::Login(_)
            | Command::Logout(_)
            | Command::Token(_)
            | Command::Completions(_)
            | Command::Man(_) => None,
        }
    }

    /// Returns the files and flags, for [`Settings::resolve`](crate::config::Settings::resolve).
    pub fn cli_input(&self) -> CliInput {
        let files = match &self.command {
            Command::Run(args) => args.files.clone(),
            Command::Check(args) => args.files.clone(),
            Command::Preview(args) => args.files.clone(),
            Command::Config(ConfigArgs {
                action: Some(ConfigAction::Init(args)),
                ..
            }) => args.file.iter().cloned().collect(),
            Command::Config(args) => args.files.clone(),
            Command::Undo(_)
            | Command::Report(_)
            | Command::Forget(_)
            | Command::State(_)
            | Command::Sandbox(_)
            | Command::Login(_)
            | Command::Logout(_)
            | Command::Token(_)
            | Command::Completions(_)
            | Command::Man(_) => Vec::new(),
        };
        CliInput::new(
            self.verb(),
            files,
            self.settings.clone(),
            self.flags.clone(),
        )
    }
}

/// Returns the verb that was typed, with its matches. A verb may be below another.
fn typed<'c, 'm>(
    mut command: &'c clap::Command,
    mut matches: &'m ArgMatches,
) -> Option<(&'c clap::Command, &'m ArgMatches)> {
    while let Some((name, below)) = matches.subcommand() {
        command = command.find_subcommand(name)?;
        matches = below;
    }
    Some((command, matches))
}

/// Returns the name of a flag's setting. clap names an argument after its field, in snake case.
fn setting_of(arg: &clap::Arg) -> String {
    arg.get_id().as_str().replace('_', "-")
}

/// Returns the value of a flag, or `None` if the flag was not given.
fn flag_value(arg: &clap::Arg, matches: &ArgMatches) -> Option<FlagValue> {
    let id = arg.get_id().as_str();
    if matches.value_source(id) != Some(ValueSource::CommandLine) {
        return None;
    }
    let mut values = matches.get_raw(id)?;
    match arg.get_action() {
        // clap has refused items that are not UTF-8.
        ArgAction::Append => Some(FlagValue::Many(
            values
                .map(|value| value.to_string_lossy().into_owned())
                .collect(),
        )),
        _ => values
            .next_back()
            .map(|value| FlagValue::One(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn long_flags(verb: &str) -> BTreeSet<String> {
        let mut command = command("");
        command.build();
        let verb = command.find_subcommand(verb).expect("the verb exists");
        let flags = verb
            .get_arguments()
            .filter(|arg| !NOT_SETTINGS.contains(&arg.get_id().as_str()))
            .filter_map(clap::Arg::get_long);
        flags.map(str::to_owned).collect()
    }

    fn settings() -> BTreeSet<&'static str> {
        Settings::defaults(Verb::Run)
            .iter()
            .map(|setting| setting.name)
            .collect()
    }

    #[test]
    fn every_setting_has_a_flag_and_every_flag_is_a_setting() {
        let mut flags = long_flags("run");
        // Only `custsync sandbox` needs an address to listen on, and the others are secrets.
        let secrets = [
            "token",
            "metrics-push",
            "ping-url",
            "notify-url",
            "rate-redis-password",
        ];
        flags.extend(secrets.map(str::to_owned));
        flags.insert("sandbox-listen".to_owned());
        // A run has no flags about the login.
        flags.extend(long_flags("login"));
        flags.extend(long_flags("undo"));
        flags.extend(long_flags("preview"));
        assert_eq!(flags, settings().into_iter().map(str::to_owned).collect());
        assert_eq!(long_flags("check"), long_flags("run"));
        assert_eq!(long_flags("config"), long_flags("run"));
    }

    #[test]
    fn the_sandbox_command_drops_the_prefix() {
        let flags = long_flags("sandbox");
        for setting in settings() {
            if let Some(bare) = setting.strip_prefix("sandbox-") {
                assert!(
                    flags.contains(bare) && !flags.contains(setting),
                    "{setting}"
                );
            }
        }
    }

    #[test]
    fn every_word_that_the_help_offers_is_taken() {
        let mut command = command("");
        command.build();
        let run = command.find_subcommand("run").expect("the verb exists");
        let mut offered = 0;
        for arg in run.get_arguments() {
            let words = arg
                .get_value_names()
                .and_then(<[_]>::first)
                .map(ToString::to_string)
                .unwrap_or_default();
            // Words in capitals are placeholders.
            let choices = words
                .split('|')
                .filter(|word| words.contains('|') && !word.contains(char::is_uppercase));
            for word in choices {
                let flag = format!("--{}", arg.get_long().expect("choices belong to flags"));
                let cli_input =
                    Args::parse_from(["custsync", "config", "--sandbox", &flag, word], "")
                        .expect(word)
                        .cli_input();
                Settings::resolve(cli_input, [], None).expect(word);
                offered += 1;
            }
        }
        assert_ne!(offered, 0);
    }

    #[test]
    fn what_was_typed_reaches_the_settings() {
        let check = |arguments: &[&str], setting: &str, value: &str, provenance: &str| {
            let cli_input = Args::parse_from(arguments, "")
                .expect("the arguments are right")
                .cli_input();
            let settings = Settings::resolve(cli_input, [], None).expect("the settings are right");
            let setting = settings
                .effective()
                .iter()
                .find(|got| got.name == setting)
                .expect(setting);
            assert!(
                format!("{:?}", setting.value).contains(value),
                "{setting:?}"
            );
            assert_eq!(setting.provenance.to_string(), provenance);
        };
        for (arguments, setting, value, provenance) in [
            (
                &["custsync", "check", "a.csv", "--rate", "50/s"][..],
                "rate",
                "One(\"50/s\")",
                "--rate",
            ),
            (
                &["custsync", "check", "a.csv"],
                "rate",
                "One(\"auto\")",
                "default",
            ),
            (
                &["custsync", "check", "-vv", "-"],
                "verbose",
                "One(\"2\")",
                "--verbose",
            ),
            (
                &["custsync", "check", "-"],
                "verbose",
                "One(\"0\")",
                "default",
            ),
            (
                &["custsync", "check", "-q", "-"],
                "quiet",
                "One(\"1\")",
                "--quiet",
            ),
            (
                &["custsync", "config", "--ignore", "A,B", "--ignore", "C"],
                "ignore",
                "[\"A\", \"B\", \"C\"]",
                "--ignore",
            ),
            (
                &["custsync", "config", "-m", "A=id", "-m", "B=job"],
                "map",
                "[\"A=id\", \"B=job\"]",
                "--map",
            ),
            (
                &["custsync", "sandbox", "--window", "9/s"],
                "sandbox-window",
                "One(\"9/s\")",
                "--window",
            ),
            (
                &["custsync", "sandbox", "--listen", "[::1]:1"],
                "sandbox-listen",
                "One(\"[::1]:1\")",
                "--listen",
            ),
            (
                &["custsync", "run", "--dry-run", "-"],
                "max-errors",
                "One(\"none\")",
                "default",
            ),
        ] {
            check(arguments, setting, value, provenance);
        }
    }

    #[test]
    fn the_command_decides_the_verb() {
        let check = |arguments: &[&str], want: Verb| {
            assert_eq!(
                Args::parse_from(arguments, "")
                    .expect("the arguments are right")
                    .verb(),
                want
            );
        };
        check(&["custsync", "run", "a.csv"], Verb::Run);
        check(&["custsync", "run", "--dry-run", "a.csv"], Verb::Check);
        check(&["custsync", "check", "a.csv"], Verb::Check);
        check(&["custsync", "sandbox"], Verb::Sandbox);
        check(&["custsync", "config"], Verb::Config);
        check(&["custsync", "config", "a.csv"], Verb::Config);
        check(&["custsync", "config", "init"], Verb::ConfigInit);
        check(&["custsync", "config", "init", "a.csv"], Verb::ConfigInit);
        check(&["custsync", "login", "--client-id", "me"], Verb::Login);
        check(&["custsync", "completions", "zsh"], Verb::Page);
        check(&["custsync", "man", "run"], Verb::Page);
        check(&["custsync", "logout"], Verb::Logout);
        check(&["custsync", "token"], Verb::Token);
    }

    #[test]
    fn the_command_is_sound_and_an_unknown_flag_is_not() {
        command("fields").debug_assert();
        let error = Args::parse_from(["custsync", "run", "a.csv", "--raet", "1/s"], "")
            .expect_err("no such flag");
        assert_eq!(error.exit_code(), 2);
        assert!(
            Args::parse_from(["custsync", "run"], "").is_err(),
            "a run needs a file"
        );
    }

    #[test]
    fn defaults_and_fields_are_in_the_long_help() {
        let help = |verb: &str| {
            let error = Args::parse_from(["custsync", verb, "--help"], "THE FIELDS")
                .expect_err("help was asked for");
            error.to_string()
        };
        assert!(help("run").contains("[default: 10%]"));
        assert!(help("check").contains("[default: none]"));
        assert!(help("sandbox").contains("[default: 127.0.0.1:8080]"));
        for verb in ["run", "check"] {
            assert!(help(verb).trim_end().ends_with("THE FIELDS"), "{verb}");
            assert!(help(verb).contains("  130  SIGINT"), "{verb}");
        }
    }
}
