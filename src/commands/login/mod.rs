//! `custsync login`: logs a person in, and keeps the login in the token file.

mod redirect;

use std::io::{BufRead as _, Read as _};
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow};
use tokio::net::TcpListener;
use url::Url;

use crate::api::authorize::{Authorization, AuthorizeError, Client, Code};
use crate::api::oauth::OauthError;
use crate::api::token_file::{self, Tokens};
use crate::api::{HttpOptions, Proxies, Transport, is_loopback};
use crate::commands::Failure;
use crate::commands::shared::{login_file, secret_file, server};
use crate::config::Settings;
use crate::config::login::{LoginSettings, OpenBrowser, RedirectMode};
use crate::process::exit::Exit;
use crate::terminal::{self, Terminal};
use crate::text;

/// The longest address that is read from standard input.
const ADDRESS_BYTES_MAX: u64 = 16 << 10;

/// Logs a person in.
pub(crate) fn login(settings: &Settings) -> Result<Exit, Failure> {
    // The log is set up; nothing is drawn.
    Terminal::new(settings);
    let path = login_file::path(settings).map_err(Failure::unusable)?;
    let client = client(settings).map_err(Failure::unusable)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::unusable)?;
    let tokens = runtime.block_on(log_in(settings, &client))?;
    token_file::save(&path, &tokens).map_err(Failure::unusable)?;
    let until = tokens.expires_at.map_or_else(String::new, |at| {
        format!(", until {}", text::utc_second(at))
    });
    terminal::print(&format!(
        "logged in{until}; the login is in {}\n",
        text::safe_path(&path)
    ))
    .map_err(Failure::stdout)?;
    Ok(Exit::Success)
}

fn client(settings: &Settings) -> anyhow::Result<Client> {
    let LoginSettings {
        client_id,
        scope,
        auth_url,
        token_url,
        ..
    } = settings.login.clone();
    Ok(Client {
        id: client_id
            .context("no client: give --client-id, the client id from the API's operator")?,
        secret: settings
            .api
            .client_secret_file
            .as_deref()
            .map(|path| secret_file::read(server::CLIENT_SECRET_FILE, path))
            .transpose()?,
        scope,
        auth_url,
        token_url,
    })
}

async fn log_in(settings: &Settings, client: &Client) -> Result<Tokens, Failure> {
    let (authorization, code) = match settings.login.redirect_mode {
        RedirectMode::Loopback => over_loopback(settings, client).await?,
        RedirectMode::Paste => pasted(settings, client)?,
    };
    let is_local = is_loopback(&client.token_url);
    let options = HttpOptions {
        // The settings allow plain HTTP only to this machine, or with --allow-http.
        transport: if client.token_url.scheme() == "https" {
            Transport::HttpsOnly
        } else {
            Transport::HttpAllowed
        },
        proxies: if is_local {
            Proxies::None
        } else {
            Proxies::FromEnvironment
        },
        ..server::http_options(settings)
    };
    authorization
        .exchange_code(&options, client, &code)
        .await
        .map_err(failure)
}

/// Logs in with a browser on this machine, which is redirected to a local port.
async fn over_loopback(
    settings: &Settings,
    client: &Client,
) -> Result<(Authorization, Code), Failure> {
    let port = settings.login.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener
        .with_context(|| format!("port {port} of 127.0.0.1 cannot be opened (--redirect-port)"));
    let listener = listener.map_err(Failure::unusable)?;
    let address = listener.local_addr().map_err(Failure::unusable)?;
    let authorization = Authorization::new(redirect::uri(address.port())).map_err(failure)?;
    show(&authorization.url(client), settings.login.open_browser)?;
    let code = redirect::wait(&listener, &authorization)
        .await
        .map_err(|error| match error {
            redirect::RedirectError::Authorize(error) => failure(error),
            redirect::RedirectError::Timeout { .. } | redirect::RedirectError::Io(_) => {
                Failure::unusable(error)
            }
        })?;
    Ok((authorization, code))
}

/// Logs in with a browser on another machine: the person pastes the redirect address.
fn pasted(settings: &Settings, client: &Client) -> Result<(Authorization, Code), Failure> {
    let authorization = Authorization::new(redirect::uri(settings.login.port)).map_err(failure)?;
    show(&authorization.url(client), OpenBrowser::No)?;
    terminal::print_notice(
        "Then paste the address that the browser was redirected to (the page need not load):",
    );
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .take(ADDRESS_BYTES_MAX + 1)
        .read_line(&mut line)
        .map_err(Failure::unusable)?;
    if line.len() as u64 > ADDRESS_BYTES_MAX {
        return Err(Failure::unusable(anyhow!(
            "the pasted address is longer than {} KiB",
            ADDRESS_BYTES_MAX >> 10
        )));
    }
    let Ok(address) = line.trim().parse::<Url>() else {
        return Err(Failure::unusable(anyhow!(
            "the pasted text is not an address that begins with http://127.0.0.1"
        )));
    };
    let code = authorization.code(&address).map_err(failure)?;
    Ok((authorization, code))
}

fn show(url: &Url, browser: OpenBrowser) -> Result<(), Failure> {
    terminal::print(&format!("Open this address to log in:\n\n  {url}\n\n"))
        .map_err(Failure::stdout)?;
    match browser {
        OpenBrowser::No => {}
        OpenBrowser::Yes => {
            let opener = if cfg!(target_os = "macos") {
                "open"
            } else {
                "xdg-open"
            };
            let mut command = Command::new(opener);
            command
                .arg(url.as_str())
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            // Without a browser, the printed address is enough.
            command.spawn().ok();
        }
    }
    Ok(())
}

fn failure(error: AuthorizeError) -> Failure {
    let exit = match &error {
        AuthorizeError::Refused(_) | AuthorizeError::Exchange(OauthError::Refused { .. }) => {
            Exit::Refused
        }
        AuthorizeError::NoRandomNumbers
        | AuthorizeError::OtherState
        | AuthorizeError::NoCode
        | AuthorizeError::Http(_)
        | AuthorizeError::Exchange(_) => Exit::Unusable,
    };
    Failure {
        exit,
        error: error.into(),
    }
}
