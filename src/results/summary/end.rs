//! The end of a run or check, as far as `summary.json` does not tell it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::next_step::{NextStep, StepSummary};

/// The end of a run or check, as people are told of it beside the figures of the summary.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// The cause of an early stop.
    pub(crate) stopped: Option<StoppedBy>,
    /// The error messages, without that of the stop if there is one.
    pub(crate) faults: Vec<String>,
    /// The messages of both kinds that standard error has, so that the text leaves them out.
    pub(crate) reported: Vec<String>,
    /// Whether `--max-rows` ended the reading before the end of the input.
    pub(crate) is_cut_by_max_rows: bool,
    /// Rows that `--skip-rows` passes over.
    pub(crate) skipped_rows: u64,
    /// Requests that were given up without an answer.
    pub(crate) cut_off: u64,
    /// The time at which an earlier process finished the run, if nothing was left for this one.
    pub(crate) finished_before: Option<Timestamp>,
    /// A line for each input whose format its name does not show.
    pub(crate) input_notes: Vec<String>,
    /// The next steps, the most important last.
    pub(crate) next: Vec<NextStep>,
    /// The contents of their commands.
    pub(crate) commands: Commands,
}

/// Whether commands that are made of the typed one may hold customers' values, as in `--set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Commands {
    /// They hold none.
    #[default]
    HoldNoValues,
    /// They may hold some.
    MayHoldValues,
}

impl End {
    /// Returns the next steps, for the user's own screen.
    pub(super) fn steps(&self) -> Vec<StepSummary> {
        self.next.iter().map(StepSummary::from).collect()
    }

    /// Returns the next steps for files, which hold no customer's value.
    pub(super) fn steps_for_files(&self) -> Vec<StepSummary> {
        let steps = self.steps().into_iter();
        match self.commands {
            Commands::HoldNoValues => steps.collect(),
            Commands::MayHoldValues => steps.map(StepSummary::without_command).collect(),
        }
    }
}

/// The colour of a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Everything is as the file says.
    Good,
    /// Some rows need attention, or the same command goes on.
    #[default]
    Mixed,
    /// Nothing was updated, or something has to be fixed first.
    Bad,
}

/// The cause that ended a run or check early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoppedBy {
    /// SIGHUP.
    HangUp,
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Termination,
    /// `--max-errors`.
    ErrorLimit,
    /// `--echo reject`.
    Echo,
    /// `--canary`, whose verdict is good.
    GoodCanary,
    /// `--canary`, whose verdict is bad.
    BadCanary,
    /// `--hours`.
    Hours,
    /// `--max-changes`.
    ChangeLimit,
    /// The state.
    State,
    /// The plan.
    Plan,
    /// The input.
    Input,
    /// The journal, which cannot be written.
    Journal,
    /// The API, or the way to it.
    Api,
}

impl StoppedBy {
    /// Returns the first words of the verdict.
    pub(super) fn words(self) -> &'static str {
        match self {
            StoppedBy::HangUp => "Stopped because the terminal hung up",
            StoppedBy::Interrupt => "Interrupted",
            StoppedBy::Termination => "Terminated",
            StoppedBy::ErrorLimit => "Stopped by --max-errors",
            StoppedBy::ChangeLimit => "Stopped by --max-changes",
            StoppedBy::State => "Stopped because the state cannot be used",
            StoppedBy::Plan => "Stopped because the plan cannot be used",
            StoppedBy::GoodCanary => "Stopped after the canary, which is good",
            StoppedBy::BadCanary => "Stopped after the canary, which is bad",
            StoppedBy::Hours => "Stopped at the end of --hours",
            StoppedBy::Echo => "Stopped by --echo reject",
            StoppedBy::Input => "Stopped because the input cannot be read on",
            StoppedBy::Journal => "Stopped because outcomes cannot be recorded",
            StoppedBy::Api => "Stopped early",
        }
    }

    /// Whether the first words say all there is to say.
    pub(super) fn says_all(self) -> bool {
        matches!(
            self,
            StoppedBy::HangUp | StoppedBy::Interrupt | StoppedBy::Termination | StoppedBy::Journal
        )
    }
}
