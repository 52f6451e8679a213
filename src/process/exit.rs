//! The exit codes, from which a script or a scheduler decides what to do next. The help text and
//! docs/exit-codes.md hold the tables made here, so that neither can drift from the program.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::schedule::StopReason;

/// The result of the program, with its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every row was updated; under `check`, every row is valid.
    Success = 0,
    /// The input was read to its end, and at least one row ended `invalid`, `rejected` or `failed`.
    SomeRowsFailed = 1,
    /// The command line, the configuration or the input cannot be used.
    Unusable = 2,
    /// The API refuses the token or the permission.
    Refused = 3,
    /// An outage, or a wait that was too long, ended the run before its input.
    StoppedEarly = 4,
    /// The run directory cannot be used or written, or standard output cannot.
    RunDirectory = 5,
    /// A limit set by the user ended the run before its input.
    LimitReached = 6,
    /// A bug in the program: a panic.
    Fault = 70,
    /// SIGHUP: 128 + 1, as shells report it.
    HungUp = 129,
    /// SIGINT: 128 + 2, as shells report it.
    Interrupted = 130,
    /// SIGTERM: 128 + 15, as shells report it.
    Terminated = 143,
}

impl Exit {
    /// Every result, in the order of the codes.
    pub const TABLE: [Self; 11] = [
        Self::Success,
        Self::SomeRowsFailed,
        Self::Unusable,
        Self::Refused,
        Self::StoppedEarly,
        Self::RunDirectory,
        Self::LimitReached,
        Self::Fault,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns the exit code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns what happened, as a clause that fits a table.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "every row updated (`check`: every row valid)",
            Self::SomeRowsFailed => {
                "finished; some rows invalid, rejected or failed, or shown with other values (`--echo reject`); another code with `--bad-rows-exit`"
            }
            Self::Unusable => {
                "usage, configuration or input cannot be used; nothing was sent, or the message says what"
            }
            Self::Refused => "the API refuses the token or the permission",
            Self::StoppedEarly => {
                "stopped early by an outage, a wait longer than `--max-wait`, or the end of `--hours`"
            }
            Self::RunDirectory => {
                "the run directory or the state cannot be used or written: locked, full, damaged, or of another input; or standard output cannot be written"
            }
            Self::LimitReached => {
                "a limit of yours stopped it: `--max-errors`, `--max-changes`, `--canary`, `--echo reject`"
            }
            Self::Fault => {
                "a bug in custsync: the message says whom to tell; what was recorded is intact"
            }
            Self::HungUp => "SIGHUP: drained and recorded",
            Self::Interrupted => "SIGINT: drained and recorded",
            Self::Terminated => "SIGTERM: drained and recorded",
        }
    }

    /// Returns what to do next; empty if there is nothing to do.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Success => "",
            Self::SomeRowsFailed => "look at the failed rows",
            Self::Unusable => "fix the command",
            Self::Refused => "fix the token, same command again",
            Self::StoppedEarly => "same command again, later",
            Self::Fault | Self::HungUp | Self::Interrupted | Self::Terminated => {
                "same command again"
            }
            Self::RunDirectory => "as the message says",
            Self::LimitReached => "look at the rows first, then continue with another limit",
        }
    }

    /// Formats the table for `--help`: a line for each code, with the advice below.
    pub fn help_table() -> String {
        let mut table = String::from("Exit codes:\n");
        for exit in Self::TABLE {
            push_line(
                &mut table,
                format_args!("  {:>3}  {}", exit.code(), exit.meaning()),
            );
            if !exit.advice().is_empty() {
                push_line(&mut table, format_args!("       -> {}", exit.advice()));
            }
        }
        table
    }

    /// Formats the table for docs/exit-codes.md, in Markdown.
    pub fn markdown_table() -> String {
        let mut table = String::from("| exit | means | what to do |\n|---|---|---|\n");
        for exit in Self::TABLE {
            push_line(
                &mut table,
                format_args!(
                    "| {} | {} | {} |",
                    exit.code(),
                    exit.meaning(),
                    exit.advice()
                ),
            );
        }
        table
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&StopReason> for Exit {
    fn from(reason: &StopReason) -> Self {
        match reason {
            StopReason::ErrorLimit { .. }
            | StopReason::TooManyChanges { .. }
            | StopReason::EchoDiffers { .. }
            | StopReason::Canary { .. } => Self::LimitReached,
            StopReason::Outage { .. }
            | StopReason::HoursEnded
            | StopReason::OnlyRefusals { .. }
            | StopReason::NoSockets { .. }
            | StopReason::NoRateStore { .. }
            | StopReason::WaitTooLong { .. }
            | StopReason::TokenUnavailable { .. }
            | StopReason::UnexpectedAnswers { .. }
            | StopReason::InputUnavailable => Self::StoppedEarly,
            StopReason::Redirected { .. }
            | StopReason::AllNotFound { .. }
            | StopReason::EveryRowWouldFail { .. }
            | StopReason::Unreachable { .. }
            | StopReason::NoReads { .. }
            | StopReason::LeftOutIsLost
            | StopReason::InputUnusable => Self::Unusable,
            StopReason::TokenRefused | StopReason::LoginNeeded | StopReason::Forbidden { .. } => {
                Self::Refused
            }
            StopReason::InputChanged { .. }
            | StopReason::InputReplaced
            | StopReason::PlanDiffers { .. }
            | StopReason::PlanUnusable { .. }
            | StopReason::CannotCompare
            | StopReason::StateUnusable { .. }
            | StopReason::JournalUnwritable
            | StopReason::ImagesUnwritable
            | StopReason::ImagesUnreadable
            | StopReason::ReadsUnusable => Self::RunDirectory,
            StopReason::HungUp => Self::HungUp,
            StopReason::Interrupted => Self::Interrupted,
            StopReason::Terminated => Self::Terminated,
        }
    }
}

fn push_line(table: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(table, "{line}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::output::OTHER_EXITS;

    #[test]
    fn codes_are_the_documented_ones_and_every_code_is_in_both_tables() {
        let codes: Vec<u8> = Exit::TABLE.iter().map(|exit| exit.code()).collect();
        let ours = codes
            .iter()
            .copied()
            .filter(|code| (2..=125).contains(code));
        assert_eq!(
            ours.collect::<Vec<_>>(),
            OTHER_EXITS,
            "none of them is taken for bad rows"
        );
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 70, 129, 130, 143]);
        for exit in Exit::TABLE {
            let help_line = format!("{:>5}  {}\n", exit.code(), exit.meaning());
            let markdown_line = format!(
                "| {} | {} | {} |\n",
                exit.code(),
                exit.meaning(),
                exit.advice()
            );
            assert!(Exit::help_table().contains(&help_line), "{help_line}");
            assert!(
                Exit::markdown_table().contains(&markdown_line),
                "{markdown_line}"
            );
        }
    }

    #[test]
    fn only_success_needs_no_advice() {
        for exit in Exit::TABLE {
            assert_eq!(exit.advice().is_empty(), exit == Exit::Success, "{exit:?}");
        }
    }
}
