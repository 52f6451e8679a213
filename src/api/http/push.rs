//! Puts a text at an address that is a secret, as metrics at that of a Pushgateway. Neither a log
//! line nor an error holds the address.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

use crate::api::http::options::HttpError;
use crate::api::http::secret_address::SecretAddress;
use crate::api::http::secret_client::SecretClient;
use crate::contract::Fault;

/// The longest time for a request, from connecting to the head of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Puts texts at an address. It cannot be printed, since it holds the address.
pub(crate) struct Pusher(SecretClient);

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
    /// Prepares to put texts at an address.
    pub(crate) fn new(
        address: SecretAddress,
        ca_file: Option<PathBuf>,
    ) -> Result<Pusher, HttpError> {
        // No connection is kept: the next text comes later, and perhaps on another runtime.
        SecretClient::new(address, ca_file, 0).map(Pusher)
    }

    /// Puts a text there, once.
    pub(crate) async fn put(
        &self,
        content_type: &'static str,
        text: String,
    ) -> Result<(), PushError> {
        let status = self.0.send(
            |client, url| {
                client
                    .put(url)
                    .header(CONTENT_TYPE, content_type)
                    .body(text)
            },
            TIMEOUT,
        );
        match status.await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(PushError::Refused(status.as_u16())),
            Err(fault) => Err(PushError::NoAnswer(fault)),
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
