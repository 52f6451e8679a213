//! A server of files, and the client for it.

#[cfg(feature = "object-storage")]
use std::error::Error as StdError;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use url::{Host, Origin, Url};

use crate::api::http::clients::client;
use crate::api::http::fault::fault_of;
use crate::api::http::lanes::Connection;
use crate::api::http::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
use crate::api::http::route::Route;
use crate::contract::Fault;

/// The words for the address in explanations of faults.
const SETTING: &str = "the address";
/// The name of the machine that tells virtual machines of Google about themselves.
const METADATA_HOST: &str = "metadata.google.internal";

/// A server of files, and the client for it.
#[derive(Debug)]
pub(crate) struct FileServer {
    origin: Origin,
    client: Client,
    route: Route,
}

/// The reason why no answer came from a server of files.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{explained}")]
pub struct NoAnswer {
    /// The fault.
    pub(crate) fault: Fault,
    /// The fault in words.
    pub(crate) explained: String,
}

impl FileServer {
    /// Returns the client for the server of `url`.
    pub(crate) fn new(url: &Url, ca_file: Option<PathBuf>) -> Result<FileServer, HttpError> {
        let transport = Transport::of(url);
        let proxies = if is_metadata(url) {
            Proxies::None
        } else {
            Proxies::of(url)
        };
        let options = HttpOptions {
            // A file may take hours. Only a time without bytes is limited.
            timeout: None,
            ca_file,
            transport,
            proxies,
            in_flight_max: 1,
            // Without TLS there is no agreement on HTTP/2.
            protocol: match transport {
                Transport::HttpsOnly => Protocol::Http2,
                Transport::HttpAllowed => Protocol::Http1,
            },
        };
        let (client, route) = client(&options, url, SETTING)?;
        Ok(FileServer {
            origin: url.origin(),
            client,
            route,
        })
    }

    /// Whether this is the server of `url`.
    pub(crate) fn serves(&self, url: &Url) -> bool {
        self.origin == url.origin()
    }

    /// Returns the client, for requests to this server only.
    #[cfg(feature = "object-storage")]
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Begins a request for a file of this server.
    pub(crate) fn get(&self, url: Url) -> RequestBuilder {
        self.client.get(url)
    }

    /// Returns the reason for this error of a request.
    pub(crate) fn no_answer(&self, error: &reqwest::Error) -> NoAnswer {
        let fault = fault_of(error, &self.route, Connection::New);
        NoAnswer {
            fault,
            explained: self.route.explain(fault),
        }
    }

    /// Returns the reason for an error that a client's error caused; `None` if none did.
    #[cfg(feature = "object-storage")]
    pub(crate) fn no_answer_below(&self, error: &(dyn StdError + 'static)) -> Option<NoAnswer> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(self.no_answer(found));
            }
            cause = error.source();
        }
        None
    }

    /// Returns the reason if no answer came within this time.
    pub(crate) fn no_answer_within(&self, time: Duration) -> NoAnswer {
        NoAnswer {
            fault: Fault::Timeout,
            explained: format!("no answer from {} within {} s", self.route, time.as_secs()),
        }
    }
}

/// Whether the server tells a machine about itself. No proxy reaches it.
fn is_metadata(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == METADATA_HOST,
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(_)) | None => false,
    }
}
