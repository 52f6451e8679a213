//! `report.html` in a run directory.

use crate::journal::RunDir;
use crate::results::report::{self, Links, REPORT_NAME};

/// Writes the report on the run directory into it.
pub(in crate::commands) fn write(run_dir: &RunDir) -> anyhow::Result<()> {
    let (report, errors) = report::collect(&[run_dir.path().to_owned()]);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let page = report.to_html(Links::RunDirectory);
    Ok(run_dir.replace_file(REPORT_NAME, page.as_bytes())?)
}
