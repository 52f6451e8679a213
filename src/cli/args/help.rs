//! The help. The defaults from the settings, the exit codes from [`Exit`] and the API's fields from
//! the caller are added to what clap's derive knows.

use std::any::TypeId;
use std::collections::BTreeMap;

use clap::{Arg, CommandFactory};

use super::examples::examples;
use super::sandbox_flags::WAYS_HEADING;
use super::{Cli, setting_of, version};
use crate::config::provenance::ShownValue;
use crate::config::{SANDBOX_PREFIX, Settings, Verb};
use crate::process::exit::Exit;

const TOP_END: &str =
    "See `custsync run -h` for its flags, `--help` for the exit codes and the fields, and
`custsync help topics` for the pages of the documentation.";

/// The verbs that have flags or examples.
const VERBS: [(&str, Verb); 14] = [
    ("run", Verb::Run),
    ("check", Verb::Check),
    ("preview", Verb::Preview),
    ("undo", Verb::Undo),
    ("report", Verb::Report),
    ("forget", Verb::Forget),
    ("state", Verb::State),
    ("sandbox", Verb::Sandbox),
    ("login", Verb::Login),
    ("logout", Verb::Logout),
    ("token", Verb::Token),
    ("config", Verb::Config),
    ("completions", Verb::Page),
    ("man", Verb::Page),
];

/// Returns the command line that `custsync` accepts. `fields_help` is the end of the long help.
pub fn command(fields_help: &str) -> clap::Command {
    with_verbs(fields_help, |_| true)
}

/// Returns it for a line of this verb, or of a flag in its place. Of other verbs no help is shown, so
/// they stay without defaults: to find those of all verbs takes longer than the rest of a start.
pub(crate) fn command_of(verb: Option<&str>, fields_help: &str) -> clap::Command {
    let is_enough =
        |verb: &str| verb.starts_with('-') || VERBS.iter().any(|(name, _)| *name == verb);
    match verb {
        Some(verb) if is_enough(verb) => with_verbs(fields_help, |name| name == verb),
        Some(_) | None => command(fields_help),
    }
}

fn with_verbs(fields_help: &str, is_wanted: impl Fn(&str) -> bool) -> clap::Command {
    let end = format!("{}\n{}", Exit::help_table(), fields_help);
    let mut command = with_examples(Cli::command(), examples(&[]))
        .long_version(version::long())
        .after_help(TOP_END)
        .after_long_help(format!("{}\n\n{TOP_END}", end.trim_end()));
    for (name, verb) in VERBS.into_iter().filter(|(name, _)| is_wanted(name)) {
        command = command.mut_subcommand(name, |command| {
            let command = with_examples(with_settings(command, verb), examples(&[name]));
            let command = if verb == Verb::Config {
                command.mut_subcommand("init", |init| {
                    with_examples(
                        with_settings(init, Verb::ConfigInit),
                        examples(&[name, "init"]),
                    )
                })
            } else if verb == Verb::State {
                ["show", "forget"]
                    .into_iter()
                    .fold(command, |command, below| {
                        command.mut_subcommand(below, |command| {
                            with_examples(command, examples(&[name, below]))
                        })
                    })
            } else {
                command
            };
            if let Some(note) = note(name) {
                return command.after_help(note);
            }
            if verb.with_summary().is_none() {
                return command;
            }
            command
                .after_help("See `--help` for more flags, the exit codes and the fields.")
                .after_long_help(end.clone())
        });
    }
    command
}

/// Returns the first line of the help of each setting of a run, by the settings' names.
pub fn setting_help() -> BTreeMap<String, String> {
    let command = Cli::command();
    let run = command.find_subcommand("run").into_iter();
    run.flat_map(clap::Command::get_arguments)
        .filter_map(|arg| Some((setting_of(arg), arg.get_help()?.to_string())))
        .collect()
}

/// Returns the line below the help of a verb that prints what is to be installed.
fn note(verb: &str) -> Option<&'static str> {
    match verb {
        "completions" => Some(
            "Each example installs the completions for new shells. For zsh, the folder has to be in $fpath.",
        ),
        "man" => Some("The first example installs the page; the second one shows a page."),
        _ => None,
    }
}

fn with_examples(command: clap::Command, examples: &str) -> clap::Command {
    command.help_template(format!(
        "{{about-with-newline}}\n{examples}\n\n{{usage-heading}} {{usage}}\n\n{{all-args}}{{after-help}}"
    ))
}

/// Adds each setting's default to the help of its flag, and removes the prefix from the flags of
/// `custsync sandbox`.
fn with_settings(command: clap::Command, verb: Verb) -> clap::Command {
    let defaults = Settings::defaults(verb);
    command.mut_args(|arg| {
        let Some(setting) = defaults
            .iter()
            .find(|setting| setting.name == setting_of(&arg))
        else {
            return arg;
        };
        let is_switch = arg.get_value_parser().type_id() == TypeId::of::<bool>();
        let arg = if is_switch {
            as_switch(arg)
        } else {
            with_default(with_words(arg), &setting.value)
        };
        match setting.name.strip_prefix(SANDBOX_PREFIX) {
            Some(bare) if verb.drops_sandbox_prefix() => {
                let is_rare = arg.get_help_heading() == Some(WAYS_HEADING);
                arg.long(bare).hide_short_help(is_rare)
            }
            _ => arg,
        }
    })
}

/// Makes a flag's value optional: `--trim` is on, and `--trim=false` overrides a file.
fn as_switch(arg: Arg) -> Arg {
    arg.num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .value_name("BOOL")
        .hide_possible_values(true)
}

/// Shows the words that a flag takes as its value name, as in `<text|json>`.
fn with_words(arg: Arg) -> Arg {
    let words: Vec<_> = arg
        .get_possible_values()
        .iter()
        .map(|word| word.get_name().to_owned())
        .collect();
    if words.is_empty() {
        return arg;
    }
    arg.value_name(words.join("|")).hide_possible_values(true)
}

fn with_default(arg: Arg, value: &ShownValue) -> Arg {
    let default = match value {
        ShownValue::One(text) => text.clone(),
        ShownValue::Many(items) => items.join(", "),
        ShownValue::Unset | ShownValue::Secret => return arg,
    };
    // Off and the empty list need no mention.
    if default.is_empty() || !arg.get_action().takes_values() {
        return arg;
    }
    // The default is shown as clap would: at the end of the line, or below a longer help.
    let long = arg
        .get_long_help()
        .map(|help| format!("{help}\n\n[default: {default}]"));
    let short = arg
        .get_help()
        .map(|help| format!("{help} [default: {default}]"));
    let arg = short.into_iter().fold(arg, Arg::help);
    long.into_iter().fold(arg, Arg::long_help)
}
