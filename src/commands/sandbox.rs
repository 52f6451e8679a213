//! `custsync sandbox`: a local server that behaves like the API.

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use crate::commands::Failure;
use crate::config::Settings;
use crate::config::api::Target;
use crate::config::secret::SecretSource;
use crate::process::exit::Exit;
use crate::process::signals::{Signals, StopSignal};
use crate::sandbox::{Counts, Sandbox, SandboxOptions, random_token};
use crate::terminal::{self, Terminal};
use crate::text::grouped;

/// Serves until a signal.
pub(crate) fn sandbox(settings: &Settings, signals: &Signals) -> Result<Exit, Failure> {
    let _log = Terminal::new(settings);
    let options = settings.sandbox.options(
        settings.sandbox.listen,
        token(settings),
        settings.api.tenant,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unusable)?;
    let (signal, counts) = runtime.block_on(serve(options, signals))?;
    terminal::print(&format!("{}\n", seen(&counts))).map_err(Failure::stdout)?;
    Ok(Exit::from(&signal.reason()))
}

/// Returns the commands that use the sandbox.
fn greeting(sandbox: &Sandbox) -> String {
    let (url, token, client) = (sandbox.base_url(), sandbox.token(), sandbox.client_id());
    let (auth, tokens) = (sandbox.auth_url(), sandbox.token_url());
    format!(
        "The sandbox listens at {url} until Ctrl-C. In another terminal:

  CUSTSYNC_TOKEN={token} custsync run --base-url {url} customers.csv

Or with a login:

  custsync login --client-id {client} --auth-url {auth} --token-url {tokens} --token-file sandbox-login.json
  custsync run --base-url {url} --token-file sandbox-login.json customers.csv

"
    )
}

/// Returns the counts of the sandbox in one line.
fn seen(counts: &Counts) -> String {
    let by_status: Vec<_> = counts
        .by_status
        .iter()
        .map(|(status, n)| format!("{status}: {}", grouped(*n)))
        .collect();
    let by_status = if by_status.is_empty() {
        String::new()
    } else {
        format!(" ({})", by_status.join(", "))
    };
    format!(
        "{} requests{by_status}, {} updates applied",
        grouped(counts.requests),
        grouped(counts.applied)
    )
}

/// Returns the token that the user's own command would send, or a new one.
fn token(settings: &Settings) -> String {
    match &settings.api.target {
        Target::Remote {
            token: SecretSource::Value(token),
            ..
        } => token.expose_secret().to_owned(),
        Target::Remote {
            token: SecretSource::Missing | SecretSource::File(_),
            ..
        }
        | Target::Sandbox => random_token(),
    }
}

async fn serve(
    options: SandboxOptions,
    signals: &Signals,
) -> Result<(StopSignal, Counts), Failure> {
    let sandbox = Sandbox::start(options)
        .await
        .context("the sandbox cannot be started")
        .map_err(Failure::unusable)?;
    let mut drain = signals.drain();
    terminal::print(&greeting(&sandbox)).map_err(Failure::stdout)?;
    let signal = drain.next().await;
    Ok((signal, sandbox.stop().await))
}
