//! The HTTP client for the token endpoint: which transport and proxy may carry a refresh token.

use std::sync::{Mutex, PoisonError};

use reqwest::Client;
use secrecy::SecretString;
use url::Url;

use crate::api::http::address::is_loopback;
use crate::api::http::clients;
use crate::api::http::options::{HttpOptions, Protocol, Proxies, Transport};
use crate::api::http::route::Route;
use crate::api::token::refresh_error::RefreshError;

/// The setting that names the token endpoint, for error messages.
const TOKEN_URL: &str = "the token file's token_url";

/// The settings for reaching the token endpoint.
#[derive(Debug, Clone)]
pub(crate) struct EndpointOptions {
    /// Timeouts and authorities, as for the API. Transport and proxy follow from the URL.
    pub http: HttpOptions,
    /// Whether another machine may be reached by plain HTTP.
    pub plain_http: PlainHttp,
    /// The client secret, if the token file has none.
    pub client_secret: Option<SecretString>,
}

/// The servers that plain HTTP may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlainHttp {
    /// This machine only.
    Loopback,
    /// Any, because the user insists.
    Anywhere,
}

/// The token endpoint's settings, and the client that was used last.
#[derive(Debug)]
pub(crate) struct Endpoint {
    options: EndpointOptions,
    client: Mutex<Option<(Url, (Client, Route))>>,
}

impl Endpoint {
    pub(crate) fn new(options: EndpointOptions) -> Endpoint {
        Endpoint {
            options,
            client: Mutex::new(None),
        }
    }

    /// The client secret, if the token file has none.
    pub(crate) fn client_secret(&self) -> Option<&SecretString> {
        self.options.client_secret.as_ref()
    }

    /// The client for this URL, and the route that its requests take.
    pub(crate) fn client(&self, token_url: &Url) -> Result<(Client, Route), RefreshError> {
        let mut kept = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((url, client)) = &*kept
            && url == token_url
        {
            return Ok(client.clone());
        }
        let client = clients::client(&self.http_options(token_url)?, token_url, TOKEN_URL)?;
        *kept = Some((token_url.clone(), client.clone()));
        Ok(client)
    }

    fn http_options(&self, token_url: &Url) -> Result<HttpOptions, RefreshError> {
        let is_local = is_loopback(token_url);
        let transport = match (token_url.scheme(), self.options.plain_http) {
            ("http", PlainHttp::Anywhere) => Transport::HttpAllowed,
            ("http", PlainHttp::Loopback) if is_local => Transport::HttpAllowed,
            ("http", PlainHttp::Loopback) => {
                let host = token_url.host_str().unwrap_or_default().to_owned();
                return Err(RefreshError::PlainHttp { host });
            }
            (_, _) => Transport::HttpsOnly,
        };
        let proxies = if is_local {
            Proxies::None
        } else {
            Proxies::FromEnvironment
        };
        Ok(HttpOptions {
            transport,
            proxies,
            in_flight_max: 1,
            protocol: Protocol::Http1,
            ..self.options.http.clone()
        })
    }
}
