//! The client: one PUT of one customer, one attempt.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, ClientBuilder};
use url::Url;

use super::reading;
use super::token::Token;
use crate::contract::{Answer, Attempt, CustomerId, Fault};
use crate::text;

/// The longest that a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Idle connections are given up before common servers and load balancers do (60 s), so that few requests meet a closed one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// The API's name for the header that scopes a request to a tenant.
const X_TENANT: HeaderName = HeaderName::from_static("x-tenant");

/// How the API is reached.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Up to where `/v1/customers/{id}` begins.
    pub base_url: Url,
    /// The tenant that requests are scoped to.
    pub tenant: Option<u64>,
    /// A whole attempt may take this long.
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

/// The API.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    /// The request URL up to the id.
    customers_url: String,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
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

impl Api {
    /// A client with these options. Connections are made with the first requests.
    pub fn new(options: &ApiOptions) -> Result<Api, ApiError> {
        install_tls_provider();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(tenant) = options.tenant {
            headers.insert(X_TENANT, HeaderValue::from(tenant));
        }
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
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(usize::from(options.in_flight_max))
            .tcp_nodelay(true)
            .tls_version_min(reqwest::tls::Version::TLS_1_2)
            .https_only(options.transport == Transport::HttpsOnly);
        let builder = with_authorities(builder, options.ca_file.as_deref())?;
        let builder = match options.proxies {
            Proxies::OfTheEnvironment => builder,
            Proxies::None => builder.no_proxy(),
        };
        let client = builder.build().map_err(ApiError::Client)?;
        let customers_url = format!("{}/v1/customers/", options.base_url.as_str().trim_end_matches('/'));
        Ok(Api { client, customers_url })
    }

    /// Sends one update and reads what comes back. Never fails: that nothing came back is an answer too.
    pub async fn update(&self, customer: CustomerId, body: Bytes, token: &Token) -> Attempt {
        let started = Instant::now();
        let request = self
            .client
            .put(format!("{}{customer}", self.customers_url))
            .header(AUTHORIZATION, token.authorization())
            .body(body);
        let answer = match request.send().await {
            Ok(answer) => match reading::read(answer).await {
                Ok(response) => Answer::Response(response),
                Err(error) => Answer::Fault(fault_of(&error)),
            },
            Err(error) => Answer::Fault(fault_of(&error)),
        };
        Attempt { answer, took: started.elapsed() }
    }
}

fn install_tls_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker; the provider is the same one.
        rustls::crypto::ring::default_provider().install_default().ok();
    }
}

fn with_authorities(builder: ClientBuilder, ca_file: Option<&Path>) -> Result<ClientBuilder, ApiError> {
    let Some(path) = ca_file else { return Ok(builder) };
    let file = text::safe(&path.display().to_string());
    let pem = match std::fs::read(path) {
        Ok(pem) => pem,
        Err(source) => return Err(ApiError::CaFile { file, source }),
    };
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(builder.tls_certs_merge(certificates)),
        // An unreadable bundle and an empty one are the same mistake to the user: the wrong file.
        Ok(_) | Err(_) => Err(ApiError::NoCertificates { file }),
    }
}

/// Why there is no answer. The error itself is not kept: it names the URL, and with it the customer.
fn fault_of(error: &reqwest::Error) -> Fault {
    if error.is_connect() {
        return connect_fault(error);
    }
    if error.is_timeout() { Fault::Timeout } else { Fault::Broken }
}

fn connect_fault(error: &reqwest::Error) -> Fault {
    if error.is_timeout() {
        return Fault::ConnectTimeout;
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(inner) = inner
            && inner.is::<rustls::Error>()
        {
            return Fault::Tls;
        }
        // The connector's own name for a failed look-up; it has no type that could be asked.
        if cause.to_string() == "dns error" {
            return Fault::NameUnknown;
        }
        source = cause.source();
    }
    Fault::Refused
}
