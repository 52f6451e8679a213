//! Words of other tools, to suggest custsync's word for the same thing.

use std::path::Path;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// Flags of other tools, and custsync's flag, as it is written.
const FLAGS: [(&[&str], &str); 13] = [
    (
        &[
            "--concurrency",
            "--connections",
            "--jobs",
            "--parallel",
            "--threads",
            "--workers",
        ],
        "--max-in-flight N",
    ),
    (
        &["--max-retries", "--retries", "--retry-count"],
        "--attempts N",
    ),
    (&["--count", "--head", "--limit", "--rows"], "--max-rows N"),
    (&["--offset", "--skip"], "--skip-rows N"),
    (&["--qps", "--rate-limit", "--rps"], "--rate N/s"),
    (&["--json"], "--output-format json"),
    (&["--endpoint", "--host", "--url"], "--base-url URL"),
    (
        &["--api-key", "--auth", "--bearer", "--token"],
        "--token-file FILE",
    ),
    (
        &["--out", "--out-dir", "--output", "--output-dir"],
        "--run-dir DIR",
    ),
    (&["--sep", "--separator"], "--delimiter C"),
    (&["--no-color", "--no-colour"], "--color never"),
    (&["--no-progress"], "--progress off"),
    (
        &["--columns-map", "--mapping", "--rename"],
        "--map COLUMN=FIELD",
    ),
];

/// Verbs of other tools, and custsync's verb.
const VERBS: [(&[&str], &str); 5] = [
    (&["lint", "test", "validate", "verify"], "check"),
    (
        &[
            "continue", "import", "load", "migrate", "put", "resume", "send", "sync", "upload",
        ],
        "run",
    ),
    (&["mock", "serve", "server"], "sandbox"),
    (&["auth", "signin"], "login"),
    (&["settings"], "config"),
];

/// Adds custsync's word to an error about a word that it does not know. `typed_verb` is the first
/// argument.
pub(super) fn with_tip(mut error: Error, command: &mut Command, typed_verb: Option<&str>) -> Error {
    let tip = match error.kind() {
        ErrorKind::UnknownArgument => {
            let verb = typed_verb.and_then(|verb| command.find_subcommand_mut(verb));
            let tip = verb.and_then(|verb| {
                let tip = flag_tip(invalid(&error, ContextKind::InvalidArg)?, verb)?;
                Some((tip, verb.render_usage()))
            });
            tip.map(|(tip, usage)| {
                // clap's own guess goes by spelling, and its usage shows the flag that it guessed.
                error.remove(ContextKind::SuggestedArg);
                error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
                tip
            })
        }
        ErrorKind::InvalidSubcommand => {
            invalid(&error, ContextKind::InvalidSubcommand).and_then(verb_tip)
        }
        _ => None,
    };
    if let Some(tip) = tip {
        let tips = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

fn invalid(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(word),
        _ => None,
    }
}

/// Returns the flag of the verb for a word of another tool.
fn flag_tip(word: &str, verb: &Command) -> Option<String> {
    let flag = own_word(&FLAGS, word)?;
    let name = flag.split(' ').next()?.strip_prefix("--")?;
    let has_flag = verb.get_arguments().any(|arg| arg.get_long() == Some(name));
    has_flag.then(|| format!("the flag for it is '{flag}'"))
}

/// Returns the verb for a word of another tool, or for the name of a file.
fn verb_tip(word: &str) -> Option<String> {
    if let Some(verb) = own_word(&VERBS, word) {
        return Some(format!("the command for it is 'custsync {verb}'"));
    }
    let is_file = Path::new(word).extension().is_some() || word.contains('/');
    is_file.then(|| {
        "name a command before the file: 'custsync check FILE' finds what is wrong with it, and \
         'custsync run FILE' sends it"
            .to_owned()
    })
}

fn own_word(words: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    words
        .iter()
        .find(|(others, _)| others.contains(&word))
        .map(|(_, own)| *own)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::{Args, command};

    /// Returns the tips of the message about these arguments.
    fn tips(arguments: &[&str]) -> Vec<String> {
        let arguments = [&["custsync"], arguments].concat();
        let error = Args::parse_from(arguments, "").expect_err("a word that is unknown");
        let message = error.to_string();
        let tips = message
            .lines()
            .filter_map(|line| line.trim().strip_prefix("tip: "));
        tips.map(str::to_owned).collect()
    }

    #[test]
    fn a_word_of_another_tool_is_answered_by_the_own_one() {
        let check =
            |arguments: &[&str], want: &str| assert_eq!(tips(arguments), [want], "{arguments:?}");
        check(
            &["run", "a.csv", "--concurrency", "4"],
            "the flag for it is '--max-in-flight N'",
        );
        check(
            &["run", "--retries=3", "a.csv"],
            "the flag for it is '--attempts N'",
        );
        check(
            &["check", "--limit", "3", "a.csv"],
            "the flag for it is '--max-rows N'",
        );
        check(
            &["check", "a.csv", "--json"],
            "the flag for it is '--output-format json'",
        );
        check(
            &["validate", "a.csv"],
            "the command for it is 'custsync check'",
        );
        check(
            &["a.csv"],
            "name a command before the file: 'custsync check FILE' finds what is wrong with it, and \
             'custsync run FILE' sends it",
        );
        // clap's guess by spelling stays for other words.
        check(
            &["run", "--raet", "5/s", "a.csv"],
            "a similar argument exists: '--rate'",
        );
        check(&["chek", "a.csv"], "a similar subcommand exists: 'check'");
    }

    #[test]
    fn a_verb_without_the_flag_is_offered_none() {
        assert!(
            !tips(&["logout", "--limit", "3"])
                .iter()
                .any(|tip| tip.contains("max-rows"))
        );
    }

    #[test]
    fn own_words_exist_and_others_do_not() {
        let command = command("");
        let run = command.find_subcommand("run").expect("the verb exists");
        let has = |name: &str| run.get_arguments().any(|arg| arg.get_long() == Some(name));
        for (others, own) in FLAGS {
            let name = own.split(' ').next().and_then(|own| own.strip_prefix("--"));
            assert!(name.is_some_and(has), "{own}");
            for other in others {
                assert!(!has(other.trim_start_matches('-')), "{other}");
            }
        }
        for (others, own) in VERBS {
            assert!(command.find_subcommand(own).is_some(), "{own}");
            for other in others {
                assert!(command.find_subcommand(other).is_none(), "{other}");
            }
        }
    }
}
