//! How a run that stopped is continued: the command that goes on, where there is one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::config::Settings;
use crate::input::KnownInput;
use crate::schedule::StopReason;
use crate::text;

/// The verb that sends.
const VERB: &str = "run";
/// The flag that cannot stand in a command that continues a run.
const FRESH: &str = "--fresh";
/// What no flag stands behind.
const END_OF_FLAGS: &str = "--";

/// How a run that stopped is continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::commands) enum Continuation {
    /// By this command.
    Command(String),
    /// By this command, once the same bytes are piped into it again.
    PipedAgain(String),
}

impl Continuation {
    /// Of a run in this directory that was begun by these arguments.
    pub(in crate::commands) fn of(
        arguments: &[OsString],
        settings: &Settings,
        inputs: &[KnownInput],
        run_dir: &Path,
    ) -> Continuation {
        let named = settings.output.run_dir.is_none().then_some(run_dir);
        let command = command(arguments, named);
        if inputs.iter().all(KnownInput::can_be_read_twice) {
            Continuation::Command(command)
        } else {
            Continuation::PipedAgain(command)
        }
    }
}

/// Whether the command that stopped so can go on as it is, now or later.
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
        // Another limit, another address, another input.
        StopReason::ErrorLimit { .. }
        | StopReason::Redirected { .. }
        | StopReason::AllNotFound { .. }
        | StopReason::EveryRowWouldFail { .. }
        | StopReason::InputChanged { .. }
        | StopReason::CannotCompare => false,
    }
}

/// The command as it was typed, with the run directory named behind the verb, where `--` cannot make a file of it. Words are
/// quoted for a POSIX shell.
fn command(arguments: &[OsString], run_dir: Option<&Path>) -> String {
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
        words.push(quoted(word));
        if let Some(run_dir) = run_dir
            && Some(at) == verb
        {
            words.extend(["--run-dir".to_owned(), quoted(run_dir.as_os_str())]);
        }
    }
    words.join(" ")
}

/// A word as a POSIX shell reads it. One that cannot be shown as it is, such as the name of a file that is not UTF-8, is put
/// together by `printf`.
fn quoted(word: &OsStr) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if text::safe(text) == text => format!("'{}'", text.replace('\'', "'\\''")),
        Some(_) | None => {
            let bytes = word.as_bytes().iter().map(|byte| match byte {
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'-'
                | b'_'
                | b'.'
                | b'/'
                | b'='
                | b',' => char::from(*byte).to_string(),
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
        let check =
            |word: &[u8], want: &str| assert_eq!(quoted(OsStr::from_bytes(word)), want, "{word:?}");
        check(b"customers.csv", "customers.csv");
        check(b"", "''");
        check(b"it's 5 %.csv", "'it'\\''s 5 %.csv'");
        check("caf\u{e9}.csv".as_bytes(), "'caf\u{e9}.csv'");
        check(
            b"caf\xe9 '%\\.csv",
            "\"$(printf 'caf\\351\\040\\047\\045\\134.csv')\"",
        );
        check(b"a\x1bb", "\"$(printf 'a\\033b')\"");
    }

    #[test]
    fn the_run_directory_is_named_behind_the_verb() {
        let check = |typed: &str, run_dir: Option<&str>, want: &str| {
            let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            assert_eq!(command(&arguments, run_dir.map(Path::new)), want, "{typed}");
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
    }
}
