//! The HTTP client that everything is sent by: what it trusts, how long it waits, and what it never does.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder};

use crate::text;

/// The longest that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are given up before common servers and load balancers do (60 s), so that few requests meet a closed one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The most headers of an answer. Their bytes are bounded too: hyper holds a head of at most 400 KiB.
const HEADERS_MAX: usize = 100;

/// How servers are reached.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// A whole attempt may take this long, from the connection to the last byte of the answer.
    pub timeout: Duration,
    /// Certificate authorities beside the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// What may carry a request.
    pub transport: Transport,
    /// Whether the environment's proxies are used.
    pub proxies: Proxies,
    /// The most requests in flight.
    pub in_flight_max: u16,
}

/// Whether the environment's proxies (`HTTPS_PROXY`, `NO_PROXY` …) are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proxies {
    /// They are.
    OfTheEnvironment,
    /// None is: nothing on this machine is reached through a proxy.
    None,
}

/// What may carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// TLS only.
    HttpsOnly,
    /// Also plain HTTP: on loopback, or where the user allows it.
    HttpAllowed,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The file of certificate authorities cannot be read.
    #[error("--ca-file {file} cannot be read")]
    CaFile {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds no certificates.
    #[error("--ca-file {file} holds no certificates in PEM form")]
    NoCertificates {
        /// Its name.
        file: String,
    },
    /// TLS or the client's settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A client whose requests have these headers.
pub(super) fn client(options: &HttpOptions, mut headers: HeaderMap) -> Result<Client, HttpError> {
    install_tls_provider();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let own = own_authorities(options.ca_file.as_deref())?;
    builder(options, headers).tls_certs_merge(own).build().map_err(HttpError::Client)
}

fn builder(options: &HttpOptions, headers: HeaderMap) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("custsync/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        // A redirect would carry body and tenant to wherever it points.
        .redirect(reqwest::redirect::Policy::none())
        // Whatever is sent again has to pass the schedule.
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(options.timeout)
        .http1_max_headers(HEADERS_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(usize::from(options.in_flight_max))
        .tcp_nodelay(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .https_only(options.transport == Transport::HttpsOnly);
    match options.proxies {
        Proxies::OfTheEnvironment => builder,
        Proxies::None => builder.no_proxy(),
    }
}

fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker; the provider is the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

fn own_authorities(ca_file: Option<&Path>) -> Result<Vec<Certificate>, HttpError> {
    let Some(path) = ca_file else { return Ok(Vec::new()) };
    let file = text::safe(&path.display().to_string());
    let pem = match std::fs::read(path) {
        Ok(pem) => pem,
        Err(source) => return Err(HttpError::CaFile { file, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        // An unreadable bundle and an empty one are the same mistake to the user: the wrong file.
        Ok(_) | Err(_) => Err(HttpError::NoCertificates { file }),
    }
}
