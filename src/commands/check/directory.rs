//! The directory of a check. A check is of use also where nothing can be written.

use anyhow::anyhow;
use tracing::warn;

use crate::commands::Failure;
use crate::commands::shared::fresh;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::config::Settings;
use crate::input::KnownInput;
use crate::journal::RunDir;
use crate::text;

/// The directory of a check.
pub(super) struct CheckDirectory {
    pub(super) run_dir: RunDir,
    /// The folder that holds it, if the directory is removed at the end.
    pub(super) temporary: Option<PrivateFolder>,
}

/// Creates the run directory of a check, or opens the one that the user named. If no name was given
/// and none can be created, a private folder takes its place until the end.
pub(super) fn create(
    settings: &Settings,
    inputs: &[KnownInput],
) -> Result<CheckDirectory, Failure> {
    let kept = |run_dir| CheckDirectory {
        run_dir,
        temporary: None,
    };
    if let Some(path) = &settings.output.run_dir {
        return fresh::create(path).map(kept);
    }
    let error = match fresh::create(&fresh::path(&settings.input.files, inputs)) {
        Ok(run_dir) => return Ok(kept(run_dir)),
        Err(failure) => format!("{:#}", failure.error),
    };
    let error = text::without_os_errors(&error).into_owned();
    let folder = PrivateFolder::new().map_err(|source| {
        Failure::run_directory(anyhow!(
            "{error}; a temporary directory cannot be created either: {source}; name a directory with --run-dir"
        ))
    })?;
    let run_dir = RunDir::create(folder.path()).map_err(Failure::run_directory)?;
    warn!("{error}; nothing is recorded (--run-dir names another directory)");
    Ok(CheckDirectory {
        run_dir,
        temporary: Some(folder),
    })
}
