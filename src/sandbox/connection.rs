//! One client's connection, HTTP/1.1 with keep-alive or HTTP/2, until it ends by itself or by a
//! fault.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_LENGTH, HeaderValue};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::headers::DateHeader;

/// The first bytes of an HTTP/2 connection (RFC 9113 §3.4). HTTP/1.1 has no such method.
const HTTP2_START: &[u8] = b"PRI";
/// The most requests that are answered at the same time over one connection.
const STREAMS_MAX: u32 = 100;

/// The way a fault ends the connection instead of an answer. It travels from the gate in a
/// response's extensions. hyper then drops the request and returns the bare socket.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Ending {
    #[error("the connection is reset")]
    Reset,
    #[error("the connection is closed without an answer")]
    Close,
    #[error("the connection is closed in the middle of an answer")]
    Truncate(Bytes),
}

impl Ending {
    /// The answer with half of its body, whose `Content-Length` is that of the whole body. An answer
    /// without a body ends in the middle of its head.
    pub(super) async fn truncate(response: Response) -> Ending {
        let (mut head, body) = response.into_parts();
        // The API's own bodies need no limit: the longest is a page of a hundred customers.
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        if !body.is_empty() {
            head.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let mut bytes = format!("HTTP/1.1 {}\r\n", head.status).into_bytes();
        for (name, value) in &head.headers {
            bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        if body.is_empty() {
            bytes.truncate(bytes.len() / 2);
        }
        bytes.extend_from_slice(body.get(..body.len() / 2).unwrap_or_default());
        Ending::Truncate(bytes.into())
    }

    async fn carry_out(self, mut stream: TcpStream) -> io::Result<()> {
        match self {
            // With a linger time of zero, closing a socket sends RST instead of FIN.
            Ending::Reset => stream.set_zero_linger(),
            Ending::Close => stream.shutdown().await,
            Ending::Truncate(bytes) => {
                stream.write_all(&bytes).await?;
                stream.shutdown().await
            }
        }
    }
}

impl IntoResponse for Ending {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}

/// Serves a connection to its end. Without `date`, hyper adds no date. An HTTP/2 connection is
/// closed after `goaway_after` requests.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    date: DateHeader,
    goaway_after: Option<u64>,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| answer(router.call(request)));
    let mut start = [0; HTTP2_START.len()];
    // The first bytes come together, in either protocol.
    match stream.peek(&mut start).await {
        Ok(_) if start == HTTP2_START => serve_http2(stream, service, date, goaway_after).await,
        Ok(_) | Err(_) => serve_http1(stream, service, date).await,
    }
}

/// Serves HTTP/2. A fault resets the stream of its own request only.
///
/// The connection is closed as in RFC 9113 §6.8: one GOAWAY announces the end, and after a round
/// trip a second one names the highest id that was processed. Requests in flight are answered.
async fn serve_http2<S>(stream: TcpStream, service: S, date: DateHeader, goaway_after: Option<u64>)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Ending>,
    S::Future: Send + 'static,
{
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .max_concurrent_streams(STREAMS_MAX)
        .auto_date_header(date == DateHeader::Now);
    let (requests, is_used_up) = (AtomicU64::new(0), Notify::new());
    let (requests, is_used_up) = (&requests, &is_used_up);
    let counted = service_fn(|request| {
        if goaway_after == Some(requests.fetch_add(1, Ordering::Relaxed) + 1) {
            is_used_up.notify_one();
        }
        service.call(request)
    });
    let mut connection = pin!(http2.serve_connection(TokioIo::new(stream), counted));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = is_used_up.notified() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the sandbox ended early");
    }
}

async fn serve_http1<S>(stream: TcpStream, service: S, date: DateHeader)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Ending>,
{
    let mut http1 = http1::Builder::new();
    let mut connection = http1
        .auto_date_header(date == DateHeader::Now)
        .serve_connection(TokioIo::new(stream), service);
    let Err(error) = (&mut connection).await else {
        return;
    };
    let Some(ending) = error
        .source()
        .and_then(|source| source.downcast_ref::<Ending>())
    else {
        tracing::debug!(%error, "a connection to the sandbox ended early");
        return;
    };
    let stream = connection.into_parts().io.into_inner();
    if let Err(error) = ending.clone().carry_out(stream).await {
        tracing::debug!(%error, "the client closed the connection before the sandbox could");
    }
}

async fn answer(
    response: impl Future<Output = Result<Response, Infallible>>,
) -> Result<Response<Body>, Ending> {
    let Ok(mut response) = response.await;
    match response.extensions_mut().remove::<Ending>() {
        Some(ending) => Err(ending),
        None => Ok(response),
    }
}
