//! The address at which the metrics are served, over HTTP/1.1.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener as BoundListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

use super::publisher::Publisher;
use crate::results::metrics;

/// The path of the metrics.
const PATH: &str = "/metrics";
/// The most connections at once. Others wait until one ends.
pub(super) const CONNECTIONS_MAX: usize = 8;
/// The most bytes of a request's head, the least that hyper allows.
const HEAD_BYTES_MAX: usize = 8 << 10;
/// The longest time for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for a request and its answer. A connection carries one.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after a failure to accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections.
pub(super) struct Listener(TcpListener);

impl Listener {
    /// Listens on this address, and logs it.
    pub(super) fn bind(address: SocketAddr) -> anyhow::Result<BoundListener> {
        let bind = || -> io::Result<(BoundListener, SocketAddr)> {
            let listener = BoundListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let bound = listener.local_addr()?;
            Ok((listener, bound))
        };
        let (listener, bound) =
            bind().with_context(|| format!("--metrics-addr: cannot listen on {address}"))?;
        info!("the metrics are at http://{bound}{PATH}");
        Ok(listener)
    }

    /// Returns the listener for the runtime that is entered.
    pub(super) fn of(listener: BoundListener) -> io::Result<Listener> {
        TcpListener::from_std(listener).map(Listener)
    }

    /// Returns the next connection.
    pub(super) async fn accept(&self) -> TcpStream {
        loop {
            match self.0.accept().await {
                Ok((stream, _)) => return stream,
                Err(error) => {
                    debug!(%error, "a connection for the metrics could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Answers one request.
pub(super) async fn serve(stream: TcpStream, publisher: Arc<Publisher>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), || publisher.text());
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION_TIMEOUT, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, "a connection for the metrics ended early"),
        Err(_elapsed) => debug!("a connection for the metrics took too long"),
    }
}

/// Returns the answer to a request.
fn answer(method: &Method, path: &str, text: impl FnOnce() -> String) -> Response<String> {
    let mut response = Response::new(String::new());
    if path != PATH {
        *response.status_mut() = StatusCode::NOT_FOUND;
    } else if !matches!(*method, Method::GET | Method::HEAD) {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
    } else {
        *response.body_mut() = text();
        let content_type = HeaderValue::from_static(metrics::CONTENT_TYPE);
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_metrics_are_served() {
        let check = |method: Method, path: &str, want: u16, body: &str| {
            let answer = answer(&method, path, || "custsync_running 1\n".to_owned());
            let got = (answer.status().as_u16(), answer.body().as_str());
            assert_eq!(got, (want, body), "{method} {path}");
        };
        check(Method::GET, "/metrics", 200, "custsync_running 1\n");
        check(Method::HEAD, "/metrics", 200, "custsync_running 1\n");
        check(Method::POST, "/metrics", 405, "");
        check(Method::GET, "/metrics/", 404, "");
        check(Method::GET, "/", 404, "");
    }
}
