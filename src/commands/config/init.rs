//! `custsync config init`: writes a commented file of settings, for the columns of an input.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::anyhow;

use super::columns::ProposedColumns;
use super::template::Template;
use crate::commands::Failure;
use crate::commands::shared::archives;
use crate::config::{Settings, USUAL_FILE};
use crate::input::{FirstLine, InputError, InputFault, InputName, Proposal};
use crate::terminal::{self, Terminal};
use crate::text::{safe_path, shell_word};

/// The largest number of columns that the message lists; the others are counted.
const LISTED_MAX: usize = 12;

/// Writes the file at `path`, and says what it holds. `help` has the first line of the help of each
/// setting. A file that exists is not changed.
pub(crate) fn init(
    settings: &Settings,
    path: &Path,
    help: &BTreeMap<String, String>,
) -> Result<(), Failure> {
    let _log = Terminal::new(settings);
    if path.symlink_metadata().is_ok() {
        return Err(exists(path));
    }
    let input = settings.input.files.first().map(archives::first);
    let input = input.transpose().map_err(Failure::unusable)?;
    let input = input.as_ref();
    let columns = input
        .map(|name| ProposedColumns::of(name.clone(), settings))
        .transpose()
        .map_err(unreadable)?;
    let template = Template {
        settings,
        help,
        input,
        columns: columns.as_ref(),
    };
    write_new(path, &template.text())?;
    let mut message = format!("{} is written", safe_path(path));
    message.push_str(&match (&columns, input) {
        (Some(columns), Some(input)) => said(columns, input, path),
        _ => ": all settings in it show their defaults\n".to_owned(),
    });
    terminal::print(&message).map_err(Failure::stdout)
}

fn unreadable(error: InputError) -> Failure {
    if matches!(error.fault, InputFault::Directory) {
        let folder = error.name;
        return Failure::unusable(anyhow!(
            "{folder}: is a directory: `config init` takes one file, so name one of the files in it"
        ));
    }
    Failure::of_input(error)
}

fn exists(path: &Path) -> Failure {
    Failure::unusable(anyhow!(
        "{} exists, and is not overwritten: move it away, or name another file with --output FILE",
        safe_path(path)
    ))
}

/// Writes a file that does not exist yet. Nothing is left of one that cannot be written whole.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(exists(path)),
        Err(error) => return Err(cannot_be_written(path, error)),
    };
    file.write_all(text.as_bytes()).map_err(|error| {
        fs::remove_file(path).ok();
        cannot_be_written(path, error)
    })
}

fn cannot_be_written(path: &Path, error: io::Error) -> Failure {
    let error = anyhow::Error::from(error);
    Failure::unusable(error.context(format!("{} cannot be written", safe_path(path))))
}

/// Returns what the file says about the columns, what is left to do in it, and the next command.
fn said(columns: &ProposedColumns, input: &InputName, path: &Path) -> String {
    let noun = columns.noun();
    let known = columns.count(|proposal| *proposal == Proposal::Known);
    let mapped = columns.count(|proposal| matches!(proposal, Proposal::Map(_)));
    let ignored = columns.count(|proposal| matches!(proposal, Proposal::Ignore(_)));
    let all = columns.count(|_| true);
    let mut lines = vec![format!(
        " for the {all} {noun} of {input}: {known} need no line, {mapped} are mapped, {ignored} are ignored"
    )];
    if columns.first_line == FirstLine::InDoubt {
        lines.push(format!(
            "None of the {noun} has a known name. Is the header missing? Then delete {}, and name the {noun}: --no-header --columns id,first_name,...",
            safe_path(path)
        ));
    }
    lines.extend(left_open(columns));
    match columns.hidden_keys() {
        0 => {}
        1 => lines.push(
            "One key has no line there, because it may be a customer's value: write it there to map or ignore it"
                .to_owned(),
        ),
        keys => lines.push(format!(
            "{keys} keys have no line there, because they may be customers' values: write them there to map or ignore them"
        )),
    }
    let next = if columns.lacks_id {
        lines.push(format!(
            "First map the customer's id in {}, as every row needs it and none of the {noun} is known to hold it: \"{}\" = \"id\"",
            safe_path(path),
            noun.trim_end_matches('s').to_uppercase(),
        ));
        "After that"
    } else {
        "Then"
    };
    let config = if path == Path::new(USUAL_FILE) {
        String::new()
    } else {
        format!(" --config {}", shell_word(path.as_os_str()))
    };
    let input = shell_word(&input.shown_word());
    lines.push(format!("{next}: custsync check {input}{config}\n"));
    lines.join("\n")
}

/// Returns the sentence on the columns that a person has to decide about. It names none of them if
/// the first line may be a customer's row.
fn left_open(columns: &ProposedColumns) -> Option<String> {
    let undecided = columns.undecided();
    if undecided.is_empty() {
        return None;
    }
    let asks = format!(
        "Map or ignore the other {} there (\"which field?\")",
        undecided.len()
    );
    if columns.first_line == FirstLine::InDoubt {
        return Some(asks);
    }
    let (listed, counted) = undecided.split_at(undecided.len().min(LISTED_MAX));
    let more = if counted.is_empty() {
        String::new()
    } else {
        format!(" and {} more", counted.len())
    };
    Some(format!("{asks}: {}{more}", listed.join(", ")))
}
