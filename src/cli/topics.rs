//! The topics of the help: the pages of docs/, which the program carries.

use std::ffi::OsString;

use thiserror::Error;

use crate::nearest::nearest;

/// The topic that lists all others.
const LIST: &str = "topics";
/// The fewest characters of a word that is looked for within the names of topics.
const PART_CHARACTERS_MIN: usize = 3;

/// A page of the documentation.
struct Topic {
    name: &'static str,
    text: &'static str,
}

macro_rules! topics {
    ($($name:literal),+ $(,)?) => {
        &[$(Topic {
            name: $name,
            text: include_str!(concat!("../../docs/", $name, ".md")),
        }),+]
    };
}

/// All pages, in the order of README.md.
const TOPICS: &[Topic] = topics![
    "migration",
    "input",
    "mapping",
    "fields-left-out",
    "rows",
    "sending",
    "run-directory",
    "preview",
    "undo",
    "report",
    "shards",
    "nightly",
    "modes",
    "notices",
    "excel",
    "exit-codes",
    "tokens",
    "connections",
    "settings",
    "operations",
    "observability",
    "sandbox",
    "api-in-trouble",
    "learned-rate",
    "speed",
];

/// A word that is neither a topic nor a command.
#[derive(Debug, Error)]
#[error("there is no help on `{word}`{} (`custsync help topics` lists the topics)", did_you_mean(.near))]
pub(super) struct UnknownTopic {
    word: String,
    /// The topics and commands that may be meant.
    near: Vec<String>,
}

/// Returns the word that help is asked for, as in `custsync help WORD`.
pub(super) fn asked_for(arguments: &[OsString]) -> Option<&str> {
    let [_program, verb, word] = arguments else {
        return None;
    };
    let word = word.to_str().filter(|word| !word.starts_with('-'))?;
    (verb == "help").then_some(word)
}

/// Returns the page of a topic as it is, or the list of all topics.
pub(super) fn page(name: &str) -> Option<String> {
    if name == LIST {
        return Some(list());
    }
    let topic = TOPICS.iter().find(|topic| topic.name == name)?;
    Some(topic.text.to_owned())
}

/// Returns the error about a word. `verbs` are the commands, which have a help, too.
pub(super) fn unknown<'a>(word: &str, verbs: impl IntoIterator<Item = &'a str>) -> UnknownTopic {
    let topics = TOPICS.iter().map(|topic| topic.name).chain([LIST]);
    let mut names: Vec<&str> = topics.collect();
    names.extend(verbs.into_iter().filter(|verb| page(verb).is_none()));
    let lower = word.to_lowercase();
    let is_part = |name: &&&str| {
        lower.chars().count() >= PART_CHARACTERS_MIN && name.contains(lower.as_str())
    };
    let mut near: Vec<_> = names.iter().filter(is_part).copied().collect();
    if near.is_empty() {
        near.extend(nearest(word, names));
    }
    UnknownTopic {
        word: word.to_owned(),
        near: near.into_iter().map(str::to_owned).collect(),
    }
}

/// Returns the topics, a line each.
fn list() -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max();
    let width = width.unwrap_or_default();
    let line = |topic: &Topic| format!("  {:width$}  {}\n", topic.name, topic.about());
    let lines: String = TOPICS.iter().map(line).collect();
    format!("Pages of the documentation, for `custsync help TOPIC`:\n\n{lines}")
}

fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean `{}`?", near.join("` or `")),
    }
}

impl Topic {
    /// Returns the sentence below the title.
    fn about(&self) -> &'static str {
        self.text.lines().nth(2).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_near_to_a_topic_is_answered_by_it() {
        let check = |word: &str, want: &str| {
            assert_eq!(
                unknown(word, ["run", "check", "sandbox"]).to_string(),
                format!(
                    "there is no help on `{word}`{want} (`custsync help topics` lists the topics)"
                )
            );
        };
        check("sand", "; did you mean `sandbox`?");
        check("exit", "; did you mean `exit-codes`?");
        check("RATE", "; did you mean `learned-rate`?");
        check("inptu", "; did you mean `input`?");
        check("chekc", "; did you mean `check`?");
        check("topic", "; did you mean `topics`?");
        check("fields", "; did you mean `fields-left-out`?");
        check("in", "");
        check("elephants", "");
    }

    #[test]
    fn only_a_word_after_help_is_a_topic() {
        let check = |line: &str, want: Option<&str>| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(asked_for(&arguments), want, "{line}");
        };
        check("custsync help input", Some("input"));
        check("custsync help", None);
        check("custsync help --help", None);
        check("custsync help run input", None);
        check("custsync check help", None);
    }
}
