//! The token file, as the verbs about a login name and describe it.

use std::path::PathBuf;

use anyhow::bail;

use crate::config::Settings;
use crate::config::api::Target;
use crate::config::secret::SecretSource;

/// Returns the file that keeps the login. The error: none is named.
pub(in crate::commands) fn path(settings: &Settings) -> anyhow::Result<PathBuf> {
    match &settings.api.target {
        Target::Remote {
            token: SecretSource::File(path),
            ..
        } => Ok(path.clone()),
        Target::Remote { .. } | Target::Sandbox => {
            bail!("name the file that keeps the login: --token-file FILE")
        }
    }
}
