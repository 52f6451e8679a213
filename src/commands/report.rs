//! The end of a run or check: the summary, its file, and the exit code.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Instant;

use jiff::Timestamp;

use crate::api::Route;
use crate::config::Settings;
use crate::config::output::OutputFormat;
use crate::exit::Exit;
use crate::input::InputError;
use crate::journal::{JOURNAL_NAME, RunDir, SUMMARY_NAME};
use crate::recorder::Recorded;
use crate::schedule::{Statistics, StopReason};
use crate::sender::Extent;
use crate::summary::{self, InputNames, Summary};
use crate::tally::{Latencies, RowsRead};
use crate::terminal::{self, Terminal};
use crate::text;

/// What there is to report.
pub(super) struct Report<'a> {
    pub(super) command: &'static str,
    pub(super) settings: &'a Settings,
    pub(super) names: InputNames,
    pub(super) run_dir: RunDir,
    pub(super) began: Began,
    pub(super) read: RowsRead,
    pub(super) extent: Extent,
    pub(super) stop: Option<StopReason>,
    /// The way that requests took.
    pub(super) route: Option<Route>,
    pub(super) input_fault: Option<InputError>,
    pub(super) recorded: Recorded,
    pub(super) sending: Option<(Statistics, Latencies)>,
    /// The command that goes on where this one stopped.
    pub(super) continue_with: Option<String>,
}

/// When a command began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Began {
    at: Timestamp,
    clock: Instant,
}

impl Began {
    pub(super) fn now() -> Began {
        Began { at: Timestamp::now(), clock: Instant::now() }
    }
}

impl Report<'_> {
    /// Writes and prints the summary, says what went wrong, and decides the exit code.
    pub(super) fn finish(self, terminal: &Terminal) -> Exit {
        if let Some(reason) = self.stop.as_ref().filter(|reason| reason.is_about_another_input()) {
            terminal::say_error(reason);
            return Exit::from(reason);
        }
        let seconds = self.began.clock.elapsed().as_secs_f64();
        let mut summary = self.summary(seconds);
        let mut exit = self.exit(&summary);
        summary.exit_code = exit.code();
        if let Err(error) = self.run_dir.replace_file(SUMMARY_NAME, summary.to_json().as_bytes()) {
            terminal::say_error(&format_args!("{:#}", anyhow::Error::from(error)));
            exit = Exit::RunDirectory;
            summary.exit_code = exit.code();
        }
        match self.settings.output.output_format {
            OutputFormat::Text => terminal.print(&summary.to_text()),
            OutputFormat::Json => terminal.print(&summary.to_json()),
        }
        self.say_faults();
        exit
    }

    fn exit(&self, summary: &Summary) -> Exit {
        if self.recorded.fault.is_some() {
            return Exit::RunDirectory;
        }
        match &self.stop {
            Some(reason) => Exit::from(reason),
            None if summary.has_bad_rows() => Exit::SomeRowsFailed,
            None => Exit::Success,
        }
    }

    fn summary(&self, seconds: f64) -> Summary {
        let tally = &self.recorded.tally;
        let path = |name: &str| text::safe_path(&self.run_dir.file(name));
        let failed_files = self.recorded.failed_files.iter().map(String::as_str);
        let mut summary = Summary {
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            inputs: self.names.names().to_vec(),
            read_as: self.names.read_as(),
            input_notes: self.names.notes(),
            run_dir: text::safe_path(self.run_dir.path()),
            started: summary::shown_time(self.began.at),
            ended: summary::shown_time(Timestamp::now()),
            seconds: summary::rounded(seconds),
            records: 0,
            read_to_end: self.extent == Extent::Whole,
            valid: None,
            updated: None,
            invalid: 0,
            rejected: None,
            failed: None,
            superseded: None,
            rare: BTreeMap::new(),
            unsent: None,
            errors: summary::error_groups(tally, self.read.rows, &self.names),
            warnings: summary::warning_groups(&self.read, &self.names),
            dates_normalised: 0,
            fields_left_out: 0,
            sending: (self.sending.as_ref())
                .map(|(statistics, latencies)| summary::sending_summary(statistics, latencies, seconds)),
            stopped: self.why_stopped(),
            continue_with: self.stop.as_ref().and(self.continue_with.clone()),
            exit_code: 0,
            files: [JOURNAL_NAME].into_iter().chain(failed_files).chain([SUMMARY_NAME]).map(path).collect(),
        };
        summary.count(tally, &self.read);
        summary
    }

    fn say_faults(&self) {
        if let Some(fault) = &self.input_fault {
            terminal::say_error(&format_args!("{fault}"));
        }
        if let Some(fault) = &self.recorded.fault {
            let unrecorded = self.recorded.unrecorded;
            terminal::say_error(&format_args!("{fault}; {unrecorded} outcomes could not be recorded"));
        } else if let Some(reason) = self.why_stopped() {
            terminal::say_error(&reason);
        }
    }

    /// Why it stopped, with the host or the proxy that is at fault.
    fn why_stopped(&self) -> Option<String> {
        let (reason, route) = (self.stop.as_ref()?, self.route.as_ref());
        let with_route = route.and_then(|route| match reason {
            StopReason::Unreachable { fault } => Some(route.explain(*fault)),
            StopReason::EveryRowWouldFail { status } => route.explain_status(*status),
            StopReason::Outage { cause: Some(cause), .. } => {
                Some(format!("{reason} ({})", route.details(cause.fault()?)?))
            }
            _ => None,
        });
        Some(with_route.unwrap_or_else(|| reason.to_string()))
    }
}

/// The command as it was typed, with the run directory named: what continues it. Words are quoted for a POSIX shell.
pub(super) fn continue_command(arguments: &[OsString], settings: &Settings, run_dir: &RunDir) -> String {
    let mut words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    if settings.output.run_dir.is_none() {
        words.push("--run-dir".to_owned());
        words.push(quoted(run_dir.path().as_os_str()));
    }
    words.join(" ")
}

/// A word as a POSIX shell reads it. One that cannot be shown as it is, such as the name of a file that is not UTF-8, is put
/// together by `printf`.
fn quoted(word: &OsStr) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if text::safe(text) == text => format!("'{}'", text.replace('\'', "'\\''")),
        Some(_) | None => {
            let bytes = word.as_bytes().iter().map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'=' | b',' => {
                    char::from(*byte).to_string()
                }
                byte => format!("\\{byte:03o}"),
            });
            format!("\"$(printf '{}')\"", bytes.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_a_word_as_it_was_typed() {
        let check = |word: &[u8], want: &str| assert_eq!(quoted(OsStr::from_bytes(word)), want, "{word:?}");
        check(b"customers.csv", "customers.csv");
        check(b"", "''");
        check(b"it's 5 %.csv", "'it'\\''s 5 %.csv'");
        check("caf\u{e9}.csv".as_bytes(), "'caf\u{e9}.csv'");
        check(b"caf\xe9 '%\\.csv", "\"$(printf 'caf\\351\\040\\047\\045\\134.csv')\"");
        check(b"a\x1bb", "\"$(printf 'a\\033b')\"");
    }
}
