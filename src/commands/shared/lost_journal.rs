//! The refusal of a run directory whose journal was deleted or moved away. A new run in it would send
//! all rows again.

use anyhow::bail;
use serde::Deserialize;

use crate::journal::{JOURNAL_NAME, RunDir, SUMMARY_NAME};
use crate::text;

/// The keys that a summary of a run has. One of a run that could not begin has no `records`.
#[derive(Deserialize)]
struct Summarized {
    command: String,
    #[serde(rename = "records")]
    _records: u64,
}

/// Refuses a directory that holds the summary of a run, but no journal.
pub(in crate::commands) fn refuse(run_dir: &RunDir) -> anyhow::Result<()> {
    let is_there = run_dir.file(JOURNAL_NAME).symlink_metadata().is_ok();
    if is_there || !has_summary_of_run(run_dir) {
        return Ok(());
    }
    bail!(
        "the run directory {} holds the {SUMMARY_NAME} of a run, but its {JOURNAL_NAME} is missing; without it, all rows would be sent again: put it back, or use another run directory; nothing was sent",
        text::safe_path(run_dir.path())
    )
}

/// Whether the directory holds a summary of a run. A file that is none says nothing.
fn has_summary_of_run(run_dir: &RunDir) -> bool {
    let Ok(file) = run_dir.open_summary() else {
        return false;
    };
    serde_json::from_reader(file).is_ok_and(|summary: Summarized| summary.command == "run")
}
