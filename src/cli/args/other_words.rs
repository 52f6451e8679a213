//! Words of other tools, to suggest custsync's word for the same thing.

use std::ffi::OsStr;
use std::io::stdin;
use std::path::Path;

use clap::Command;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use rustix::fs::{FileType, fstat};

use crate::nearest::nearest;
use crate::text::shell_word;

/// Flags of other tools, and custsync's flag, as it is written. A flag that means several things is
/// in several lines.
const FLAGS: [(&[&str], &str); 22] = [
    (
        &[
            "--concurrency",
            "--connections",
            "--jobs",
            "--parallel",
            "--threads",
            "--workers",
            "-c",
            "-j",
        ],
        "--max-in-flight N",
    ),
    (
        &["--max-retries", "--retries", "--retry-count"],
        "--attempts N",
    ),
    (&["--dryrun", "--no-op", "--simulate", "-n"], "--dry-run"),
    (
        &["--count", "--head", "--limit", "--rows", "-n"],
        "--max-rows N",
    ),
    (&["--offset", "--skip"], "--skip-rows N"),
    (&["--qps", "--rate-limit", "--rps"], "--rate N/s"),
    (&["--json"], "--output-format json"),
    (&["--endpoint", "--host", "--url", "-u"], "--base-url URL"),
    (
        &["--api-key", "--auth", "--bearer", "--token"],
        "--token-file FILE",
    ),
    (
        &["--out", "--out-dir", "--output", "--output-dir", "-o"],
        "--run-dir DIR",
    ),
    (&["-o"], "--output-format json"),
    (&["--checkpoint", "--continue", "--resume"], "--run-dir DIR"),
    (&["--sep", "--separator", "-d"], "--delimiter C"),
    (&["--no-color", "--no-colour"], "--color never"),
    (&["--no-progress"], "--progress off"),
    (&["--silent", "-s"], "--quiet"),
    (
        &["--columns-map", "--mapping", "--rename"],
        "--map COLUMN=FIELD",
    ),
    (&["--settings"], "--config FILE"),
    (
        &["--healthcheck", "--healthcheck-url", "--ping", "--ping-url"],
        "--ping-url-file FILE",
    ),
    (
        &["--notify", "--notify-url", "--slack-url", "--webhook"],
        "--notify-url-file FILE",
    ),
    (&["--exec", "--hook", "--post-hook"], "--on-finish COMMAND"),
    (&["--termination-log"], "--termination-message FILE"),
];

/// Verbs of other tools, and custsync's verb.
const VERBS: [(&[&str], &str); 6] = [
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
    (&["init"], "config init"),
];

/// Verbs of other tools for which there is no verb, and what does it.
const NO_VERBS: [(&[&str], &str); 1] = [(
    &["list", "ls", "show", "state", "status"],
    "the state of a run is in its directory: `custsync report DIR` shows it, and the command of \
     the run continues it",
)];

/// Adds custsync's word to an error about a word that it does not know. `typed_verb` is the first
/// argument, and `piped` says whether something comes by standard input.
pub(super) fn with_tip(
    mut error: Error,
    command: &mut Command,
    typed_verb: Option<&str>,
    piped: Piped,
) -> Error {
    let tips = match error.kind() {
        ErrorKind::UnknownArgument => {
            let verb = typed_verb.and_then(|verb| command.find_subcommand_mut(verb));
            let tips = verb.and_then(|verb| {
                let tips = flag_tips(invalid(&error, ContextKind::InvalidArg)?, verb);
                (!tips.is_empty()).then(|| (tips, verb.render_usage()))
            });
            tips.map(|(tips, usage)| {
                // clap's own guess goes by spelling, and its usage shows the flag that it guessed.
                error.remove(ContextKind::SuggestedArg);
                error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
                tips
            })
            .unwrap_or_default()
        }
        ErrorKind::InvalidSubcommand => {
            let word = invalid(&error, ContextKind::InvalidSubcommand);
            let known = word.and_then(verb_tip);
            let similar = word.and_then(|word| similar_verb(word, &error, command));
            if known.is_some() {
                // clap's own guess goes by spelling.
                error.remove(ContextKind::SuggestedSubcommand);
            }
            known.or(similar).into_iter().collect()
        }
        ErrorKind::MissingRequiredArgument if piped == Piped::Something => {
            let verb = typed_verb.filter(|verb| takes_files(verb, command));
            verb.map(|verb| format!("to read standard input, name it as FILE: 'custsync {verb} -'"))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    };
    if !tips.is_empty() {
        let tips = tips.into_iter().map(StyledStr::from).collect();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
    error
}

/// Whether standard input may hold rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piped {
    /// It is a pipe or a file.
    Something,
    /// It is a terminal or a device.
    Nothing,
}

impl Piped {
    /// Looks at standard input, and reads nothing.
    pub(super) fn now() -> Piped {
        let kind = fstat(stdin()).map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::Fifo | FileType::RegularFile) => Piped::Something,
            Ok(_) | Err(_) => Piped::Nothing,
        }
    }
}

fn takes_files(verb: &str, command: &Command) -> bool {
    let verb = command.find_subcommand(verb).into_iter();
    verb.flat_map(Command::get_positionals)
        .any(|arg| arg.get_id() == "files")
}

fn invalid(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(word) => Some(word),
        _ => None,
    }
}

/// Returns the flags of the verb for a word of another tool.
fn flag_tips(word: &str, verb: &Command) -> Vec<String> {
    let already_dry = match (verb.get_name(), word) {
        ("check", "--dry-run") => Some("a check sends nothing: leave the flag out"),
        ("preview", "--dry-run") => Some("a preview sends no update: leave the flag out"),
        _ => None,
    };
    if let Some(tip) = already_dry {
        return vec![tip.to_owned()];
    }
    let flags = FLAGS.iter().filter(|(others, _)| others.contains(&word));
    let has_flag = |flag: &&str| {
        let name = flag.split(' ').next().unwrap_or(flag);
        verb.get_arguments()
            .any(|arg| arg.get_long() == name.strip_prefix("--"))
    };
    flags
        .map(|(_, flag)| *flag)
        .filter(has_flag)
        .map(|flag| format!("the flag for it is '{flag}'"))
        .collect()
}

/// Returns the verb for a word of another tool, or for the name of a file.
fn verb_tip(word: &str) -> Option<String> {
    let own_word = |words: &[(&[&str], &'static str)]| {
        let line = words.iter().find(|(others, _)| others.contains(&word));
        line.map(|(_, own)| *own)
    };
    if let Some(verb) = own_word(&VERBS) {
        return Some(format!("the command for it is 'custsync {verb}'"));
    }
    if let Some(tip) = own_word(&NO_VERBS) {
        return Some(tip.to_owned());
    }
    let is_file = Path::new(word).extension().is_some() || word.contains('/') || word == "-";
    is_file.then(|| {
        let file = shell_word(OsStr::new(word));
        format!(
            "name a command before the file: `custsync check {file}` finds what is wrong with it, \
             and `custsync run {file}` sends it"
        )
    })
}

/// Returns the verb that a word misspells. clap finds some of them itself.
fn similar_verb(word: &str, error: &Error, command: &Command) -> Option<String> {
    if error.get(ContextKind::SuggestedSubcommand).is_some() {
        return None;
    }
    let verbs = command.get_subcommands().map(Command::get_name);
    nearest(word, verbs).map(|verb| format!("a similar subcommand exists: '{verb}'"))
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
    fn a_flag_of_another_tool_is_answered_by_the_own_one() {
        let check = |word: &str, want: &[&str]| {
            for verb in ["run", "check"] {
                let want: Vec<_> = want
                    .iter()
                    .map(|flag| format!("the flag for it is '{flag}'"))
                    .collect();
                assert_eq!(tips(&[verb, "a.csv", word]), want, "{verb} {word}");
            }
        };
        for word in ["--concurrency", "--workers", "--threads", "-j"] {
            check(word, &["--max-in-flight N"]);
        }
        check("--retries=3", &["--attempts N"]);
        check("--limit=3", &["--max-rows N"]);
        check("--head", &["--max-rows N"]);
        check("--json", &["--output-format json"]);
        check("--url", &["--base-url URL"]);
        check("--resume", &["--run-dir DIR"]);
        check("-o", &["--run-dir DIR", "--output-format json"]);
        check("--no-color", &["--color never"]);
        let dry_run = "the flag for it is '--dry-run'";
        let max_rows = "the flag for it is '--max-rows N'";
        assert_eq!(tips(&["run", "a.csv", "-n"]), [dry_run, max_rows]);
        assert_eq!(tips(&["check", "a.csv", "-n"]), [max_rows]);
        assert_eq!(
            tips(&["check", "--dry-run", "a.csv"]),
            ["a check sends nothing: leave the flag out"]
        );
        assert_eq!(
            tips(&["preview", "--dry-run", "a.csv"]),
            ["a preview sends no update: leave the flag out"]
        );
        // clap's guess by spelling stays for other words.
        assert_eq!(
            tips(&["run", "--raet", "5/s", "a.csv"]),
            ["a similar argument exists: '--rate'"]
        );
    }

    #[test]
    fn a_verb_of_another_tool_is_answered_by_the_own_one() {
        let check = |word: &str, want: &str| assert_eq!(tips(&[word, "x"]), [want], "{word}");
        for (word, verb) in [
            ("validate", "check"),
            ("import", "run"),
            ("upload", "run"),
            ("sync", "run"),
            ("serve", "sandbox"),
            ("init", "config init"),
        ] {
            check(word, &format!("the command for it is 'custsync {verb}'"));
        }
        check(
            "status",
            "the state of a run is in its directory: `custsync report DIR` shows it, and the command \
             of the run continues it",
        );
        check("chek", "a similar subcommand exists: 'check'");
        check("rnu", "a similar subcommand exists: 'run'");
        check(
            "my export.csv",
            "name a command before the file: `custsync check 'my export.csv'` finds what is wrong \
             with it, and `custsync run 'my export.csv'` sends it",
        );
        check(
            "in/a",
            "name a command before the file: `custsync check in/a` finds what is wrong with it, and \
             `custsync run in/a` sends it",
        );
    }

    #[test]
    fn what_comes_by_a_pipe_has_a_name() {
        let tips = |verb: &str, piped: Piped| {
            let mut command = command("");
            let error = command
                .try_get_matches_from_mut(["custsync", verb])
                .expect_err("an argument is missing");
            let error = with_tip(error, &mut command, Some(verb), piped);
            error
                .to_string()
                .contains("tip: ")
                .then(|| error.to_string())
        };
        for verb in ["run", "check"] {
            let want = format!("tip: to read standard input, name it as FILE: 'custsync {verb} -'");
            let said = tips(verb, Piped::Something).expect("a tip");
            assert!(said.contains(&want), "{said}");
            assert_eq!(tips(verb, Piped::Nothing), None);
        }
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
                let short = other.strip_prefix('-').filter(|other| other.len() == 1);
                let is_short = |arg: &clap::Arg| {
                    arg.get_short().map(String::from).as_deref() == short && short.is_some()
                };
                let is_own =
                    has(other.trim_start_matches('-')) || run.get_arguments().any(is_short);
                assert!(!is_own, "{other}");
            }
        }
        for (others, own) in VERBS {
            let mut below = Some(&command);
            for verb in own.split(' ') {
                below = below.and_then(|command| command.find_subcommand(verb));
            }
            assert!(below.is_some(), "{own}");
            for other in others {
                assert!(command.find_subcommand(other).is_none(), "{other}");
            }
        }
    }
}
