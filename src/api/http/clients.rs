//! Builds HTTP clients: trusted certificates, timeouts, and the features that are switched off.

use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT};
use reqwest::{Certificate, Client, ClientBuilder};
use tracing::{info, warn};
use url::Url;

use crate::api::http::connections::Opened;
use crate::api::http::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
use crate::api::http::proxy::Proxy;
use crate::api::http::route::Route;
use crate::text;

/// The value of `User-Agent`.
const SENDER: &str = concat!("custsync/", env!("CARGO_PKG_VERSION"));
/// The longest time that connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are closed before common servers and load balancers close them (60 s), so that
/// few requests meet a closed one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The most headers of an answer. Their bytes are bounded too: hyper reads a head of at most 400
/// KiB.
const HEADERS_MAX: usize = 100;

/// A client for requests to `server`, which `setting` names, and the route that they take.
pub(crate) fn client(
    options: &HttpOptions,
    server: &Url,
    setting: &'static str,
) -> Result<(Client, Route), HttpError> {
    let (own, route) = prepare(options, server, setting)?;
    Ok((client_that_trusts(own, options, None)?, route))
}

/// Builds clients for requests to one server, all with the same settings.
#[derive(Debug)]
pub(crate) struct Clients {
    options: HttpOptions,
    own: Vec<Certificate>,
}

impl Clients {
    /// A builder of clients for requests to `server`, which `setting` names, and the route that
    /// they take.
    pub(crate) fn new(
        options: &HttpOptions,
        server: &Url,
        setting: &'static str,
    ) -> Result<(Clients, Route), HttpError> {
        let (own, route) = prepare(options, server, setting)?;
        Ok((
            Clients {
                own,
                options: options.clone(),
            },
            route,
        ))
    }

    /// Another client, whose connections are counted by `opened`.
    pub(crate) fn client(&self, opened: &Opened) -> Result<Client, HttpError> {
        client_that_trusts(self.own.clone(), &self.options, Some(opened))
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.options.protocol
    }
}

/// Prepares the first client: returns the user's own authorities and the route of requests.
fn prepare(
    options: &HttpOptions,
    server: &Url,
    setting: &'static str,
) -> Result<(Vec<Certificate>, Route), HttpError> {
    install_tls_provider();
    let proxy = match options.proxies {
        Proxies::FromEnvironment => Proxy::from_environment(server)?,
        Proxies::None => None,
    };
    if let Some(proxy) = &proxy {
        info!(
            "requests go through the proxy {} of the environment",
            proxy.address
        );
    }
    Ok((
        own_authorities(options.ca_file.as_deref())?,
        Route::new(server, proxy, setting),
    ))
}

fn client_that_trusts(
    own: Vec<Certificate>,
    options: &HttpOptions,
    opened: Option<&Opened>,
) -> Result<Client, HttpError> {
    let builder = || match opened {
        Some(opened) => builder(options).connector_layer(opened.clone()),
        None => builder(options),
    };
    match builder().build() {
        Ok(client) if own.is_empty() => Ok(client),
        Ok(_) => builder()
            .tls_certs_merge(own)
            .build()
            .map_err(HttpError::Client),
        // The system has no certificate authorities. For any other cause the next attempt reports
        // it.
        Err(_) => {
            say_that_authorities_are_built_in(options.transport);
            let authorities = own.into_iter().chain(built_in_authorities());
            builder()
                .tls_certs_only(authorities)
                .build()
                .map_err(HttpError::Client)
        }
    }
}

/// The headers of every request. The client copies headers several times per request, which is
/// cheap for static ones.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (USER_AGENT, HeaderValue::from_static(SENDER)),
    ])
}

fn builder(options: &HttpOptions) -> ClientBuilder {
    let builder = Client::builder()
        .default_headers(headers())
        // A redirect would carry the body and the tenant to another server.
        .redirect(reqwest::redirect::Policy::none())
        // Every repeated request has to pass the schedule. A maximum of 0 saves the copy of each
        // request.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .http1_max_headers(HEADERS_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .pool_max_idle_per_host(usize::from(options.in_flight_max))
        .tcp_nodelay(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .https_only(options.transport == Transport::HttpsOnly);
    let builder = match options.timeout {
        Some(timeout) => builder.timeout(timeout),
        None => builder,
    };
    let builder = match (options.protocol, options.transport) {
        (Protocol::Http1, _) => builder.http1_only(),
        (Protocol::Http2, Transport::HttpsOnly) => builder,
        (Protocol::Http2, Transport::HttpAllowed) => builder.http2_prior_knowledge(),
    };
    match options.proxies {
        Proxies::FromEnvironment => builder,
        Proxies::None => builder.no_proxy(),
    }
}

fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have installed it first; the provider is the same one.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
    }
}

fn own_authorities(ca_file: Option<&Path>) -> Result<Vec<Certificate>, HttpError> {
    let Some(path) = ca_file else {
        return Ok(Vec::new());
    };
    let file = text::safe_path(path);
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

/// Mozilla's authorities, as of the version of the crate `webpki-root-certs`.
fn built_in_authorities() -> impl Iterator<Item = Certificate> {
    // Skip entries that do not parse: a missing root only refuses servers.
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
}

fn say_that_authorities_are_built_in(transport: Transport) {
    static SAID: Once = Once::new();
    match transport {
        Transport::HttpsOnly => SAID.call_once(|| {
            warn!("this system has no certificate authorities; Mozilla's are trusted, as of the time of this program's build");
        }),
        // Plain HTTP needs no roots.
        Transport::HttpAllowed => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_authorities_are_certificates() {
        let all = webpki_root_certs::TLS_SERVER_ROOT_CERTS.len();
        assert!(all > 100, "{all}");
        assert_eq!(built_in_authorities().count(), all);
    }
}
