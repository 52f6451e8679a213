//! The end of a run or check: the summary, its file and the exit code.

use crate::text::with_causes;
use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::ops::Range;
use std::time::Instant;

use anyhow::anyhow;
use jiff::Timestamp;
use tracing::warn;

use crate::api::Route;
use crate::commands::Failure;
use crate::commands::failure::STDOUT_FAILED;
use crate::commands::shared::continuing::{Continuation, can_go_on};
use crate::commands::shared::summary_file;
use crate::config::Settings;
use crate::config::output::OutputFormat;
use crate::input::InputError;
use crate::journal::{Fact, JOURNAL_NAME, RunDir, SUMMARY_NAME, WriteError};
use crate::pipeline;
use crate::pipeline::recorder::Recorded;
use crate::pipeline::sender::ReadTo;
use crate::process::crash;
use crate::process::exit::Exit;
use crate::results::held_back::Brake;
use crate::results::summary::{self, InputNames, Summary};
use crate::results::tally::{Latencies, RowsRead};
use crate::schedule::{Statistics, StopReason};
use crate::terminal::{self, Terminal};
use crate::text;

/// The results to report.
pub(in crate::commands) struct Report<'a> {
    pub(in crate::commands) command: &'static str,
    pub(in crate::commands) settings: &'a Settings,
    pub(in crate::commands) names: InputNames,
    pub(in crate::commands) run_dir: RunDir,
    pub(in crate::commands) started_at: StartedAt,
    pub(in crate::commands) read: RowsRead,
    pub(in crate::commands) read_to: ReadTo,
    /// The rows to read.
    pub(in crate::commands) rows: Range<u64>,
    pub(in crate::commands) stop: Option<StopReason>,
    /// The route of the requests.
    pub(in crate::commands) route: Option<Route>,
    pub(in crate::commands) input_fault: Option<InputError>,
    pub(in crate::commands) recorded: Recorded,
    pub(in crate::commands) sending: Option<SendingFigures>,
    /// The way to continue a run that stopped.
    pub(in crate::commands) continuation: Option<Continuation>,
    /// The end of a wait that the API asked for, if it is not over.
    pub(in crate::commands) until: Option<Timestamp>,
    /// The result of printing so far.
    pub(in crate::commands) printed: io::Result<()>,
}

/// The start of a command.
#[derive(Debug, Clone, Copy)]
pub(in crate::commands) struct StartedAt {
    at: Timestamp,
    clock: Instant,
}

impl StartedAt {
    pub(in crate::commands) fn now() -> StartedAt {
        StartedAt {
            at: Timestamp::now(),
            clock: Instant::now(),
        }
    }
}

impl Report<'_> {
    /// Warns if no row was read: the exit code of 0 would look like success.
    fn warn_of_no_rows(&self, summary: &Summary) {
        let skipped = self.rows.start.saturating_sub(1);
        if summary.records == 0 && skipped > 0 && self.stop.is_none() && self.input_fault.is_none()
        {
            warn!("no row was read: --skip-rows {skipped} skips the whole input");
        }
    }

    /// Writes and prints the summary, prints the errors, and returns the exit code.
    pub(in crate::commands) fn finish(mut self, terminal: &Terminal) -> Result<u8, Failure> {
        if let Some(reason) = self
            .stop
            .as_ref()
            .filter(|reason| reason.is_about_another_input())
        {
            return Err(Failure {
                exit: Exit::from(reason),
                error: anyhow!("{reason}"),
            });
        }
        let seconds = self.started_at.clock.elapsed().as_secs_f64();
        let mut summary = self.summary(seconds);
        self.warn_of_no_rows(&summary);
        let mut exit = self.exit(&summary);
        summary.exit_code = self.code(exit);
        let mut said = self.faults();
        summary.error_message = joined(&said);
        if let Err(error) = self
            .run_dir
            .replace_file(SUMMARY_NAME, summary.to_json().as_bytes())
        {
            said.push(format!("{:#}", anyhow::Error::from(error)));
            exit = Exit::RunDirectory;
            summary.exit_code = self.code(exit);
        }
        if let Err(error) = self.record_end(exit) {
            said.push(format!("{:#}", anyhow::Error::from(error)));
            exit = Exit::RunDirectory;
            summary.exit_code = self.code(exit);
            summary.error_message = joined(&said);
            // The summary should have the final exit code, if it can still be written.
            self.run_dir
                .replace_file(SUMMARY_NAME, summary.to_json().as_bytes())
                .ok();
        }
        summary.error_message = joined(&said);
        let printed = match self.settings.output.output_format {
            OutputFormat::Text => terminal.print(&summary.to_text()),
            OutputFormat::Json => terminal.print(&summary.to_json()),
        };
        // A panic was reported where it happened.
        let untold = said
            .iter()
            .filter(|message| crash::message() != Some(message.as_str()));
        untold.for_each(|message| terminal::print_error(message));
        if let Err(error) = mem::replace(&mut self.printed, Ok(())).and(printed) {
            let message = format!("{STDOUT_FAILED}: {error}");
            terminal::print_error(&message);
            said.push(message);
            summary.error_message = joined(&said);
            // The run itself ended as the journal says. If it stopped, the exit code for that says
            // more.
            if matches!(exit, Exit::Success | Exit::SomeRowsFailed) {
                exit = Exit::RunDirectory;
                summary.exit_code = self.code(exit);
                self.run_dir
                    .replace_file(SUMMARY_NAME, summary.to_json().as_bytes())
                    .ok();
            }
        }
        if let Some(path) = &self.settings.output.summary_file {
            summary_file::write(path, &summary.to_json());
        }
        Ok(summary.exit_code)
    }

    /// Writes the end of this process as the journal's last line and syncs it: the line says
    /// whether the run is finished. Nothing is written to a journal that has failed before.
    fn record_end(&mut self, exit: Exit) -> Result<(), WriteError> {
        if self.recorded.fault.is_some() {
            return Ok(());
        }
        let until = self.stop.as_ref().and(self.until);
        let journal = &mut self.recorded.journal;
        journal.push_fact(&Fact::Ended {
            at: Timestamp::now(),
            exit: exit.code(),
            until,
        });
        journal.flush().map_err(|error| error.source)?;
        journal.sync()
    }

    /// Returns the exit code of the process.
    fn code(&self, exit: Exit) -> u8 {
        if exit == Exit::SomeRowsFailed {
            self.settings.output.bad_rows_exit
        } else {
            exit.code()
        }
    }

    fn exit(&self, summary: &Summary) -> Exit {
        if crash::message().is_some() {
            return Exit::Fault;
        }
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
        let (continue_with, continue_by_piping) =
            match self.continuation.clone().filter(|_| self.can_go_on()) {
                None => (None, None),
                Some(Continuation::Command(command)) => (Some(command), None),
                Some(Continuation::PipedAgain(command)) => (None, Some(command)),
            };
        let mut summary = Summary {
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            inputs: self.names.names().to_vec(),
            read_as: self.names.read_as(),
            input_notes: self.names.notes(),
            run_dir: text::safe_path(self.run_dir.path()),
            started: summary::format_time(self.started_at.at),
            ended: summary::format_time(Timestamp::now()),
            seconds: summary::rounded(seconds),
            records: 0,
            read_to_end: self.read_to == ReadTo::End && !self.has_reached_max_rows(),
            valid: None,
            updated: None,
            invalid: 0,
            rejected: None,
            failed: None,
            superseded: None,
            rare: BTreeMap::new(),
            unsent: None,
            unrecorded: None,
            errors: summary::error_groups(tally, self.read.rows, &self.names),
            warnings: summary::warning_groups(&self.read, &self.names),
            dates_normalised: 0,
            fields_left_out: 0,
            fields_overtaken: 0,
            blank_rows: 0,
            sending: self.sending.as_ref().map(|figures| {
                let SendingFigures {
                    statistics,
                    latencies,
                    held_back,
                } = figures;
                summary::sending_summary(statistics, latencies, held_back, seconds)
            }),
            stopped: self.stop_message(),
            continue_with,
            continue_by_piping,
            error_message: None,
            exit_code: 0,
            files: [JOURNAL_NAME]
                .into_iter()
                .chain(failed_files)
                .chain([SUMMARY_NAME])
                .map(path)
                .collect(),
        };
        summary.count(tally, &self.read, self.recorded.unrecorded);
        summary
    }

    /// Whether rows beyond `--max-rows` may be unread.
    fn has_reached_max_rows(&self) -> bool {
        self.read
            .last_row
            .is_some_and(|last| last.saturating_add(1) >= self.rows.end)
    }

    /// Whether the run stopped and the same command can continue it.
    fn can_go_on(&self) -> bool {
        self.stop.as_ref().is_some_and(can_go_on)
    }

    /// Returns the error messages.
    fn faults(&self) -> Vec<String> {
        let of_input = self.input_fault.as_ref().map(ToString::to_string);
        let of_the_rest = match &self.recorded.fault {
            None => self.stop_message(),
            Some(fault) => match (with_causes(fault), self.recorded.unrecorded) {
                (fault, 0) => Some(fault),
                (fault, unrecorded) => Some(format!(
                    "{fault}; {unrecorded} outcomes could not be recorded"
                )),
            },
        };
        let of_custsync = crash::message().map(str::to_owned);
        of_custsync
            .into_iter()
            .chain(of_input)
            .chain(of_the_rest)
            .collect()
    }

    /// Returns the reason of the stop, with the host or the proxy that is at fault.
    fn stop_message(&self) -> Option<String> {
        let (reason, route) = (self.stop.as_ref()?, self.route.as_ref());
        let with_route = route.and_then(|route| match reason {
            StopReason::Unreachable { fault } => Some(route.explain(*fault)),
            StopReason::EveryRowWouldFail { status } => route.explain_status(*status),
            StopReason::Outage {
                cause: Some(cause), ..
            } => Some(format!("{reason} ({})", pipeline::explain(route, *cause))),
            _ => None,
        });
        Some(with_route.unwrap_or_else(|| reason.to_string()))
    }
}

/// The figures of sending.
pub(in crate::commands) struct SendingFigures {
    pub(in crate::commands) statistics: Statistics,
    pub(in crate::commands) latencies: Latencies,
    /// The part of the time that each cause held the run back.
    pub(in crate::commands) held_back: Vec<(Brake, f64)>,
}

/// Returns the messages in one text, if there are any.
fn joined(messages: &[String]) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join("\n"))
}
