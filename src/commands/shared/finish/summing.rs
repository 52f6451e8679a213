//! The facts about a run or check that has ended: its summary, its files and its faults.

use std::time::Duration;

use jiff::Timestamp;

use super::Finish;
use crate::commands::shared::changed_settings;
use crate::contract::EchoCheck;
use crate::journal::{Figures, JOURNAL_NAME, Outcome, SUMMARY_NAME};
use crate::pipeline;
use crate::pipeline::sender::ReadTo;
use crate::preview::PREVIEW_NAME;
use crate::process::crash;
use crate::results::report::REPORT_NAME;
use crate::results::summary::{self, EchoSummary, EchoVerdict, SendingSummary, Summary, Tone};
use crate::results::timeline::TIMELINE_NAME;
use crate::schedule::StopReason;
use crate::text::{self, with_causes};

impl Finish<'_> {
    /// Returns the summary, without the words about its end.
    pub(super) fn summary(
        &self,
        at: Timestamp,
        took: Duration,
        figures: Option<&Figures>,
    ) -> Summary {
        let tally = &self.recorded.tally;
        let sending = figures.zip(self.sending.as_ref());
        let mut summary = Summary {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.command,
            verdict: String::new(),
            reasons: Vec::new(),
            tone: Tone::default(),
            next_steps: Vec::new(),
            inputs: self.names.names().to_vec(),
            read_as: self.names.read_as(),
            run_dir: self.is_kept.then(|| text::safe_path(self.run_dir.path())),
            started: summary::format_time(self.started_at.at),
            ended: summary::format_time(at),
            seconds: summary::rounded(took.as_secs_f64()),
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
            unchanged: None,
            conflict: None,
            elsewhere: None,
            other: None,
            unsent: None,
            unrecorded: None,
            errors: summary::error_groups(tally, self.read.rows, &self.names),
            warnings: summary::warning_groups(&self.read, &self.names),
            echo: EchoSummary::of(
                tally.echo(),
                tally.count(Outcome::Updated),
                &self.names,
                self.echo_verdict(),
            ),
            preview: self.preview.clone(),
            dates_normalised: 0,
            fields_left_out: 0,
            left_out_is_kept: self
                .sending
                .as_ref()
                .and_then(|sending| sending.left_out_is_kept),
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
            failed_files: self.recorded.failed_files.clone(),
            settings: changed_settings::of(self.settings),
        };
        summary.count(tally, &self.read, self.recorded.unrecorded);
        if self.settings.sending.complete {
            // The customers' own values are sent for them.
            summary.fields_left_out = 0;
        }
        summary
    }

    fn echo_verdict(&self) -> EchoVerdict {
        match self.settings.sending.echo {
            EchoCheck::Reject => EchoVerdict::Rejected,
            EchoCheck::Warn | EchoCheck::Off => EchoVerdict::Warned,
        }
    }

    /// Returns the files of the run directory, of which someone may have deleted some. The report and
    /// the summary are written later, if the directory is still there to hold them.
    fn files(&self) -> Vec<String> {
        if !self.is_kept {
            return Vec::new();
        }
        let failed_files = self.recorded.failed_files.iter().map(String::as_str);
        let others = [JOURNAL_NAME, TIMELINE_NAME, PREVIEW_NAME]
            .into_iter()
            .chain(failed_files);
        others
            .filter(|name| self.run_dir.file(name).exists())
            .chain(
                // Without its journal there is no report.
                Some(REPORT_NAME)
                    .filter(|_| self.recorded.fault.is_none())
                    .into_iter()
                    .chain([SUMMARY_NAME])
                    .filter(|_| self.run_dir.path().exists()),
            )
            .map(|name| self.run_dir.display_path(name))
            .collect()
    }

    /// Whether `--max-rows` ended the reading.
    pub(super) fn is_cut_by_max_rows(&self) -> bool {
        self.read_to == ReadTo::End && self.has_reached_max_rows()
    }

    /// Whether rows beyond `--max-rows` may be unread.
    fn has_reached_max_rows(&self) -> bool {
        self.read
            .last_row
            .is_some_and(|last| last.saturating_add(1) >= self.rows.end)
    }

    /// Returns the error messages.
    pub(super) fn faults(&self) -> Vec<String> {
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
    pub(super) fn stop_message(&self) -> Option<String> {
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
