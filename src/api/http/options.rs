//! How requests are made, as far as the user decides it, and why they cannot be made so.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// How servers are reached.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// A whole request may take this long, from the connection to the last byte of the answer; nothing where it is given up
    /// otherwise.
    pub timeout: Option<Duration>,
    /// Certificate authorities beside the system's, in PEM.
    pub ca_file: Option<PathBuf>,
    /// What may carry a request.
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
    /// Plain HTTP past all proxies, as tests speak it.
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
    /// HTTP/1.1: a connection for each request in flight.
    Http1,
    /// HTTP/2 where the server has it: a connection for many. With TLS the server says so (ALPN), without it has to.
    Http2,
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
    /// The environment names a proxy that we do not speak to.
    #[error(
        "{variable} names the proxy {proxy}; only http and https proxies can be used (NO_PROXY goes past it)"
    )]
    ProxyOfAnotherKind {
        /// The variable.
        variable: &'static str,
        /// Where it is.
        proxy: String,
    },
    /// The environment names a proxy by something that is no address. It is not shown: a password may be in it.
    #[error(
        "{variable} is not the address of an http or https proxy, as in http://HOST:PORT: correct it, or empty it"
    )]
    ProxyUnusable {
        /// The variable.
        variable: &'static str,
    },
    /// TLS or the client's settings.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}
