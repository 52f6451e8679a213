//! The words of a command line, each with its role: flag, value of a flag, or input.

use std::ffi::OsString;

use clap::Arg;

use super::help::command_of;
use super::setting_of;
use crate::commands::command_line::{CommandLine, Role};

/// The word that ends the flags.
const END_OF_FLAGS: &str = "--";

/// Returns the words of a command line that clap has accepted, with their roles.
pub(crate) fn with_roles(arguments: &[OsString]) -> CommandLine {
    let typed_verb = arguments.get(1).and_then(|verb| verb.to_str());
    let command = command_of(typed_verb, "");
    let flags: Vec<_> = typed_verb
        .and_then(|verb| command.find_subcommand(verb))
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .collect();
    let mut line = CommandLine::default();
    let mut words = arguments.iter();
    for role in [Role::Program, Role::Verb] {
        words
            .next()
            .into_iter()
            .for_each(|word| line.push(word.clone(), role.clone()));
    }
    let mut has_flags = true;
    while let Some(word) = words.next() {
        if !has_flags {
            line.push(word.clone(), Role::Input);
            continue;
        }
        if word == END_OF_FLAGS {
            has_flags = false;
            line.push(word.clone(), Role::EndOfFlags);
            continue;
        }
        let Some((name, value)) = flag_of(word.as_encoded_bytes(), &flags) else {
            line.push(word.clone(), Role::Input);
            continue;
        };
        line.push(word.clone(), Role::Flag(name.clone()));
        if value == ItsValue::IsTheNextWord
            && let Some(value) = words.next()
        {
            line.push(value.clone(), Role::Value(name));
        }
    }
    line
}

/// The place of a flag's value.
#[derive(PartialEq, Eq)]
enum ItsValue {
    IsTheNextWord,
    IsInTheWord,
}

/// Returns the name of the setting that a word sets, and the place of its value; `None` if the word
/// is no flag. In a word of several short flags, the last one counts: only it can have a value.
fn flag_of(word: &[u8], flags: &[&Arg]) -> Option<(String, ItsValue)> {
    let has_value = |arg: &Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    if let Some(long) = word.strip_prefix(b"--") {
        let (name, rest) = match long.iter().position(|byte| *byte == b'=') {
            Some(end) => long.split_at(end),
            None => (long, &b""[..]),
        };
        let arg = flags
            .iter()
            .find(|arg| arg.get_long().is_some_and(|long| long.as_bytes() == name));
        let value = match arg {
            Some(arg) if rest.is_empty() && has_value(arg) => ItsValue::IsTheNextWord,
            Some(_) | None => ItsValue::IsInTheWord,
        };
        let name = arg.map_or_else(
            || String::from_utf8_lossy(name).into_owned(),
            |arg| setting_of(arg),
        );
        return Some((name, value));
    }
    let shorts = word
        .strip_prefix(b"-")
        .filter(|shorts| !shorts.is_empty())?;
    let mut name = String::new();
    for (at, short) in shorts.iter().enumerate() {
        let arg = flags
            .iter()
            .find(|arg| arg.get_short() == Some(char::from(*short)));
        let Some(arg) = arg else { break };
        name = setting_of(arg);
        if has_value(arg) {
            let value = if at + 1 == shorts.len() {
                ItsValue::IsTheNextWord
            } else {
                ItsValue::IsInTheWord
            };
            return Some((name, value));
        }
    }
    Some((name, ItsValue::IsInTheWord))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_role() {
        let check = |line: &str, want: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let typed = with_roles(&words);
            let roles = typed.roles().map(|role| match role {
                Role::Program => "program".to_owned(),
                Role::Verb => "verb".to_owned(),
                Role::Flag(name) => name.clone(),
                Role::Value(name) => format!("={name}"),
                Role::EndOfFlags => "--".to_owned(),
                Role::Input => "input".to_owned(),
            });
            let roles: Vec<_> = roles.collect();
            assert_eq!(roles.join(" "), want, "{line}");
        };
        check("custsync run a.csv", "program verb input");
        check(
            "custsync run --rate 5/s a.csv --token-file=a.csv -",
            "program verb rate =rate input token-file input",
        );
        check(
            "custsync run --trim a.csv --trim=false --sandbox b.csv",
            "program verb trim input trim sandbox input",
        );
        check(
            "custsync check -m A=id -mB=job -qm C=email -vv a.csv",
            "program verb map =map map map =map verbose input",
        );
        check(
            "custsync run --token-file --sandbox -- --rate 5",
            "program verb token-file =token-file -- input input",
        );
        check(
            "custsync run --dry-run --config x.toml a",
            "program verb dry-run config =config input",
        );
    }
}
