//! The port on this machine that the browser is redirected to (RFC 8252 §7.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

use crate::api::authorize::{Authorization, AuthorizeError, Code};

/// The most time for a login.
const LOGIN_WAIT_MAX: Duration = Duration::from_mins(10);
/// The most time for a request or an answer.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(5);
/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// The path of the redirect address.
const PATH: &str = "/callback";

/// The reason why a login did not succeed.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedirectError {
    /// Too long a wait.
    #[error("no login within {} minutes", .minutes)]
    Timeout {
        /// The length of the wait.
        minutes: u64,
    },
    /// The port.
    #[error("the port stopped accepting connections")]
    Io(#[source] io::Error),
    /// The login was refused.
    #[error(transparent)]
    Authorize(AuthorizeError),
}

/// Returns the redirect address. A port of 0 is left out.
pub(super) fn uri(port: u16) -> String {
    match port {
        0 => format!("http://127.0.0.1{PATH}"),
        port => format!("http://127.0.0.1:{port}{PATH}"),
    }
}

/// Waits for the redirected browser. Other requests to the port learn nothing and end nothing.
pub(super) async fn wait(
    listener: &TcpListener,
    authorization: &Authorization,
) -> Result<Code, RedirectError> {
    let code = timeout(LOGIN_WAIT_MAX, async {
        loop {
            let (mut stream, _) = listener.accept().await.map_err(RedirectError::Io)?;
            // One connection at a time: a silent browser delays others for a few seconds.
            let Ok(Some(address)) = timeout(REQUEST_WAIT_MAX, read_address(&mut stream)).await
            else {
                continue;
            };
            match authorization.code(&address) {
                Ok(code) => {
                    answer(
                        &mut stream,
                        "200 OK",
                        "You are logged in. You can close this window.",
                    )
                    .await;
                    return Ok(code);
                }
                Err(error @ AuthorizeError::Refused(_)) => {
                    answer(
                        &mut stream,
                        "200 OK",
                        "The login was refused. You can close this window.",
                    )
                    .await;
                    return Err(RedirectError::Authorize(error));
                }
                // Any process on this machine may connect; this was not the browser of the login.
                Err(_) => {
                    answer(
                        &mut stream,
                        "400 Bad Request",
                        "This is not the address of the login.",
                    )
                    .await;
                }
            }
        }
    });
    let timeout = RedirectError::Timeout {
        minutes: LOGIN_WAIT_MAX.as_secs() / 60,
    };
    code.await.unwrap_or(Err(timeout))
}

/// Returns the address that a request asks for, if it is the redirect address.
async fn read_address(stream: &mut TcpStream) -> Option<Url> {
    let mut request = Vec::new();
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        let read = stream.read_buf(&mut request).await.ok()?;
        if read == 0 || request.len() > REQUEST_BYTES_MAX {
            return None;
        }
    }
    let head = String::from_utf8(request).ok()?;
    let target = head.strip_prefix("GET ")?.split(' ').next()?;
    let address: Url = format!(
        "http://127.0.0.1{}",
        target.strip_prefix('/').map(|_| target)?
    )
    .parse()
    .ok()?;
    (address.path() == PATH).then_some(address)
}

async fn answer(stream: &mut TcpStream, status: &str, words: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}",
        words.len()
    );
    // The address holds the code, which no later page must see.
    let head = format!(
        "{head}\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
    );
    // If the browser has gone, there is no one to answer.
    timeout(
        REQUEST_WAIT_MAX,
        stream.write_all(format!("{head}{words}").as_bytes()),
    )
    .await
    .ok();
}
