//! The port of this machine that the browser is sent back to (RFC 8252 §7.3).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use url::Url;

use crate::api::authorize::{Authorization, AuthorizeError, Code};

/// How long a person may take to log in.
const LOGIN_WAIT_MAX: Duration = Duration::from_mins(10);
/// How long a browser may take to say what it wants.
const REQUEST_WAIT_MAX: Duration = Duration::from_secs(5);
/// The longest request that is read.
const REQUEST_BYTES_MAX: usize = 16 << 10;
/// The path that the browser asks for.
const PATH: &str = "/callback";

/// Why nobody came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum RedirectError {
    /// Too long a wait.
    #[error("no login within {} minutes", .minutes)]
    Nobody {
        /// How long it was waited.
        minutes: u64,
    },
    /// The port.
    #[error("the port stopped accepting connections")]
    Io(#[source] io::Error),
    /// The login was refused.
    #[error(transparent)]
    Authorize(AuthorizeError),
}

/// The address that the server is to send the browser to; a port of 0 is left out.
pub(super) fn uri(port: u16) -> String {
    match port {
        0 => format!("http://127.0.0.1{PATH}"),
        port => format!("http://127.0.0.1:{port}{PATH}"),
    }
}

/// Waits for the browser to come back. Whoever else asks the port is told nothing and ends nothing.
pub(super) async fn wait(
    listener: &TcpListener,
    authorization: &Authorization,
) -> Result<Code, RedirectError> {
    let code = timeout(LOGIN_WAIT_MAX, async {
        loop {
            let (mut stream, _) = listener.accept().await.map_err(RedirectError::Io)?;
            // One at a time: a browser that says nothing holds up others for a few seconds.
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
                // Anybody on this machine may ask; it was not the browser of this login.
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
    let nobody = RedirectError::Nobody {
        minutes: LOGIN_WAIT_MAX.as_secs() / 60,
    };
    code.await.unwrap_or(Err(nobody))
}

/// The address that a request asks for, if it is ours.
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
    // The address holds the code: no page that follows is to learn it.
    let head = format!(
        "{head}\r\nreferrer-policy: no-referrer\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
    );
    // A browser that has gone has shown the person something else.
    timeout(
        REQUEST_WAIT_MAX,
        stream.write_all(format!("{head}{words}").as_bytes()),
    )
    .await
    .ok();
}
