//! Sends one payload to an address, with a few tries.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use tokio::time::sleep;

use crate::api::http::options::HttpError;
use crate::api::http::secret_address::SecretAddress;
use crate::api::http::secret_client::SecretClient;
use crate::contract::{Fault, ProxyFault};

/// The way to an address.
#[derive(Debug)]
pub(crate) struct Webhook(SecretClient);

/// A request to an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// GET, without a body.
    Ping,
    /// POST of a JSON text.
    Json(&'a str),
}

/// The number and times of tries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The longest time of a try, from connecting to the head of the answer.
    pub(crate) timeout: Duration,
    /// The pauses between tries; there is one try more.
    pub(crate) pauses: &'static [Duration],
}

/// The reason why a payload was not delivered. It holds no part of the address.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookError {
    /// No client can be built from the settings.
    #[error(transparent)]
    Settings(#[from] HttpError),
    /// No try was accepted.
    #[error("{cause}{}", after(*tries))]
    NotAccepted {
        /// The cause of the last try.
        cause: Cause,
        /// The number of tries.
        tries: usize,
    },
}

/// The reason why a try was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The answer had this status.
    Status(u16),
    /// There was no answer.
    Fault(Fault),
}

impl Patience {
    const TIMEOUT: Duration = Duration::from_secs(10);
    /// Three tries.
    pub(crate) const SOME: Patience = Patience {
        timeout: Patience::TIMEOUT,
        pauses: &[Duration::from_secs(1), Duration::from_secs(2)],
    };
    /// One try.
    pub(crate) const LITTLE: Patience = Patience {
        timeout: Patience::TIMEOUT,
        pauses: &[],
    };
}

impl Webhook {
    /// Returns the way to an address. `ca_file` holds certificates to trust beside the system's.
    pub(crate) fn new(
        address: SecretAddress,
        ca_file: Option<std::path::PathBuf>,
    ) -> Result<Webhook, WebhookError> {
        Ok(Webhook(SecretClient::new(address, ca_file, 1)?))
    }

    /// Returns the way to the same server, with one more part at the end of the path.
    pub(crate) fn below(&self, part: &str) -> Webhook {
        Webhook(self.0.below(part))
    }

    /// Sends a payload. Redirects are not followed: they would carry it to another address.
    pub(crate) async fn deliver(
        &self,
        payload: Payload<'_>,
        patience: Patience,
    ) -> Result<(), WebhookError> {
        let mut pauses = patience.pauses.iter();
        let mut tries = 0;
        loop {
            tries += 1;
            let Err(cause) = self.try_once(payload, patience.timeout).await else {
                return Ok(());
            };
            match pauses.next().filter(|_| cause.may_pass()) {
                Some(pause) => sleep(*pause).await,
                None => return Err(WebhookError::NotAccepted { cause, tries }),
            }
        }
    }

    async fn try_once(&self, payload: Payload<'_>, timeout: Duration) -> Result<(), Cause> {
        let status = self.0.send(
            |client, url| match payload {
                Payload::Ping => client.get(url),
                Payload::Json(json) => client
                    .post(url)
                    .header(CONTENT_TYPE, "application/json")
                    .body(json.to_owned()),
            },
            timeout,
        );
        match status.await {
            Ok(status) if status.is_success() => Ok(()),
            Ok(status) => Err(Cause::Status(status.as_u16())),
            Err(fault) => Err(Cause::Fault(fault)),
        }
    }
}

impl Cause {
    /// Whether the next try may be accepted.
    fn may_pass(self) -> bool {
        match self {
            // RFC 9110 §15.5.9, RFC 6585 §4, RFC 9110 §15.6.
            Cause::Status(status) => matches!(status, 408 | 429 | 500..=599),
            Cause::Fault(Fault::Tls(_)) => false,
            Cause::Fault(_) => true,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Status(status @ 300..=399) => {
                write!(
                    formatter,
                    "HTTP {status}, a redirect, which is not followed"
                )
            }
            Cause::Status(status) => write!(formatter, "HTTP {status}"),
            Cause::Fault(Fault::Refused) => formatter.write_str("connection refused"),
            Cause::Fault(Fault::Timeout | Fault::ConnectTimeout) => {
                formatter.write_str("no answer in time")
            }
            Cause::Fault(Fault::Broken | Fault::Unanswered | Fault::NotProcessed) => {
                formatter.write_str("the connection was closed without an answer")
            }
            Cause::Fault(Fault::Proxy(ProxyFault::Authentication)) => {
                formatter.write_str("the proxy requires a name and a password (407)")
            }
            Cause::Fault(fault) => formatter.write_str(&fault.name().replace('_', " ")),
        }
    }
}

/// Returns the words about the number of tries.
fn after(tries: usize) -> String {
    match tries {
        1 => String::new(),
        tries => format!(" ({tries} tries)"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use super::*;
    use crate::api::http::secret_address::Unencrypted;
    use crate::contract::TlsFault;

    /// Short times, so that the test is short.
    const HASTE: Patience = Patience {
        timeout: Duration::from_millis(300),
        pauses: &[Duration::from_millis(1), Duration::from_millis(2)],
    };

    #[test]
    fn only_a_cause_that_may_pass_is_tried_again() {
        let check = |cause: Cause, want: bool| assert_eq!(cause.may_pass(), want, "{cause}");
        for status in [408, 429, 500, 503, 599] {
            check(Cause::Status(status), true);
        }
        for status in [301, 307, 400, 401, 404, 410] {
            check(Cause::Status(status), false);
        }
        check(Cause::Fault(Fault::Refused), true);
        check(Cause::Fault(Fault::Timeout), true);
        check(Cause::Fault(Fault::Tls(TlsFault::Expired)), false);
    }

    /// Delivers to a server that answers each connection in turn; `None` is no answer at all.
    fn delivered(answers: &'static [Option<&'static str>]) -> (Result<(), String>, usize) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let server = thread::spawn(move || {
            let mut open = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut head = [0; 1024];
                let read = stream.read(&mut head).expect("a request");
                assert!(read > 0, "a request");
                if let Some(answer) = answer {
                    stream.write_all(answer.as_bytes()).expect("it is read");
                } else {
                    open.push(stream);
                }
            }
            // Dropped by the caller, so that no connection is closed before its try has ended.
            open
        });
        let address = format!("http://127.0.0.1:{port}/hook");
        let address = SecretAddress::of(&address, Unencrypted::Refused).expect("an address");
        let webhook = Webhook::new(address, None).expect("a client");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let result = runtime.block_on(webhook.deliver(Payload::Json("{}"), HASTE));
        drop(runtime);
        let unanswered = server.join().expect("all answers were given");
        (result.map_err(|error| error.to_string()), unanswered.len())
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const GONE: &str = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[test]
    fn three_tries_are_made() {
        let check = |answers, want: Result<(), &str>, unanswered| {
            let want = (want.map_err(str::to_owned), unanswered);
            assert_eq!(delivered(answers), want, "{answers:?}");
        };
        check(&[Some(OK)], Ok(()), 0);
        check(&[Some(BUSY), Some(BUSY), Some(OK)], Ok(()), 0);
        check(&[None, Some(OK)], Ok(()), 1);
        check(
            &[Some(BUSY), Some(BUSY), Some(BUSY)],
            Err("HTTP 503 (3 tries)"),
            0,
        );
        check(&[None, None, None], Err("no answer in time (3 tries)"), 3);
        check(&[Some(GONE)], Err("HTTP 410"), 0);
    }
}
