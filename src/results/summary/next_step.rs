//! The next step for the user, with the command for it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::words::counted;
use crate::download::has_hidden_query;
use crate::text::grouped;

/// A step that the user can take next, with the command for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Send the rows that were checked.
    Send {
        /// The command.
        command: String,
        /// The number of valid rows, if others are not.
        rows: Option<u64>,
        /// The parts that the command needs besides its words.
        needs: Needs,
    },
    /// Correct the input and check it again.
    CheckAgain {
        /// The command.
        command: String,
    },
    /// Correct the failed rows and run them.
    Correct {
        /// The files of failed rows.
        files: Vec<String>,
        /// The command.
        command: String,
    },
    /// Send the rows again of which every attempt failed.
    SendFailedAgain {
        /// Their number.
        rows: u64,
        /// The command.
        command: String,
    },
    /// Send the rows behind `--max-rows`.
    SendRest {
        /// The command.
        command: String,
        /// The parts that the command needs besides its words.
        needs: Needs,
    },
    /// Go on with another `--max-errors`.
    RaiseLimit {
        /// The command.
        command: String,
    },
    /// Send in spite of many changes, without `--max-changes`.
    AllowChanges {
        /// The command.
        command: String,
    },
    /// Look at updated rows that the API shows in another way than they were sent.
    LookAtEcho {
        /// The file that names them.
        results: String,
    },
    /// Look at such rows, and go on with `--echo warn`.
    GoOnDespiteEcho {
        /// The file that names them.
        results: String,
        /// The command.
        command: String,
    },
    /// Look at the canary's rows, and go on to all others.
    GoOnAfterCanary {
        /// The file that names them.
        results: String,
        /// The command.
        command: String,
    },
    /// Go on with the same command.
    GoOn {
        /// The time at which that is of use.
        when: TimeToGoOn,
        /// The command.
        command: String,
    },
    /// Begin a preview again.
    LookAgain {
        /// The time at which that is of use.
        when: TimeToGoOn,
        /// The parts that the command needs besides its words.
        needs: Needs,
        /// The command.
        command: String,
    },
    /// Put back what the run has changed.
    Undo {
        /// The command.
        command: String,
    },
    /// Put back what others have changed since, too.
    Overwrite {
        /// The number of customers.
        customers: u64,
        /// The file that names them.
        results: String,
        /// The command.
        command: String,
    },
    /// Put the journal back: no command goes on without it.
    PutBack {
        /// The journal.
        journal: String,
    },
    /// Go on by piping the same bytes into this command.
    PipeAgain {
        /// The time at which that is of use.
        when: TimeToGoOn,
        /// The command.
        command: String,
    },
}

/// A next step for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSummary {
    /// The advice, which ends with a colon if a command follows.
    pub advice: String,
    /// The command.
    pub command: Option<String>,
}

/// The parts that a command needs besides its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nothing,
    /// A token, or a sandbox.
    Token,
    /// The bytes of the input, through a pipe.
    SameBytes,
}

/// The time at which a run can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeToGoOn {
    /// At any time.
    Now,
    /// When the API works again.
    Later,
    /// From this time on.
    From(Timestamp),
    /// With another token.
    WithToken,
    /// When the API can be reached.
    WithConnection,
    /// When the input is as it should be.
    WithInput,
    /// When the run directory can be written.
    WithDirectory,
}

impl Needs {
    /// Returns the words behind what is done with the command.
    fn words(self) -> &'static str {
        match self {
            Needs::Nothing => "",
            Needs::Token => " (add --token-file FILE, or --sandbox for a trial)",
            Needs::SameBytes => ", pipe the same bytes again into",
        }
    }
}

impl TimeToGoOn {
    /// Returns the words before what is done then, to this end.
    fn words(self, end: &str) -> String {
        let when = match self {
            TimeToGoOn::Now => return end.to_owned(),
            TimeToGoOn::Later => "later",
            TimeToGoOn::From(time) => {
                return format!("{end}, from {} on", time.strftime("%Y-%m-%d %H:%M:%S UTC"));
            }
            TimeToGoOn::WithToken => "with a new token",
            TimeToGoOn::WithConnection => "once it can be reached",
            TimeToGoOn::WithInput => "once the input is right",
            TimeToGoOn::WithDirectory => "once the directory can be written",
        };
        format!("{end}, {when}")
    }
}

impl NextStep {
    /// Returns the advice, which ends before the command if there is one.
    fn advice(&self) -> String {
        match self {
            NextStep::Send { rows, needs, .. } => {
                let what = match rows {
                    None => "them".to_owned(),
                    Some(1) => "the valid row".to_owned(),
                    Some(rows) => format!("the {} valid rows", grouped(*rows)),
                };
                format!("To send {what}{}:", needs.words())
            }
            NextStep::CheckAgain { .. } => "Correct the input and check it again:".to_owned(),
            NextStep::Correct { files, .. } => {
                let them = if files.len() == 1 { "it" } else { "them" };
                format!("Correct {} and run {them}:", files.join(" and "))
            }
            NextStep::SendFailedAgain { rows: 1, .. } => "To send the failed row again:".to_owned(),
            NextStep::SendFailedAgain { rows, .. } => {
                format!("To send the {} failed rows again:", grouped(*rows))
            }
            NextStep::SendRest { needs, .. } => {
                format!("To send the rows that follow{}:", needs.words())
            }
            NextStep::RaiseLimit { .. } => {
                "Look at the failed rows first. To go on all the same:".to_owned()
            }
            NextStep::AllowChanges { .. } => {
                "Look at the input first: is it the whole export? To send it all the same:"
                    .to_owned()
            }
            NextStep::LookAtEcho { results } => format!(
                "Compare the rows with \"echo\" in {results} with their customers: the API shows other values than were sent."
            ),
            NextStep::GoOnDespiteEcho { results, .. } => {
                format!("Look at the rows with \"echo\" in {results} first. To go on all the same:")
            }
            NextStep::GoOnAfterCanary { results, .. } => format!(
                "Look at the canary's rows in {results} and at its customers. To go on to all others:"
            ),
            NextStep::Undo { .. } => "To take it all back:".to_owned(),
            NextStep::Overwrite {
                customers, results, ..
            } => format!(
                "{} changed since, and {results} says which fields. To put those back, too:",
                counted(*customers, "customer was", "customers were")
            ),
            NextStep::GoOn { when, .. } => format!("{}:", when.words("To go on")),
            NextStep::LookAgain { when, needs, .. } => {
                let begin = when.words("To look again from the start");
                format!("{begin}{}:", needs.words())
            }
            NextStep::PutBack { journal } => format!(
                "{journal} is gone or is another file. Put it back before you run this again: without it, all rows are sent again."
            ),
            NextStep::PipeAgain { when, .. } => {
                format!(
                    "{}, pipe the same bytes again into:",
                    when.words("To go on")
                )
            }
        }
    }

    fn command(&self) -> Option<&str> {
        match self {
            NextStep::PutBack { .. } | NextStep::LookAtEcho { .. } => None,
            NextStep::Send { command, .. }
            | NextStep::CheckAgain { command }
            | NextStep::Correct { command, .. }
            | NextStep::SendFailedAgain { command, .. }
            | NextStep::SendRest { command, .. }
            | NextStep::RaiseLimit { command }
            | NextStep::AllowChanges { command }
            | NextStep::GoOnDespiteEcho { command, .. }
            | NextStep::GoOnAfterCanary { command, .. }
            | NextStep::Undo { command }
            | NextStep::Overwrite { command, .. }
            | NextStep::GoOn { command, .. }
            | NextStep::LookAgain { command, .. }
            | NextStep::PipeAgain { command, .. } => Some(command),
        }
    }
}

impl StepSummary {
    /// Returns the step without its command, which may hold customers' values.
    pub(super) fn without_command(self) -> StepSummary {
        if self.command.is_none() {
            return self;
        }
        let what = self.advice.trim_end_matches(':');
        StepSummary {
            advice: format!(
                "{what}. (The command was printed at the end. It holds values, which are not kept here.)"
            ),
            command: None,
        }
    }
}

impl From<&NextStep> for StepSummary {
    fn from(step: &NextStep) -> StepSummary {
        StepSummary {
            advice: step.advice(),
            command: step.command().map(str::to_owned),
        }
    }
}

/// Returns the lines about what to do next.
pub(in crate::results) fn next(steps: &[StepSummary]) -> String {
    let lines = steps.iter().map(|step| match &step.command {
        Some(command) if has_hidden_query(command) => format!(
            "{} (put the query of the address in place of `...`):\n  {command}\n",
            step.advice.trim_end_matches(':')
        ),
        Some(command) => format!("{}\n  {command}\n", step.advice),
        None => format!("{}\n", step.advice),
    });
    lines.collect()
}
