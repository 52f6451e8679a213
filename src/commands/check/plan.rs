//! The plan that a check writes (`--write-plan`).

use anyhow::anyhow;

use crate::commands::Failure;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::config::Settings;
use crate::journal::RunDir;
use crate::plan::RequestsWriter;

/// Begins the plan of a check, if one is wanted. A directory that is removed at the end is refused.
pub(super) fn begin(
    settings: &Settings,
    run_dir: &RunDir,
    temporary: Option<&PrivateFolder>,
) -> Result<Option<RequestsWriter>, Failure> {
    if !settings.plan.is_written {
        return Ok(None);
    }
    if temporary.is_some() {
        return Err(Failure::run_directory(anyhow!(
            "a plan has to be kept, and no run directory can be created: name one with --run-dir"
        )));
    }
    RequestsWriter::create(run_dir)
        .map(Some)
        .map_err(Failure::run_directory)
}
