//! The end of a run or check: the summary, its file and the exit code.

use std::collections::BTreeMap;
use std::io;
use std::mem;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use jiff::Timestamp;
use tracing::warn;

use crate::api::Route;
use crate::commands::Failure;
use crate::commands::failure::in_one_line;
use crate::commands::shared::continuing::stopped_by;
use crate::commands::shared::next_steps::{Ended, Typed};
use crate::commands::shared::summary_file;
use crate::config::Settings;
use crate::config::output::{OutputFormat, Verbosity};
use crate::input::InputError;
use crate::journal::{
    Fact, Figures, JOURNAL_NAME, Process, ProcessEnd, Processes, RunDir, RunDirError, SUMMARY_NAME,
    WriteError,
};
use crate::pipeline;
use crate::pipeline::recorder::Recorded;
use crate::pipeline::sender::ReadTo;
use crate::process::crash;
use crate::process::exit::Exit;
use crate::results::held_back::Brake;
use crate::results::summary::{
    self, End, InputNames, ProcessSummary, SendingSummary, Summary, SummaryText, Tone, Totals,
};
use crate::results::tally::{Latencies, RowsRead};
use crate::schedule::{Statistics, StopReason};
use crate::terminal::{self, AnsiColor, Terminal};
use crate::text::{self, with_causes};

/// The results to report.
pub(in crate::commands) struct Report<'a> {
    pub(in crate::commands) command: &'static str,
    pub(in crate::commands) settings: &'a Settings,
    pub(in crate::commands) names: InputNames,
    pub(in crate::commands) run_dir: RunDir,
    /// Whether the run directory is there after the end.
    pub(in crate::commands) is_kept: bool,
    pub(in crate::commands) started_at: StartedAt,
    pub(in crate::commands) read: RowsRead,
    pub(in crate::commands) read_to: ReadTo,
    /// The rows to read.
    pub(in crate::commands) rows: Range<u64>,
    /// Their number, if they were counted.
    pub(in crate::commands) rows_in_all: Option<u64>,
    pub(in crate::commands) stop: Option<StopReason>,
    /// The route of the requests.
    pub(in crate::commands) route: Option<Route>,
    pub(in crate::commands) input_fault: Option<InputError>,
    pub(in crate::commands) recorded: Recorded,
    /// The figures of a run.
    pub(in crate::commands) sending: Option<SendingReport>,
    /// The command, as it was typed.
    pub(in crate::commands) typed: Typed<'a>,
    /// The end of a wait that the API asked for, if it is not over.
    pub(in crate::commands) until: Option<Timestamp>,
    /// The result of printing so far.
    pub(in crate::commands) printed: io::Result<()>,
}

/// The figures of what a run has sent.
pub(in crate::commands) struct SendingReport {
    pub(in crate::commands) statistics: Statistics,
    pub(in crate::commands) latencies: Latencies,
    /// The part of the time that each cause held the run back.
    pub(in crate::commands) held_back: Vec<(Brake, f64)>,
    /// The earlier processes of the run.
    pub(in crate::commands) earlier: Processes,
    /// Requests that the end left without an answer.
    pub(in crate::commands) cut_off: usize,
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
        let ended = EndedAt::after(self.started_at);
        let figures = self.figures(&ended);
        let mut summary = self.summary(&ended, figures.as_ref());
        self.warn_of_no_rows(&summary);
        let mut exit = self.exit(&summary);
        let mut said = self.faults();
        self.set_end(&mut summary, exit, figures.as_ref(), &ended, &said);
        if let Err(error) = self.write(&summary) {
            said.push(in_one_line(&error.into()));
            exit = Exit::RunDirectory;
            self.set_end(&mut summary, exit, figures.as_ref(), &ended, &said);
        }
        if let Err(error) = self.record_end(exit, figures.clone(), &ended) {
            said.push(in_one_line(&error.into()));
            exit = Exit::RunDirectory;
            self.set_end(&mut summary, exit, figures.as_ref(), &ended, &said);
            // The summary should have the final exit code, if it can still be written.
            self.write(&summary).ok();
        }
        let printed = self.print(&summary, exit, &said, terminal);
        self.print_errors(&said, terminal);
        if let Err(error) = mem::replace(&mut self.printed, Ok(())).and(printed) {
            let message = Failure::stdout(error).message();
            terminal::print_error(&message);
            said.push(message);
            // The run itself ended as the journal says. If it stopped, the exit code for that says
            // more.
            let says_less = matches!(exit, Exit::Success | Exit::SomeRowsFailed);
            if says_less {
                exit = Exit::RunDirectory;
            }
            self.set_end(&mut summary, exit, figures.as_ref(), &ended, &said);
            if says_less {
                self.write(&summary).ok();
            }
        }
        if let Some(path) = &self.settings.output.summary_file {
            summary_file::write(path, &summary.to_json());
        }
        Ok(summary.exit_code)
    }

    /// Writes the summary's file.
    fn write(&self, summary: &Summary) -> Result<(), RunDirError> {
        self.run_dir
            .replace_file(SUMMARY_NAME, summary.to_json().as_bytes())
    }

    /// Prints the summary, or as much of it as the user wants to see.
    fn print(
        &self,
        summary: &Summary,
        exit: Exit,
        said: &[String],
        terminal: &Terminal,
    ) -> io::Result<()> {
        let output = &self.settings.output;
        if output.output_format == OutputFormat::Json {
            return terminal.print(&summary.to_json());
        }
        let mut end = self.end(summary, said);
        if !terminal.shows_both() {
            // They go to standard error, which may be the same file.
            end.reported = said.to_vec();
        }
        let text = SummaryText::of(summary, &end);
        let details = match output.verbosity {
            Verbosity::Silent => return Ok(()),
            Verbosity::Quiet => "",
            Verbosity::Normal | Verbosity::Detailed | Verbosity::Everything => &text.details,
        };
        let blank = if details.is_empty() || text.next.is_empty() {
            ""
        } else {
            "\n"
        };
        let color = match tone(exit, summary) {
            Tone::Good => AnsiColor::Green,
            Tone::Mixed => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        let rest = [&text.reasons, details, blank, &text.next].concat();
        terminal.print_colored(&text.verdict, color, &rest)
    }

    /// Prints the error messages, unless the user has just read them in the summary.
    fn print_errors(&self, said: &[String], terminal: &Terminal) {
        let output = &self.settings.output;
        let is_told = terminal.shows_both()
            && output.output_format == OutputFormat::Text
            && output.verbosity != Verbosity::Silent;
        if is_told {
            return;
        }
        // A panic was reported where it happened.
        let untold = said
            .iter()
            .filter(|message| crash::message() != Some(message.as_str()));
        untold.for_each(|message| terminal::print_error(message));
    }

    /// Returns the end of the run as people are told of it.
    fn end(&self, summary: &Summary, said: &[String]) -> End {
        let ended = Ended {
            summary,
            run_dir: &self.run_dir,
            failed_files: &self.recorded.failed_files,
            stop: self.stop.as_ref(),
            until: self.until,
            is_cut_by_max_rows: self.is_cut_by_max_rows(),
            is_kept: self.is_kept,
            has_lost_journal: self.recorded.journal.is_lost(),
        };
        let sending = self.sending.as_ref();
        let of_stop = self.stop_message();
        let nothing_done = sending.filter(|sending| {
            self.recorded.written == 0 && sending.statistics.attempts == 0 && summary.records > 0
        });
        End {
            stopped: self.stop.as_ref().map(stopped_by),
            faults: (said.iter())
                .filter(|message| Some(message.as_str()) != of_stop.as_deref())
                .cloned()
                .collect(),
            reported: Vec::new(),
            is_cut_by_max_rows: self.is_cut_by_max_rows(),
            skipped_rows: self.rows.start.saturating_sub(1),
            cut_off: sending.map_or(0, |sending| {
                u64::try_from(sending.cut_off).unwrap_or(u64::MAX)
            }),
            finished_before: nothing_done.and_then(|sending| sending.earlier.finished_at),
            input_notes: self.names.notes(),
            next: match sending {
                Some(_) => self.typed.after_run(&ended),
                None => self.typed.after_check(&ended),
            },
        }
    }

    /// Sets what the summary says about the end of this process.
    fn set_end(
        &self,
        summary: &mut Summary,
        exit: Exit,
        figures: Option<&Figures>,
        ended: &EndedAt,
        said: &[String],
    ) {
        summary.exit_code = self.code(exit);
        summary.error_message = joined(said);
        let Some((figures, sending)) = figures.zip(self.sending.as_ref()) else {
            return;
        };
        let mut processes = sending.earlier.clone();
        processes.add(Process {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: figures.started,
            rows: self.recorded.written,
            end: Some(ProcessEnd {
                at: ended.at,
                exit: exit.code(),
                figures: Some(Box::new(figures.clone())),
            }),
        });
        summary.processes = Some(ProcessSummary::all(&processes));
        summary.totals = Some(Totals::of(&processes));
    }

    /// Returns the figures of this process; `None` for a check.
    fn figures(&self, ended: &EndedAt) -> Option<Figures> {
        let sending = self.sending.as_ref()?;
        Some(summary::figures(
            self.started_at.at,
            ended.took,
            &sending.statistics,
            &sending.latencies,
        ))
    }

    /// Writes the end of this process as the journal's last line and syncs it: the line says
    /// whether the run is finished. Nothing is written to a journal that has failed before.
    fn record_end(
        &mut self,
        exit: Exit,
        figures: Option<Figures>,
        ended: &EndedAt,
    ) -> Result<(), WriteError> {
        if self.recorded.fault.is_some() {
            return Ok(());
        }
        let until = self.stop.as_ref().and(self.until);
        let journal = &mut self.recorded.journal;
        journal.push_fact(&Fact::Ended {
            at: ended.at,
            exit: exit.code(),
            until,
            figures: figures.map(Box::new),
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

    fn summary(&self, ended: &EndedAt, figures: Option<&Figures>) -> Summary {
        let tally = &self.recorded.tally;
        let sending = figures.zip(self.sending.as_ref());
        let mut summary = Summary {
            version: env!("CARGO_PKG_VERSION"),
            command: self.command,
            inputs: self.names.names().to_vec(),
            read_as: self.names.read_as(),
            run_dir: self.is_kept.then(|| text::safe_path(self.run_dir.path())),
            started: summary::format_time(self.started_at.at),
            ended: summary::format_time(ended.at),
            seconds: summary::rounded(ended.took.as_secs_f64()),
            records: 0,
            read_to_end: self.read_to == ReadTo::End && !self.has_reached_max_rows(),
            total: if self.read_to == ReadTo::End {
                Some(self.read.rows)
            } else {
                self.rows_in_all
            },
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
            sending: sending.map(|(figures, sending)| {
                SendingSummary::of(figures).with_own(&sending.statistics, &sending.held_back)
            }),
            processes: None,
            totals: None,
            stopped: self.stop_message(),
            continue_with: (self.sending.as_ref())
                .filter(|_| !self.recorded.journal.is_lost())
                .and_then(|_| self.typed.continuation(&self.run_dir, self.stop.as_ref())),
            error_message: None,
            exit_code: 0,
            files: self.files(),
        };
        summary.count(tally, &self.read, self.recorded.unrecorded);
        summary
    }

    /// Returns the files of the run directory, of which someone may have deleted some. The summary
    /// is one of them, if the directory is still there to hold it.
    fn files(&self) -> Vec<String> {
        if !self.is_kept {
            return Vec::new();
        }
        let failed_files = self.recorded.failed_files.iter().map(String::as_str);
        let others = [JOURNAL_NAME].into_iter().chain(failed_files);
        others
            .filter(|name| self.run_dir.file(name).exists())
            .chain(
                [SUMMARY_NAME]
                    .into_iter()
                    .filter(|_| self.run_dir.path().exists()),
            )
            .map(|name| self.run_dir.display_path(name))
            .collect()
    }

    /// Whether `--max-rows` ended the reading.
    fn is_cut_by_max_rows(&self) -> bool {
        self.read_to == ReadTo::End && self.has_reached_max_rows()
    }

    /// Whether rows beyond `--max-rows` may be unread.
    fn has_reached_max_rows(&self) -> bool {
        self.read
            .last_row
            .is_some_and(|last| last.saturating_add(1) >= self.rows.end)
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
            .map(|message| text::without_os_errors(&message).into_owned())
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

/// The end of a process.
struct EndedAt {
    at: Timestamp,
    took: Duration,
}

impl EndedAt {
    fn after(start: StartedAt) -> EndedAt {
        EndedAt {
            at: Timestamp::now(),
            took: start.clock.elapsed(),
        }
    }
}

/// Returns the tone of the verdict.
fn tone(exit: Exit, summary: &Summary) -> Tone {
    let is_good = |count: Option<u64>| count.is_some_and(|rows| rows > 0);
    match exit {
        Exit::Success => Tone::Good,
        Exit::SomeRowsFailed if is_good(summary.valid.or(summary.updated)) => Tone::Mixed,
        Exit::StoppedEarly | Exit::HungUp | Exit::Interrupted | Exit::Terminated => Tone::Mixed,
        Exit::SomeRowsFailed
        | Exit::Unusable
        | Exit::Refused
        | Exit::RunDirectory
        | Exit::LimitReached
        | Exit::Fault => Tone::Bad,
    }
}

/// Returns the messages in one text, if there are any.
fn joined(messages: &[String]) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join("\n"))
}
