//! A client for an address that is a secret. It is trusted and reached as the API is, and so are
//! proxies. Neither a log line nor an error holds the address.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode};

use super::clients::client;
use super::fault::fault_of;
use super::lanes::Connection;
use super::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
use super::route::Route;
use super::secret_address::SecretAddress;
use crate::contract::Fault;

/// The words for the address in explanations.
const SETTING: &str = "the address";

/// A client for one address.
#[derive(Debug)]
pub(crate) struct SecretClient {
    address: SecretAddress,
    client: Client,
    /// For telling faults apart. It holds the host, so it is never shown.
    route: Route,
}

impl SecretClient {
    /// Returns a client that keeps this many connections. `ca_file` holds certificates to trust
    /// beside the system's. Whether plain HTTP may be used was decided when the address was read.
    pub(crate) fn new(
        address: SecretAddress,
        ca_file: Option<PathBuf>,
        connections_max: u16,
    ) -> Result<SecretClient, HttpError> {
        let url = address.url();
        let options = HttpOptions {
            // Each request has its own.
            timeout: None,
            ca_file,
            transport: Transport::of(url),
            proxies: Proxies::of(url),
            in_flight_max: connections_max,
            protocol: Protocol::Http1,
        };
        let (client, route) = client(&options, url, SETTING)?;
        Ok(SecretClient {
            address,
            client,
            route,
        })
    }

    /// Returns a client for the same server, with one more part at the end of the path.
    pub(crate) fn below(&self, part: &str) -> SecretClient {
        SecretClient {
            address: self.address.below(part),
            client: self.client.clone(),
            route: self.route.clone(),
        }
    }

    /// Sends the request that `build` makes for the address, and returns the status of the answer.
    /// Redirects are not followed: they would carry it to another address. `timeout` is the longest
    /// time from connecting to the head of the answer.
    pub(crate) async fn send(
        &self,
        build: impl FnOnce(&Client, url::Url) -> RequestBuilder,
        timeout: Duration,
    ) -> Result<StatusCode, Fault> {
        let request = build(&self.client, self.address.url().clone());
        match request.timeout(timeout).send().await {
            Ok(answer) => Ok(answer.status()),
            Err(error) => Err(fault_of(&error, &self.route, Connection::New)),
        }
    }
}
