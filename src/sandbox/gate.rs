//! What each request passes on its way in and out: window and faults, latency and the headers of every answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::api::{Api, Arrival, Entry};
use super::connection::Ending;
use super::injection::{CutShort, inject};
use super::refusal::Refusal;

/// The most of a body that is read at all. Bodies that are too large for the API but smaller than this are read to
/// their end, so that the client is there for the answer.
const BODY_READ_BYTES_MAX: usize = 1 << 20;

/// The outermost layer around the API's routes. Bodies are read whole before anything is judged, as a web server in
/// front of PHP does: a refusal then never meets a client that is still writing.
pub(super) async fn gate(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (version, method) = (request.version(), request.method().clone());
    let request = read_whole(request).await;
    let Arrival {
        entry,
        standing,
        latency,
        seat: _seat,
    } = api.arrive(version, &method);
    let half = latency / 2;
    pause(half).await;
    let mut response = match (entry, request) {
        (Entry::Refused(refusal), _) | (Entry::Admitted | Entry::Hit(_), Err(refusal)) => {
            refusal.into_response()
        }
        (Entry::Admitted, Ok(request)) => next.run(request).await,
        (Entry::Hit(fault), Ok(request)) => inject(fault, &api, next.run(request)).await,
    };
    pause(latency.saturating_sub(half)).await;
    if response.extensions().get::<Ending>().is_some() {
        return response;
    }
    let status = response.status();
    api.options.date.add(response.headers_mut());
    if let Some(standing) = standing {
        api.options
            .headers
            .add(response.headers_mut(), status, standing);
    }
    if response.extensions_mut().remove::<CutShort>().is_some() {
        return Ending::truncate(response).await.into_response();
    }
    api.count_answer(status);
    response
}

/// Reads the whole body. A body that ends early is refused like one that is too long: its client is gone anyway.
async fn read_whole(request: Request) -> Result<Request, Refusal> {
    let (head, body) = request.into_parts();
    match to_bytes(body, BODY_READ_BYTES_MAX).await {
        Ok(body) => Ok(Request::from_parts(head, Body::from(body))),
        Err(error) => {
            tracing::debug!(%error, "a request's body could not be read");
            Err(Refusal::too_large())
        }
    }
}

async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}
