//! The command that continues a run that stopped.

use std::ffi::OsString;
use std::path::Path;

use crate::config::Settings;
use crate::input::KnownInput;
use crate::schedule::StopReason;
use crate::text;

/// The verb that sends.
const VERB: &str = "run";
/// The flag that a command to continue a run must not have.
const FRESH: &str = "--fresh";
/// The word that ends the flags.
const END_OF_FLAGS: &str = "--";

/// The way to continue a run that stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Continuation {
    /// By this command.
    Command(String),
    /// By this command, with the same bytes piped into it again.
    PipedAgain(String),
}

impl Continuation {
    /// Returns the way to continue a run in this directory that these arguments began.
    pub(in crate::commands) fn of(
        arguments: &[OsString],
        settings: &Settings,
        inputs: &[KnownInput],
        run_dir: &Path,
    ) -> Continuation {
        let named = settings.output.run_dir.is_none().then_some(run_dir);
        let command = command(arguments, named, &[]);
        if inputs.iter().all(KnownInput::can_be_read_twice) {
            Continuation::Command(command)
        } else {
            Continuation::PipedAgain(command)
        }
    }
}

/// Returns the command that sends one row of a run in this directory, if the inputs can be read
/// again.
pub(in crate::commands) fn one_row(
    arguments: &[OsString],
    settings: &Settings,
    inputs: &[KnownInput],
    run_dir: &Path,
) -> Option<String> {
    let named = settings.output.run_dir.is_none().then_some(run_dir);
    let can_be_read_twice = inputs.iter().all(KnownInput::can_be_read_twice);
    // A limit that was typed is a trial already.
    (can_be_read_twice && settings.input.max_rows.is_none())
        .then(|| command(arguments, named, &["--max-rows", "1"]))
}

/// Whether the same command can continue after this stop, now or later.
pub(in crate::commands) fn can_go_on(reason: &StopReason) -> bool {
    match reason {
        StopReason::Outage { .. }
        | StopReason::OnlyRefusals { .. }
        | StopReason::NoSockets { .. }
        | StopReason::WaitTooLong { .. }
        | StopReason::UnexpectedAnswers { .. }
        | StopReason::TokenRefused
        | StopReason::LoginNeeded
        | StopReason::TokenUnavailable { .. }
        | StopReason::Forbidden { .. }
        | StopReason::Unreachable { .. }
        | StopReason::InputUnusable
        | StopReason::JournalUnwritable
        | StopReason::HungUp
        | StopReason::Interrupted
        | StopReason::Terminated => true,
        // These need another limit, another address or another input.
        StopReason::ErrorLimit { .. }
        | StopReason::Redirected { .. }
        | StopReason::AllNotFound { .. }
        | StopReason::EveryRowWouldFail { .. }
        | StopReason::InputChanged { .. }
        | StopReason::CannotCompare => false,
    }
}

/// Returns the command as typed, with `--run-dir` and other flags after the verb, so that they come
/// before any `--`. Words are quoted for a POSIX shell.
fn command(arguments: &[OsString], run_dir: Option<&Path>, flags: &[&str]) -> String {
    let verb = arguments
        .iter()
        .skip(1)
        .position(|word| word == VERB)
        .map(|at| at + 1);
    let end_of_flags = arguments
        .iter()
        .position(|word| word == END_OF_FLAGS)
        .unwrap_or(arguments.len());
    let mut words = Vec::new();
    for (at, word) in arguments.iter().enumerate() {
        if run_dir.is_some() && word == FRESH && at < end_of_flags {
            continue;
        }
        words.push(text::shell_word(word));
        if Some(at) == verb {
            words.extend(flags.iter().map(|flag| (*flag).to_owned()));
            if let Some(run_dir) = run_dir {
                words.extend([
                    "--run-dir".to_owned(),
                    text::shell_word(run_dir.as_os_str()),
                ]);
            }
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_directory_is_named_behind_the_verb() {
        let check = |line: &str, run_dir: Option<&str>, want: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let run_dir = run_dir.map(Path::new);
            assert_eq!(command(&arguments, run_dir, &[]), want, "{line}");
        };
        check(
            "custsync run a.csv",
            Some("d"),
            "custsync run --run-dir d a.csv",
        );
        check(
            "custsync run a.csv --run-dir d",
            None,
            "custsync run a.csv --run-dir d",
        );
        check(
            "/bin/custsync run --rate 5/s -- a.csv",
            Some("d e"),
            "/bin/custsync run --run-dir 'd e' --rate 5/s -- a.csv",
        );
        check("run run run", Some("d"), "run run --run-dir d run");
        check(
            "custsync run --fresh a.csv",
            Some("d"),
            "custsync run --run-dir d a.csv",
        );
        check(
            "custsync run -- --fresh",
            Some("d"),
            "custsync run --run-dir d -- --fresh",
        );
        let words = ["custsync", "run", "--", "a.csv"].map(OsString::from);
        assert_eq!(
            command(&words, None, &["--max-rows", "1"]),
            "custsync run --max-rows 1 -- a.csv"
        );
    }
}
