//! The end of an undo that sends nothing: what it would put back.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;
use serde::Serialize;

use crate::commands::Failure;
use crate::config::Settings;
use crate::config::output::OutputFormat;
use crate::contract::Field;
use crate::pipeline::sender::UndoCounts;
use crate::process::exit::Exit;
use crate::schedule::StopReason;
use crate::terminal;
use crate::text::{self, counted, grouped};

/// The undo that would be made, as JSON.
#[derive(Serialize)]
struct DryRun<'a> {
    run_dir: String,
    put_back: u64,
    unchanged: u64,
    conflict: u64,
    not_restorable: u64,
    fields: BTreeMap<&'a str, u64>,
    conflicts: BTreeMap<&'a str, u64>,
}

/// Returns the failure of a dry run that stopped early.
pub(super) fn stopped(reason: &StopReason) -> Failure {
    Failure {
        exit: Exit::from(reason),
        error: anyhow!("{reason}; nothing was sent"),
    }
}

/// Prints what an undo would do, and returns the exit code.
pub(super) fn end(
    settings: &Settings,
    directory: &Path,
    counts: &UndoCounts,
) -> Result<u8, Failure> {
    let printed = match settings.output.output_format {
        OutputFormat::Text => in_words(directory, counts),
        OutputFormat::Json => {
            let json = DryRun {
                run_dir: text::safe_path(directory),
                put_back: counts.put_back,
                unchanged: counts.unchanged,
                conflict: counts.conflict,
                not_restorable: counts.not_restorable,
                fields: by_name(&counts.fields),
                conflicts: by_name(&counts.conflicts),
            };
            let json = serde_json::to_string_pretty(&json)
                .expect("texts and numbers, written to memory, cannot fail");
            format!("{json}\n")
        }
    };
    terminal::print(&printed).map_err(Failure::stdout)?;
    Ok(if counts.conflict + counts.not_restorable > 0 {
        settings.output.bad_rows_exit
    } else {
        Exit::Success.code()
    })
}

fn by_name(fields: &BTreeMap<Field, u64>) -> BTreeMap<&'static str, u64> {
    fields.iter().map(|(field, n)| (field.name(), *n)).collect()
}

fn in_words(directory: &Path, counts: &UndoCounts) -> String {
    let mut text = format!(
        "The undo of {} would put back {}. Nothing was sent.\n",
        text::safe_path(directory),
        counted(counts.put_back, "customer")
    );
    let lines = [
        ("put back", counts.put_back, Some(&counts.fields)),
        ("unchanged", counts.unchanged, None),
        ("conflict", counts.conflict, Some(&counts.conflicts)),
        ("not restorable", counts.not_restorable, None),
    ];
    for (name, count, fields) in lines.into_iter().filter(|(_, count, _)| *count > 0) {
        let fields: Vec<_> = fields
            .into_iter()
            .flatten()
            .map(|(field, n)| format!("{field} {}", grouped(*n)))
            .collect();
        let fields = if fields.is_empty() {
            String::new()
        } else {
            format!(": {}", fields.join(", "))
        };
        writeln!(text, "{name:<14} {}{fields}", counted(count, "customer"))
            .expect("writing to a String cannot fail");
    }
    text
}
