//! Prints the summary and the errors of a run or check.

use std::io;

use super::{Finish, ProcessEnding};
use crate::config::output::{OutputFormat, Verbosity};
use crate::process::crash;
use crate::process::exit::Exit;
use crate::results::summary::{Summary, SummaryText, Tone};
use crate::terminal::{self, AnsiColor, Terminal};

impl Finish<'_> {
    /// Prints the summary, or as much of it as the user wants to see.
    pub(super) fn print(&self, ended: &ProcessEnding, terminal: &Terminal) -> io::Result<()> {
        let (summary, said) = (&ended.summary, &ended.said);
        let output = &self.settings.output;
        if output.output_format == OutputFormat::Json {
            return terminal.print(&summary.to_json());
        }
        let mut end = self.end(summary, said);
        if !terminal.shows_both() {
            // They go to standard error, which may be the same file.
            end.reported.clone_from(said);
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
        let color = match summary.tone {
            Tone::Good => AnsiColor::Green,
            Tone::Mixed => AnsiColor::Yellow,
            Tone::Bad => AnsiColor::Red,
        };
        let rest = [&text.reasons, details, blank, &text.next].concat();
        terminal.print_colored(&text.verdict, color, &rest)
    }

    /// Prints the error messages, unless the user has just read them in the summary.
    pub(super) fn print_errors(&self, said: &[String], terminal: &Terminal) {
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

    /// Returns the tone of the verdict.
    pub(super) fn tone(exit: Exit, summary: &Summary) -> Tone {
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
}
