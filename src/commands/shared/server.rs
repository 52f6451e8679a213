//! The server that a run sends to, and its token.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use jiff::Timestamp;
use secrecy::SecretString;
use tracing::info;
use url::Url;

use crate::api::token_file::{self, Tokens};
use crate::api::{
    ApiOptions, EndpointOptions, HttpOptions, Proxies, TokenSource, Transport, is_loopback,
};
use crate::commands::Failure;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::commands::shared::secret_file;
use crate::config::Settings;
use crate::config::api::Target;
use crate::config::secret::SecretSource;
use crate::journal::Purpose;
use crate::sandbox::{SandboxThread, random_token};
use crate::text;

/// The flag that names the file of a client's secret.
pub(in crate::commands) const CLIENT_SECRET_FILE: &str = "--client-secret-file";

/// The API that a run sends to.
pub(in crate::commands) struct Server {
    base_url: Url,
    token_source: TokenSource,
    sandbox: Option<SandboxThread>,
    /// The folder of the sandbox's login.
    _folder: Option<PrivateFolder>,
}

impl Server {
    pub(in crate::commands) fn of(
        settings: &Settings,
        purpose: Purpose,
    ) -> Result<Server, Failure> {
        let verb = verb_of(purpose);
        let server = match &settings.api.target {
            Target::Sandbox => Server::sandbox(settings, verb),
            Target::Remote { base_url, token } => Server::remote(settings, base_url, token),
        };
        server.map_err(Failure::unusable)
    }

    /// Returns the address of the API.
    pub(in crate::commands) fn base_url(&self) -> &Url {
        &self.base_url
    }

    fn remote(settings: &Settings, base_url: &Url, token: &SecretSource) -> anyhow::Result<Server> {
        let endpoint = endpoint(settings)?;
        let token_source = match token {
            SecretSource::Value(token) => TokenSource::fixed(token.clone(), endpoint),
            SecretSource::File(path) => TokenSource::file(path.clone(), endpoint),
            SecretSource::Missing => unreachable!("settings of a run have a token"),
        };
        Ok(Server {
            base_url: base_url.clone(),
            token_source,
            sandbox: None,
            _folder: None,
        })
    }

    /// Starts a sandbox in this process. If its tokens expire, the run logs in and refreshes them.
    fn sandbox(settings: &Settings, verb: &str) -> anyhow::Result<Server> {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = settings
            .sandbox
            .options(any_port, random_token(), settings.api.tenant);
        let client_id = options.client_id.clone();
        let sandbox = SandboxThread::start(options).context("the sandbox cannot be started")?;
        info!("{verb} a sandbox in this process, {}", sandbox.base_url());
        let (token_source, folder) = if settings.sandbox.token_lifetime.is_some() {
            let folder = PrivateFolder::new()
                .context("the folder for the sandbox's tokens cannot be created")?;
            let file = folder.path().join("token");
            token_file::save(&file, &log_in(&sandbox, client_id)?)?;
            (TokenSource::file(file, endpoint(settings)?), Some(folder))
        } else {
            (
                TokenSource::fixed(SecretString::from(sandbox.token()), endpoint(settings)?),
                None,
            )
        };
        Ok(Server {
            base_url: sandbox.base_url().parse()?,
            token_source,
            sandbox: Some(sandbox),
            _folder: folder,
        })
    }

    /// Logs the host that gets the token, and the source of its address: a configuration file in
    /// the working directory may name any host.
    pub(in crate::commands) fn log_destination(&self, settings: &Settings, purpose: Purpose) {
        let Target::Remote { token, .. } = &settings.api.target else {
            return;
        };
        let token = match token {
            SecretSource::File(path) => text::safe_path(path),
            SecretSource::Value(_) | SecretSource::Missing => {
                settings.provenance("token").to_string()
            }
        };
        let source = settings.provenance("base-url");
        info!(
            "{} {} (base URL: {source}) with the token of {token}",
            verb_of(purpose),
            self.base_url
        );
    }

    /// Returns the source of tokens.
    pub(in crate::commands) fn token_source(&self) -> &TokenSource {
        &self.token_source
    }

    pub(in crate::commands) fn options(&self, settings: &Settings) -> ApiOptions {
        // The settings allow plain HTTP only to this machine, or with --allow-http.
        let transport = if self.base_url.scheme() == "https" {
            Transport::HttpsOnly
        } else {
            Transport::HttpAllowed
        };
        let proxies = if is_loopback(&self.base_url) {
            Proxies::None
        } else {
            Proxies::FromEnvironment
        };
        ApiOptions {
            base_url: self.base_url.clone(),
            tenant: settings.api.tenant,
            echo: settings.sending.echo,
            // The schedule cancels requests, since it knows when each was sent.
            http: HttpOptions {
                timeout: None,
                transport,
                proxies,
                ..http_options(settings)
            },
        }
    }

    pub(in crate::commands) fn stop(self) {
        if let Some(sandbox) = self.sandbox {
            let counts = sandbox.stop();
            let requests = if counts.requests == 1 {
                "request"
            } else {
                "requests"
            };
            info!(
                "the sandbox saw {} {requests} and applied {}",
                counts.requests, counts.applied
            );
        }
    }
}

/// Returns the words for what is done with the API.
fn verb_of(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Run | Purpose::Undo => "sending to",
        Purpose::Check | Purpose::Preview => "reading from",
    }
}

/// Returns the options of every server. Those that depend on the address are the strictest.
pub(in crate::commands) fn http_options(settings: &Settings) -> HttpOptions {
    HttpOptions {
        timeout: Some(settings.sending.timeout),
        ca_file: settings.api.ca_file.clone(),
        transport: Transport::HttpsOnly,
        proxies: Proxies::FromEnvironment,
        in_flight_max: settings.sending.max_in_flight.get(),
        protocol: settings.api.protocol,
    }
}

fn endpoint(settings: &Settings) -> anyhow::Result<EndpointOptions> {
    let client_secret = settings
        .api
        .client_secret_file
        .as_deref()
        .map(|path| secret_file::read(CLIENT_SECRET_FILE, path))
        .transpose()?;
    Ok(EndpointOptions {
        http: http_options(settings),
        plain_http: settings.api.plain_http,
        client_secret,
    })
}

fn log_in(sandbox: &SandboxThread, client_id: String) -> anyhow::Result<Tokens> {
    let login = sandbox.log_in();
    Ok(Tokens {
        access_token: SecretString::from(login.access_token),
        refresh_token: Some(SecretString::from(login.refresh_token)),
        expires_at: login.lifetime.map(|lifetime| Timestamp::now() + lifetime),
        client_id: Some(client_id),
        client_secret: None,
        token_url: Some(format!("http://{}/oauth/token", sandbox.address()).parse()?),
    })
}
