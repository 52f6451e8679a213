//! Whom to send to, and as whom.

use std::cmp::Ordering;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::api::{PlainHttp, Protocol, is_loopback};
use crate::config::error::Problem;
use crate::config::names::{CLIENT_SECRET_FILE, TENANT, TOKEN, TOKEN_FILE};
use crate::config::resolver::Resolver;
use crate::config::setting::Setting;
use crate::config::url::{BaseUrlError, parse_base_url};
use crate::config::value::{ValueError, number_in};

/// The API as its documentation names it.
const BASE_URL: &str = "https://dev.flextell.ai/api";

/// Whom to send to, and as whom.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The server.
    pub target: Target,
    /// The value of the `X-Tenant` header, where one is to be sent.
    pub tenant: Option<u64>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The secret of the client that logged in, where the token file does not hold it.
    pub client_secret_file: Option<PathBuf>,
    /// Where plain HTTP may go.
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
        /// Without query, fragment and credentials. Its path ends in `/`, so that [`Url::join`] appends. HTTPS, unless
        /// the host is this machine or the user allowed otherwise.
        base_url: Url,
        /// How to authenticate there.
        token: TokenSource,
    },
}

/// Where the access token is.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Nobody said. Never so for a run against a remote server.
    Missing,
    /// It is this one: visible ASCII characters, fit for a header.
    Value(SecretString),
    /// In a file, to be read when needed and again when refused.
    File(PathBuf),
}

impl ApiSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        let (base_url, plain_http) = base_url(resolver);
        let tenant = resolver.optional(Setting::of_run(TENANT), number_in(0..=u64::MAX));
        let token = token_source(resolver);
        let client_secret_file = resolver.path(Setting::of_process(CLIENT_SECRET_FILE));
        let ca_file = resolver.path(Setting::of_process("ca-file"));
        let protocol = if resolver.boolean(Setting::of_process("http2")) {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        let target = if resolver.boolean(Setting::of_run("sandbox")) {
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
    let base_url = resolver.one(Setting::of_run(NAME), BASE_URL, |text| {
        Ok(parse_base_url(text)?)
    });
    let plain_http = if resolver.boolean(Setting::of_process("allow-http")) {
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

/// The token from wherever the stronger source says: a flag that names a file beats the variable, which beats a
/// configuration file.
fn token_source(resolver: &mut Resolver) -> TokenSource {
    let value = resolver.token();
    let file = resolver.path(Setting::of_process(TOKEN_FILE));
    match (value, file) {
        (None, None) => TokenSource::Missing,
        (Some(value), None) => TokenSource::Value(value),
        (None, Some(file)) => TokenSource::File(file),
        (Some(value), Some(file)) => match resolver.compare_sources(TOKEN, TOKEN_FILE) {
            Ordering::Greater => TokenSource::Value(value),
            Ordering::Less => TokenSource::File(file),
            Ordering::Equal => {
                let (first, second) = (resolver.place(TOKEN), resolver.place(TOKEN_FILE));
                resolver.report(Problem::Contradiction { first, second });
                TokenSource::Missing
            }
        },
    }
}
