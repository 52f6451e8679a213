//! The API to send to, and the credentials.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::api::{PlainHttp, Protocol, Token, TokenFlaw, is_loopback};
use crate::config::names::{CA_FILE, CLIENT_SECRET_FILE, TENANT, TOKEN, TOKEN_FILE};
use crate::config::resolver::Resolver;
use crate::config::secret::SecretSource;
use crate::config::setting::{of_process, of_run};
use crate::config::url::{BaseUrlError, parse_base_url};
use crate::config::value::{ValueError, number_in};

/// The API as its documentation names it.
const BASE_URL: &str = "https://dev.flextell.ai/api";

/// The API to send to, and the credentials.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The server.
    pub target: Target,
    /// The value of the `X-Tenant` header, if there is one.
    pub tenant: Option<u64>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The file of the client's secret, if the token file does not hold the secret.
    pub client_secret_file: Option<PathBuf>,
    /// The hosts that plain HTTP may be used with.
    pub plain_http: PlainHttp,
    /// The version of HTTP.
    pub protocol: Protocol,
}

/// The server that the updates go to.
#[derive(Debug, Clone)]
pub enum Target {
    /// One inside this process.
    Sandbox,
    /// One that is there already.
    Remote {
        /// Without query, fragment and credentials. Its path ends in `/`, so that [`Url::join`]
        /// appends. HTTPS, unless the host is this machine or the user allowed otherwise.
        base_url: Url,
        /// The token for it: visible ASCII characters, fit for a header. A file is read again after
        /// a refusal. A run has one.
        token: SecretSource,
    },
}

impl ApiSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        let (base_url, plain_http) = base_url(resolver);
        let tenant = resolver.optional(of_run(TENANT), number_in(0..=u64::MAX));
        let token = resolver.secret_source(TOKEN, TOKEN_FILE, checked_token);
        let client_secret_file = resolver.path(of_process(CLIENT_SECRET_FILE));
        let ca_file = resolver.path(of_process(CA_FILE));
        let protocol = if resolver.boolean(of_process("http2")) {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        let target = if resolver.boolean(of_run("sandbox")) {
            Target::Sandbox
        } else {
            Target::Remote { base_url, token }
        };
        Self {
            target,
            tenant,
            ca_file,
            client_secret_file,
            plain_http,
            protocol,
        }
    }
}

fn base_url(resolver: &mut Resolver) -> (Url, PlainHttp) {
    const NAME: &str = "base-url";
    let base_url = resolver.one(of_run(NAME), BASE_URL, |text| Ok(parse_base_url(text)?));
    let plain_http = if resolver.boolean(of_process("allow-http")) {
        PlainHttp::Anywhere
    } else {
        PlainHttp::Loopback
    };
    if base_url.scheme() != "https" && plain_http == PlainHttp::Loopback && !is_loopback(&base_url)
    {
        let host = base_url.host_str().unwrap_or_default().to_owned();
        resolver.report_value(NAME, ValueError::BaseUrl(BaseUrlError::PlainHttp(host)));
    }
    (base_url, plain_http)
}

fn checked_token(text: &str) -> Result<SecretString, ValueError> {
    match Token::of(text) {
        Ok(token) => Ok(token.secret()),
        Err(TokenFlaw::Empty) => Err(ValueError::Empty),
        Err(flaw) => Err(ValueError::NotAToken(flaw)),
    }
}
