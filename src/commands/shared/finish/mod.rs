//! The end of a run or check: the summary, its file, the report and the exit code.

mod printing;
mod summing;

use std::io;
use std::mem;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use jiff::Timestamp;
use tracing::warn;

use crate::api::Route;
use crate::commands::CommandEnd;
use crate::commands::Failure;
use crate::commands::failure::in_one_line;
use crate::commands::shared::continuing::stopped_by;
use crate::commands::shared::next_steps::{Ended, Typed};
use crate::commands::shared::notices::{Told, ToldFiles};
use crate::commands::shared::{named_file, report_file};
use crate::config::Settings;
use crate::input::InputError;
use crate::journal::{
    Fact, Figures, Process, ProcessEnd, Processes, Purpose, RunDir, RunDirError, SUMMARY_NAME,
    WriteError,
};
use crate::pipeline::recorder::Recorded;
use crate::pipeline::sender::ReadTo;
use crate::preview::Findings;
use crate::process::crash;
use crate::process::exit::Exit;
use crate::results::held_back::Brake;
use crate::results::report::REPORT_NAME;
use crate::results::summary::{self, End, InputNames, ProcessSummary, Summary, Totals};
use crate::results::tally::{Latencies, RowsRead};
use crate::schedule::{Statistics, StopReason};
use crate::terminal::{self, Terminal};

/// A run or check that has ended, with all that its summary needs.
pub(in crate::commands) struct Finish<'a> {
    pub(in crate::commands) command: Purpose,
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
    pub(in crate::commands) sending: Option<SendingFigures>,
    /// The command, as it was typed.
    pub(in crate::commands) typed: Typed<'a>,
    /// The time before which the run need not go on: the end of a wait that the API asked for, or the
    /// begin of the user's hours.
    pub(in crate::commands) until: Option<Timestamp>,
    /// The result of printing so far.
    pub(in crate::commands) printed: io::Result<()>,
    /// The findings of a preview.
    pub(in crate::commands) preview: Option<Findings>,
}

/// The figures of what a run has sent.
pub(in crate::commands) struct SendingFigures {
    pub(in crate::commands) statistics: Statistics,
    pub(in crate::commands) latencies: Latencies,
    /// The part of the time that each cause held the run back.
    pub(in crate::commands) held_back: Vec<(Brake, f64)>,
    /// The earlier processes of the run.
    pub(in crate::commands) earlier: Processes,
    /// Requests that the end left without an answer.
    pub(in crate::commands) cut_off: usize,
    /// Whether the API keeps fields that an update leaves out, if that was found out.
    pub(in crate::commands) left_out_is_kept: Option<bool>,
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

impl Finish<'_> {
    /// Warns if no row was read: the exit code of 0 would look like success.
    fn warn_of_no_rows(&self, summary: &Summary) {
        let skipped = self.rows.start.saturating_sub(1);
        if summary.records == 0 && skipped > 0 && self.stop.is_none() && self.input_fault.is_none()
        {
            warn!("no row was read: --skip-rows {skipped} skips the whole input");
        }
    }

    /// Writes the summary, the end of the journal and the report, prints the summary and the errors, and
    /// returns the exit code and what others may be told. They are told when the command has closed
    /// its files.
    pub(in crate::commands) fn finish(
        mut self,
        terminal: &Terminal,
    ) -> Result<CommandEnd, Failure> {
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
        let mut end = self.begin_end();
        self.warn_of_no_rows(&end.summary);
        if let Err(error) = self.write(&end.summary) {
            self.fail(&mut end, in_one_line(&error.into()));
        }
        if let Err(error) = self.record_end(&end) {
            self.fail(&mut end, in_one_line(&error.into()));
            // The summary should have the final exit code, if it can still be written.
            self.write(&end.summary).ok();
        }
        self.write_report(&mut end);
        let printed = self.print(&end, terminal);
        self.print_errors(&end.said, terminal);
        if let Err(error) = mem::replace(&mut self.printed, Ok(())).and(printed) {
            self.fail_to_print(&mut end, error);
        }
        if let Some(path) = &self.settings.output.summary_file {
            named_file::write_summary(path, &end.summary.to_json());
        }
        Ok(CommandEnd {
            code: end.summary.exit_code,
            told: Some(Box::new(Told::of(
                end.exit,
                &end.summary,
                self.told_files(),
            ))),
        })
    }

    /// Returns the files that are there after the end.
    fn told_files(&self) -> ToldFiles {
        if !self.is_kept {
            return ToldFiles::default();
        }
        let summary = self.run_dir.file(SUMMARY_NAME);
        ToldFiles {
            run_dir: Some(self.run_dir.path().to_owned()),
            summary: Some(summary).filter(|file| file.exists()),
        }
    }

    /// Returns the end of the process before anything of it is written.
    fn begin_end(&self) -> ProcessEnding {
        let took = self.started_at.clock.elapsed();
        let at = Timestamp::now();
        let figures = self.figures(took);
        let summary = self.summary(at, took, figures.as_ref());
        let mut end = ProcessEnding {
            at,
            exit: self.exit(&summary),
            said: self.faults(),
            figures,
            summary,
        };
        self.describe(&mut end);
        end
    }

    /// Takes in an error of the run directory.
    fn fail(&self, end: &mut ProcessEnding, message: String) {
        end.said.push(message);
        end.exit = Exit::RunDirectory;
        self.describe(end);
    }

    /// Takes in that the summary could not be printed.
    fn fail_to_print(&self, end: &mut ProcessEnding, error: io::Error) {
        let message = Failure::stdout(error).message();
        terminal::print_error(&message);
        // The run itself ended as the journal says. If it stopped, the exit code for that says more.
        if matches!(end.exit, Exit::Success | Exit::SomeRowsFailed) {
            self.fail(end, message);
            self.write(&end.summary).ok();
        } else {
            end.said.push(message);
            self.describe(end);
        }
    }

    /// Writes the report, which reads the other files. It is of use, but nothing depends on it.
    fn write_report(&self, end: &mut ProcessEnding) {
        if !self.is_kept || self.recorded.fault.is_some() {
            return;
        }
        if let Err(error) = report_file::write(&self.run_dir) {
            warn!("there is no {REPORT_NAME}: {}", in_one_line(&error));
            let report = self.run_dir.display_path(REPORT_NAME);
            end.summary.files.retain(|file| *file != report);
            self.write(&end.summary).ok();
        }
    }

    /// Writes the summary's file.
    fn write(&self, summary: &Summary) -> Result<(), RunDirError> {
        self.run_dir
            .replace_file(SUMMARY_NAME, summary.to_json().as_bytes())
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
            next: match self.command {
                Purpose::Run => self.typed.after_run(&ended),
                Purpose::Check => self.typed.after_check(&ended),
                Purpose::Preview => self.typed.after_preview(&ended),
                Purpose::Undo => self.typed.after_undo(&ended),
            },
            commands: self.typed.commands(),
        }
    }

    /// Sets what the summary says about the end of this process.
    fn describe(&self, end: &mut ProcessEnding) {
        let ProcessEnding {
            at,
            exit,
            said,
            figures,
            summary,
        } = end;
        summary.exit_code = self.code(*exit);
        summary.error_message = joined(said);
        if let Some((figures, sending)) = figures.as_ref().zip(self.sending.as_ref()) {
            let mut processes = sending.earlier.clone();
            processes.add(Process {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                started: figures.started,
                rows: self.recorded.written,
                end: Some(ProcessEnd {
                    at: *at,
                    exit: exit.code(),
                    figures: Some(Box::new(figures.clone())),
                }),
            });
            summary.processes = Some(ProcessSummary::all(&processes));
            summary.totals = Some(Totals::of(&processes));
        }
        let told = self.end(summary, said);
        summary.describe(&told, Self::tone(*exit, summary));
    }

    /// Returns the figures of this process; `None` for a check.
    fn figures(&self, took: Duration) -> Option<Figures> {
        let sending = self.sending.as_ref()?;
        Some(summary::figures(
            self.started_at.at,
            took,
            &sending.statistics,
            &sending.latencies,
        ))
    }

    /// Writes the end of this process as the journal's last line and syncs it: the line says
    /// whether the run is finished. Nothing is written to a journal that has failed before.
    fn record_end(&mut self, end: &ProcessEnding) -> Result<(), WriteError> {
        if self.recorded.fault.is_some() {
            return Ok(());
        }
        let (until, opens) = match &self.stop {
            Some(StopReason::HoursEnded) => (None, self.until),
            Some(_) => (self.until, None),
            None => (None, None),
        };
        let journal = &mut self.recorded.journal;
        journal.push_fact(&Fact::Ended {
            at: end.at,
            exit: end.exit.code(),
            until,
            opens,
            figures: end.figures.clone().map(Box::new),
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

    /// Whether a preview was to find nothing that would change (`--expect-equal`), and did.
    fn is_unexpected(&self) -> bool {
        let findings = self.preview.as_ref();
        self.settings.preview.expect_equal && findings.is_some_and(|findings| !findings.is_equal())
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
            None if summary.has_bad_rows() || self.is_unexpected() => Exit::SomeRowsFailed,
            None => Exit::Success,
        }
    }
}

/// The end of a process, as far as it is known.
struct ProcessEnding {
    at: Timestamp,
    exit: Exit,
    /// The error messages.
    said: Vec<String>,
    /// The figures of a process that sends.
    figures: Option<Figures>,
    summary: Summary,
}

/// Returns the messages in one text, if there are any.
fn joined(messages: &[String]) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join("\n"))
}
