//! The layer around all routes: window and faults for requests, latency and headers for answers.

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

/// The most bytes of a body that are read. A body within this limit that is too large for the API
/// is read to its end, so that the client receives the answer.
const BODY_READ_BYTES_MAX: usize = 1 << 20;

/// The outermost layer around the API's routes. Bodies are read completely before any check, as a
/// web server in front of PHP does, so a refusal never meets a client that is still writing.
pub(super) async fn gate(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let (version, method) = (request.version(), request.method().clone());
    let request = read_whole(request).await;
    let Arrival {
        entry,
        window_state,
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
    if let Some(window_state) = window_state {
        api.options
            .headers
            .add(response.headers_mut(), status, window_state);
    }
    if response.extensions_mut().remove::<CutShort>().is_some() {
        return Ending::truncate(response).await.into_response();
    }
    api.count_answer(status);
    response
}

/// Reads the whole body. A body that ends early is refused like one that is too long: its client
/// has left.
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
