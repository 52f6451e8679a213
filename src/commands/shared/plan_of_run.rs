//! The plan of a run, as far as the beginning of the run depends on it.

use std::path::Path;

use anyhow::anyhow;

use crate::commands::Failure;
use crate::commands::shared::plan_name::header_of;
use crate::journal::{JOURNAL_NAME, RunDir, RunKey};

/// The plan that a run sends (`--plan`).
pub(in crate::commands) struct PlanOfRun {
    /// The key of its hashes, which the run takes over.
    pub(in crate::commands) key: RunKey,
    /// The reason why it is too old for a run to begin with it. A run that has begun goes on with its
    /// plan, whatever the plan's age.
    pub(in crate::commands) too_old: Option<String>,
}

/// Refuses to begin a run in this directory with a plan that is too old. Call before the directory is
/// created: nothing of a refused run is left.
pub(super) fn refuse_old(path: &Path, plan: Option<&PlanOfRun>) -> Result<(), Failure> {
    match plan.and_then(|plan| plan.too_old.as_ref()) {
        Some(too_old) if !has_begun(&RunDir::existing(path)) => {
            Err(Failure::run_directory(anyhow!("{too_old}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether a directory has the journal of a run, or one that cannot be read.
fn has_begun(run_dir: &RunDir) -> bool {
    if run_dir.file(JOURNAL_NAME).symlink_metadata().is_err() {
        return false;
    }
    let journal = run_dir.open_file(JOURNAL_NAME);
    !journal.is_ok_and(|journal| matches!(header_of(journal), Ok(None)))
}
