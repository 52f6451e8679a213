//! The command line as it was typed, and other commands that are made of it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::download::shown_word;
use crate::text::shell_word;

/// The verb that sends.
pub(in crate::commands) const RUN: &str = "run";
/// The verb that puts back what was sent.
pub(in crate::commands) const UNDO: &str = "undo";

/// The words of a command line, with their roles.
#[derive(Debug, Clone, Default)]
pub(crate) struct CommandLine {
    words: Vec<(OsString, Role)>,
}

/// The role of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// The program.
    Program,
    /// The verb.
    Verb,
    /// The flag of this setting, possibly with its value.
    Flag(String),
    /// The value of the flag before.
    Value(String),
    /// The word that ends the flags.
    EndOfFlags,
    /// An input.
    Input,
}

/// The differences of a command from the one that was typed.
#[derive(Debug, Default)]
pub(in crate::commands) struct Changes<'c> {
    /// The verb, if it is another one.
    pub(in crate::commands) verb: Option<&'static str>,
    /// The settings whose flags are left out.
    pub(in crate::commands) without: &'c [&'static str],
    /// The settings whose flags are kept, if not all others are.
    pub(in crate::commands) only: Option<&'c [&'static str]>,
    /// The inputs, if they are others.
    pub(in crate::commands) inputs: Option<Vec<PathBuf>>,
    /// More flags with their values. They come before any `--`.
    pub(in crate::commands) with: Vec<(&'static str, OsString)>,
}

impl CommandLine {
    /// Adds a word.
    pub(crate) fn push(&mut self, word: OsString, role: Role) {
        self.words.push((word, role));
    }

    /// Returns the roles of the words, in order.
    #[cfg(test)]
    pub(crate) fn roles(&self) -> impl Iterator<Item = &Role> {
        self.words.iter().map(|(_, role)| role)
    }

    /// Returns a command, quoted for a POSIX shell. The flags and inputs that it adds come directly
    /// after the verb.
    pub(in crate::commands) fn with(&self, changes: Changes<'_>) -> String {
        let Changes {
            verb: other_verb,
            without,
            only,
            inputs,
            with,
        } = changes;
        let is_kept = |role: &Role| match role {
            Role::Flag(name) | Role::Value(name) => {
                let name = name.as_str();
                !without.contains(&name) && only.is_none_or(|only| only.contains(&name))
            }
            Role::Input | Role::EndOfFlags => inputs.is_none(),
            Role::Program | Role::Verb => true,
        };
        let mut words = Vec::new();
        for (word, role) in self.words.iter().filter(|(_, role)| is_kept(role)) {
            if *role != Role::Verb {
                words.push(shell_word(&shown_word(word)));
                continue;
            }
            words.push(other_verb.map_or_else(|| shell_word(word), str::to_owned));
            for (flag, value) in &with {
                words.extend(flag_with_value(flag, value));
            }
            let inputs = inputs.iter().flatten();
            words.extend(inputs.map(|input| shell_word(not_a_flag(input).as_os_str())));
        }
        words.join(" ")
    }
}

/// Returns the words of a flag. A switch has no value. A value that begins with `-` is joined to the
/// flag, as it would be read as another flag.
fn flag_with_value(flag: &str, value: &OsStr) -> Vec<String> {
    if value.is_empty() {
        vec![format!("--{flag}")]
    } else if value.as_bytes().starts_with(b"-") {
        let mut joined = OsString::from(format!("--{flag}="));
        joined.push(value);
        vec![shell_word(&joined)]
    } else {
        vec![format!("--{flag}"), shell_word(value)]
    }
}

/// Returns a path that is not read as a flag.
fn not_a_flag(path: &Path) -> PathBuf {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        Path::new(".").join(path)
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_and_inputs_are_left_out_and_added() {
        let line = || {
            let mut line = CommandLine::default();
            let words = [
                ("custsync", Role::Program),
                ("check", Role::Verb),
                ("--rate", Role::Flag("rate".to_owned())),
                ("a.csv", Role::Value("rate".to_owned())),
                ("a.csv", Role::Input),
                ("--explain=3", Role::Flag("explain".to_owned())),
                ("--", Role::EndOfFlags),
                ("-b.csv", Role::Input),
            ];
            for (word, role) in words {
                line.push(word.into(), role);
            }
            line
        };
        let check = |changes: Changes<'_>, want: &str| assert_eq!(line().with(changes), want);
        check(
            Changes::default(),
            "custsync check --rate a.csv a.csv --explain=3 -- -b.csv",
        );
        check(
            Changes {
                verb: Some(RUN),
                without: &["explain"],
                with: vec![("run-dir", "d e".into())],
                ..Changes::default()
            },
            "custsync run --run-dir 'd e' --rate a.csv a.csv -- -b.csv",
        );
        check(
            Changes {
                without: &["rate", "explain"],
                with: vec![("run-dir", "-r 3".into()), ("max-rows", "1".into())],
                ..Changes::default()
            },
            "custsync check '--run-dir=-r 3' --max-rows 1 a.csv -- -b.csv",
        );
        check(
            Changes {
                without: &["rate"],
                inputs: Some(vec!["-d/failed.csv".into()]),
                ..Changes::default()
            },
            "custsync check ./-d/failed.csv --explain=3",
        );
    }
}
