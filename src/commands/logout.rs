//! `custsync logout`: removes the login.

use std::path::Path;

use anyhow::{Context as _, bail};

use crate::api::TokenError;
use crate::api::token_file;
use crate::commands::Failure;
use crate::commands::shared::login_file;
use crate::config::Settings;
use crate::process::exit::Exit;
use crate::terminal;
use crate::text;

/// Removes the login.
pub(crate) fn logout(settings: &Settings) -> Result<Exit, Failure> {
    let path = login_file::path(settings).map_err(Failure::unusable)?;
    remove_login(&path).map_err(Failure::unusable)?;
    terminal::print(&format!(
        "logged out; {} was removed\n",
        text::safe_path(&path)
    ))
    .map_err(Failure::stdout)?;
    Ok(Exit::Success)
}

/// Removes a login, and no other file: the name might be wrong.
fn remove_login(path: &Path) -> anyhow::Result<()> {
    match token_file::load(path) {
        // A login that others can read is removed all the more.
        Err(TokenError::ReadableByOthers { .. }) => {}
        Ok(tokens) if tokens.refresh_token.is_some() || tokens.client_id.is_some() => {}
        Ok(_) => bail!(
            "{} holds only a token, which was not written by a login: remove it yourself",
            text::safe_path(path)
        ),
        Err(error) => return Err(error.into()),
    }
    token_file::remove(path).with_context(|| format!("{} cannot be removed", text::safe_path(path)))
}
