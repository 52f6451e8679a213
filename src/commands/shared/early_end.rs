//! An end before there is a summary, and its report as JSON and in the summary file.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::commands::Failure;
use crate::commands::shared::metrics::MetricsOutput;
use crate::commands::shared::named_file;
use crate::commands::shared::notices::Told;
use crate::commands::shared::publish::PublishOutput;
use crate::config::notices::NoticeSettings;
use crate::config::output::{OutputFormat, OutputSettings};
use crate::config::{CliInput, ConfigFile, FlagValue, Settings, Verb};
use crate::download::shown_word;
use crate::input::InputName;
use crate::process::exit::Exit;
use crate::results::notice::Notice;
use crate::results::summary::format_time;
use crate::terminal;
use crate::text;

/// A command that ends early, as far as it is known.
pub(crate) struct EarlyEnd {
    verb: Verb,
    /// The inputs, safe to show.
    inputs: Vec<String>,
    output: OutputSettings,
    /// The metrics of a command that sends, if they are wanted.
    metrics: Option<MetricsOutput>,
    /// The copies of its files, if they are wanted.
    publish: Option<PublishOutput>,
    notices: NoticeSettings,
    /// Whether nobody else is told.
    is_trial: bool,
}

/// The outputs of a command that sends, for others. They begin with it and end after it.
#[derive(Clone, Copy)]
pub(crate) struct Followers<'e> {
    /// The metrics, if they are wanted.
    pub(crate) metrics: Option<&'e MetricsOutput>,
    /// The copies of its files, if they are wanted.
    pub(crate) publish: Option<&'e PublishOutput>,
}

/// The quotations in the message of an early end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quoted {
    /// It may quote the command line, or settings.
    Settings,
    /// It quotes neither.
    Nothing,
}

/// The keys of a summary that apply to an end without a run.
#[derive(Serialize)]
struct EarlySummary<'a> {
    version: &'static str,
    command: &'static str,
    inputs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_dir: Option<String>,
    ended: String,
    error_message: &'a str,
    exit_code: u8,
}

/// The settings that matter at an early end.
const SETTINGS: [&str; 14] = [
    "allow-http",
    "ca-file",
    "metrics-file",
    "metrics-push-file",
    "notify-format",
    "notify-on",
    "notify-url-file",
    "on-finish",
    "output-format",
    "ping-on",
    "ping-url-file",
    "run-dir",
    "summary-file",
    "termination-message",
];

impl Followers<'_> {
    /// Whether there are any.
    pub(crate) fn any(&self) -> bool {
        self.metrics.is_some() || self.publish.is_some()
    }
}

impl EarlyEnd {
    /// Returns the early end of a command line that clap accepted.
    pub(crate) fn of(verb: Verb, cli_input: CliInput, file: Option<ConfigFile>) -> EarlyEnd {
        let shown = |file: &PathBuf| match InputName::of_address(file.as_os_str()) {
            None => text::safe_path(file),
            Some(Ok(address)) => address.to_string(),
            Some(Err(_)) => text::safe_path(Path::new(&shown_word(file.as_os_str()))),
        };
        let inputs = cli_input.files().iter().map(shown).collect();
        let (output, notices) = Settings::of_an_end(cli_input, std::env::vars_os(), file);
        let metrics = Some(&output.metrics).filter(|_| verb.has_metrics());
        let publish = Some(&notices.publish).filter(|_| verb.has_metrics());
        let ca_file = notices.ca_file.clone();
        EarlyEnd {
            verb,
            inputs,
            metrics: metrics.and_then(|metrics| MetricsOutput::of(metrics, ca_file)),
            publish: publish.and_then(PublishOutput::of),
            output,
            notices,
            is_trial: false,
        }
    }

    /// Returns what follows a command that sends.
    pub(crate) fn followers(&self) -> Followers<'_> {
        Followers {
            metrics: self.metrics.as_ref(),
            publish: self.publish.as_ref(),
        }
    }

    /// Returns the early end of a command line that clap refused, or `None` if it does not begin
    /// with a verb that has a summary.
    pub(crate) fn of_words(arguments: &[OsString], file: Option<ConfigFile>) -> Option<EarlyEnd> {
        let is_dry = arguments.iter().any(|word| word == "--dry-run");
        let verb = match (arguments.get(1)?.to_str()?, is_dry) {
            ("run", false) => Verb::Run,
            ("undo", _) => Verb::Undo,
            ("check", _) | ("run", true) => Verb::Check,
            _ => return None,
        };
        let flags = SETTINGS.iter().filter_map(|name| {
            let value = value_of(arguments, &format!("--{name}"))?;
            Some(((*name).to_owned(), FlagValue::One(value)))
        });
        let own = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
        let cli_input = CliInput::new(verb, Vec::new(), own, flags.collect());
        let end = EarlyEnd::of(verb, cli_input, file);
        let is_trial = is_dry && verb == Verb::Undo;
        Some(if is_trial { end.of_a_trial() } else { end })
    }

    /// Returns the same end without notices, metrics and copies.
    pub(crate) fn of_a_trial(self) -> EarlyEnd {
        EarlyEnd {
            metrics: None,
            publish: None,
            is_trial: true,
            ..self
        }
    }

    /// Returns the configuration file that such a command line names.
    pub(crate) fn config_of_words(arguments: &[OsString]) -> Option<PathBuf> {
        value_of(arguments, "--config").map(PathBuf::from)
    }

    /// Returns the settings of those who are told of the end.
    pub(crate) fn notices(&self) -> &NoticeSettings {
        &self.notices
    }

    /// Returns the end as others are told of it; `None` if the verb has no summary. `quoted` says
    /// whether the message may quote the command line or settings, which other machines do not get.
    pub(crate) fn told(&self, exit: Exit, message: &str, quoted: Quoted) -> Option<Told> {
        let command = self.verb.with_summary().filter(|_| !self.is_trial)?;
        let run_dir = self.output.run_dir.as_deref().map(text::safe_path);
        let notice = |message: &str| {
            let run_dir = run_dir.clone();
            Notice::of_early_end(command, exit.code(), &self.inputs, run_dir, message)
        };
        let for_others = match quoted {
            Quoted::Settings => {
                "The command line or the settings cannot be used; standard error says why."
            }
            Quoted::Nothing => message,
        };
        Some(Told::of_early_end(
            exit,
            notice(for_others),
            notice(message),
        ))
    }

    /// Returns the verb of the command.
    pub(crate) fn verb(&self) -> Verb {
        self.verb
    }

    /// Prints JSON if `--output-format json` is set, and writes the summary file.
    pub(crate) fn report(&self, exit: Exit, message: &str) {
        let Some(command) = self.verb.with_summary() else {
            return;
        };
        let summary = EarlySummary {
            version: env!("CARGO_PKG_VERSION"),
            command,
            inputs: self.inputs.clone(),
            run_dir: self.output.run_dir.as_deref().map(text::safe_path),
            ended: format_time(Timestamp::now()),
            error_message: message,
            exit_code: exit.code(),
        };
        let json = serde_json::to_string_pretty(&summary)
            .expect("texts and numbers, written to memory, cannot fail");
        let json = format!("{}\n", text::safe_json(&json));
        if self.output.output_format == OutputFormat::Json
            && let Err(error) = terminal::print(&json)
        {
            terminal::print_error(&Failure::stdout(error).message());
        }
        if let Some(path) = &self.output.summary_file {
            named_file::write_summary(path, &json);
        }
    }
}

/// Returns the last value of a flag, written as `--flag=value` or `--flag value`.
fn value_of(arguments: &[OsString], flag: &str) -> Option<OsString> {
    let flags = arguments
        .iter()
        .position(|word| word == "--")
        .map_or(arguments, |end| arguments.split_at(end).0);
    let next = flags.windows(2).filter_map(|words| match words {
        [word, value] if word == flag => Some(value.clone()),
        _ => None,
    });
    let joined = flags.iter().filter_map(|word| {
        let value = word
            .as_encoded_bytes()
            .strip_prefix(flag.as_bytes())?
            .strip_prefix(b"=")?;
        Some(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(value).to_owned())
    });
    next.chain(joined).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_found_in_words_that_are_no_command() {
        let check = |line: &str, want: Option<&str>| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(
                value_of(&words, "--output-format"),
                want.map(OsString::from),
                "{line}"
            );
        };
        check("custsync run --raet 1/s --output-format json", Some("json"));
        check("custsync run --output-format=json --raet", Some("json"));
        check("custsync run --output-format", None);
        check("custsync run -- --output-format json", None);
        check("custsync run --output-formats=json", None);
    }
}
