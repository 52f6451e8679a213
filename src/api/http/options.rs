//! The user's settings for HTTP, and the errors if no client can be built from them.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::address::is_loopback;

/// The settings for all connections to a server.
#[derive(Debug, Clone)]
pub(crate) struct HttpOptions {
    /// The longest time for a whole request, from connecting to the last byte of the answer; `None`
    /// if the caller limits it.
    pub timeout: Option<Duration>,
    /// A PEM file of certificate authorities, in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether plain HTTP is allowed.
    pub transport: Transport,
    /// Whether the environment's proxies are used.
    pub proxies: Proxies,
    /// The most requests in flight.
    pub in_flight_max: u16,
    /// The version of HTTP.
    pub protocol: Protocol,
}

#[cfg(test)]
impl HttpOptions {
    /// Plain HTTP without proxies, for tests.
    pub(crate) fn plain(protocol: Protocol, in_flight_max: u16) -> HttpOptions {
        HttpOptions {
            timeout: None,
            ca_file: None,
            transport: Transport::HttpAllowed,
            proxies: Proxies::None,
            in_flight_max,
            protocol,
        }
    }
}

/// The version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1: one connection per request in flight.
    Http1,
    /// HTTP/2, if the server has it: many requests per connection. With TLS the server says so
    /// (ALPN); without TLS it is assumed.
    Http2,
}

/// Whether the environment's proxies (`HTTPS_PROXY`, `NO_PROXY` …) are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxies {
    /// Proxies are used.
    FromEnvironment,
    /// No proxy is used: a server on this machine is never reached through one.
    None,
}

impl Proxies {
    /// For a server at this address.
    pub(super) fn of(url: &Url) -> Proxies {
        if is_loopback(url) {
            Proxies::None
        } else {
            Proxies::FromEnvironment
        }
    }
}

/// The protocols that may carry a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// TLS only.
    HttpsOnly,
    /// Also plain HTTP: on loopback, or where the user allows it.
    HttpAllowed,
}

impl Transport {
    /// For an address that was allowed when it was read: TLS, if it asks for it.
    pub(super) fn of(url: &Url) -> Transport {
        if url.scheme() == "https" {
            Transport::HttpsOnly
        } else {
            Transport::HttpAllowed
        }
    }
}

/// An error that prevents building a client.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The file of certificate authorities cannot be read.
    #[error("--ca-file {file} cannot be read")]
    CaFile {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// The file of certificate authorities holds no certificate.
    #[error("--ca-file {file} holds no certificates in PEM form")]
    NoCertificates {
        /// The file.
        file: String,
    },
    /// The environment names a proxy of an unsupported kind.
    #[error(
        "{variable} names the proxy {proxy}; only http and https proxies can be used (NO_PROXY bypasses it)"
    )]
    ProxyOfAnotherKind {
        /// The variable.
        variable: &'static str,
        /// The proxy's address.
        proxy: String,
    },
    /// The environment's proxy is not an address. It is not shown: it may contain a password.
    #[error(
        "{variable} is not the address of an http or https proxy, as in http://HOST:PORT: correct it, or set it to an empty value"
    )]
    ProxyUnusable {
        /// The variable.
        variable: &'static str,
    },
    /// TLS or the client's settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}
