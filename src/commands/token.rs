//! `custsync token`: shows the login.

use crate::text::utc_second;
use jiff::Timestamp;

use crate::api::token_file::{self, Tokens};
use crate::commands::Failure;
use crate::commands::shared::login_file;
use crate::config::Settings;
use crate::process::exit::Exit;
use crate::terminal;
use crate::text;

/// Shows the client of the login, and when it expires.
pub(crate) fn token(settings: &Settings) -> Result<Exit, Failure> {
    let path = login_file::path(settings).map_err(Failure::unusable)?;
    let tokens = token_file::load(&path).map_err(Failure::unusable)?;
    terminal::print(&describe(&tokens, Timestamp::now())).map_err(Failure::stdout)?;
    Ok(Exit::Success)
}

fn describe(tokens: &Tokens, now: Timestamp) -> String {
    let client = tokens
        .client_id
        .as_deref()
        .map_or_else(|| "unknown".to_owned(), text::safe);
    let expires = match tokens.expires_at {
        None => "unknown".to_owned(),
        Some(at) if at <= now => format!("{} (past)", utc_second(at)),
        Some(at) => utc_second(at),
    };
    let can_be_refreshed = if tokens.can_be_refreshed() {
        "yes"
    } else {
        "no"
    };
    format!(
        "client          {client}\nexpires         {expires}\ncan be renewed  {can_be_refreshed}\n"
    )
}
