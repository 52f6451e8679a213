//! Puts a text at an address that is a secret, as metrics at that of a Pushgateway. Neither a log
//! line nor an error holds the address.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Client;
use reqwest::header::CONTENT_TYPE;

use crate::api::http::address::is_loopback;
use crate::api::http::clients::client;
use crate::api::http::fault::fault_of;
use crate::api::http::lanes::Connection;
use crate::api::http::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
use crate::api::http::route::Route;
use crate::api::http::secret_address::SecretAddress;
use crate::contract::Fault;

/// The longest time for a request, from connecting to the head of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The words for the address in explanations, which are not used.
const SETTING: &str = "the address";

/// Puts texts at an address. It cannot be printed, since it holds the address.
pub(crate) struct Pusher {
    address: SecretAddress,
    client: Client,
    route: Route,
}

/// The reason why a text was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    /// No answer came.
    #[error("no answer ({})", .0.name())]
    NoAnswer(Fault),
    /// The server answers with another status than success. Redirects are not followed.
    #[error("the server answers {0}")]
    Refused(u16),
}

impl Pusher {
    /// Prepares to put texts at an address. It is trusted and reached as the API is, and so are proxies.
    pub(crate) fn new(
        address: SecretAddress,
        ca_file: Option<PathBuf>,
    ) -> Result<Pusher, HttpError> {
        let url = address.url();
        let transport = if url.scheme() == "https" {
            Transport::HttpsOnly
        } else {
            Transport::HttpAllowed
        };
        let proxies = if is_loopback(url) {
            Proxies::None
        } else {
            Proxies::FromEnvironment
        };
        let options = HttpOptions {
            timeout: Some(TIMEOUT),
            ca_file,
            transport,
            proxies,
            // No connection is kept: the next text comes later, and perhaps on another runtime.
            in_flight_max: 0,
            protocol: Protocol::Http1,
        };
        let (client, route) = client(&options, url, SETTING)?;
        Ok(Pusher {
            address,
            client,
            route,
        })
    }

    /// Puts a text there, once.
    pub(crate) async fn put(
        &self,
        content_type: &'static str,
        text: String,
    ) -> Result<(), PushError> {
        let request = self.client.put(self.address.url().clone());
        let request = request.header(CONTENT_TYPE, content_type).body(text);
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(PushError::Refused(response.status().as_u16())),
            Err(error) => Err(PushError::NoAnswer(fault_of(
                &error,
                &self.route,
                Connection::New,
            ))),
        }
    }
}

impl PushError {
    /// Whether another attempt may succeed.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            PushError::NoAnswer(_) => true,
            PushError::Refused(status) => status == 429 || status >= 500,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_good_is_not_tried_again() {
        let check = |error: PushError, want| assert_eq!(error.may_pass(), want, "{error}");
        check(PushError::NoAnswer(Fault::Timeout), true);
        check(PushError::Refused(503), true);
        check(PushError::Refused(429), true);
        check(PushError::Refused(400), false);
        check(PushError::Refused(302), false);
    }
}
