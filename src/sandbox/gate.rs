//! What each request passes on its way in and out: window and faults, latency and the headers of every answer.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::DATE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::api::{Api, Arrival, Entry};
use super::connection::Ending;
use super::fault::{Fault, Moment};
use super::options::RateHeaders;
use super::refusal::Refusal;
use super::window::Standing;

/// The most of a body that is read at all. Bodies that are too large for the API but smaller than this are read to
/// their end, so that the client is there for the answer.
const BODY_READ_BYTES_MAX: usize = 1 << 20;
/// How long a request that never gets an answer is held before its connection is closed.
const TIMEOUT_FAULT_LASTS: Duration = Duration::from_mins(2);
/// What the answer of a 429 that is a fault asks for.
const FAULT_RETRY_AFTER_SECONDS: u64 = 1;

/// What a request gets.
enum Answer {
    Whole(Response),
    /// The head and a part of the body.
    Truncated(Response),
    Nothing(Ending),
}

/// The outermost layer around the API's routes. Bodies are read whole before anything is judged, as a web server in
/// front of PHP does: a refusal then never meets a client that is still writing.
pub(super) async fn gate(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    let version = request.version();
    let request = read_whole(request).await;
    let Arrival { entry, standing, latency, seat: _seat } = api.arrive(version);
    let half = latency / 2;
    pause(half).await;
    let answer = match (entry, request) {
        (Entry::Refused(refusal), _) | (Entry::Admitted(_), Err(refusal)) => Answer::Whole(refusal.into_response()),
        (Entry::Admitted(None), Ok(request)) => Answer::Whole(next.run(request).await),
        (Entry::Admitted(Some(fault)), Ok(request)) => carry_out(fault, request, next).await,
    };
    pause(latency.saturating_sub(half)).await;
    match answer {
        Answer::Whole(mut response) => {
            add_headers(&mut response, api.options.headers, standing);
            api.count_answer(response.status());
            response
        }
        Answer::Truncated(mut response) => {
            add_headers(&mut response, api.options.headers, standing);
            Ending::truncate(response).await.into_response()
        }
        Answer::Nothing(ending) => ending.into_response(),
    }
}

async fn carry_out(fault: Fault, request: Request, next: Next) -> Answer {
    match fault {
        Fault::Status(status) => Answer::Whole(injected(status).into_response()),
        Fault::Reset(moment) => {
            apply_first(moment, request, next).await;
            Answer::Nothing(Ending::Reset)
        }
        Fault::Timeout(moment) => {
            apply_first(moment, request, next).await;
            pause(TIMEOUT_FAULT_LASTS).await;
            Answer::Nothing(Ending::Close)
        }
        Fault::Truncate => Answer::Truncated(next.run(request).await),
    }
}

/// Lets the request take effect, or not, before its answer is lost.
async fn apply_first(moment: Moment, request: Request, next: Next) {
    match moment {
        Moment::BeforeApplying => {}
        Moment::AfterApplying => drop(next.run(request).await),
    }
}

fn injected(status: StatusCode) -> Refusal {
    let refusal = Refusal::new(status, "injected_fault", "This fault was asked for.");
    match status {
        StatusCode::TOO_MANY_REQUESTS => refusal.retry_after(FAULT_RETRY_AFTER_SECONDS),
        _ => refusal,
    }
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

/// `Date`, and what `X-RateLimit-*` headers the options ask for.
fn add_headers(response: &mut Response, wanted: RateHeaders, standing: Option<Standing>) {
    let status = response.status();
    let headers = response.headers_mut();
    let date = HeaderValue::try_from(httpdate::fmt_http_date(SystemTime::now()));
    headers.insert(DATE, date.expect("a formatted date is visible ASCII"));
    let Some(standing) = standing else { return };
    match wanted {
        RateHeaders::Always => {
            add_limit_and_remaining(headers, standing);
            add_reset(headers, standing);
        }
        RateHeaders::OnlyLimitAndRemaining => {
            add_limit_and_remaining(headers, standing);
            if status == StatusCode::TOO_MANY_REQUESTS {
                add_reset(headers, standing);
            }
        }
        RateHeaders::None => {}
    }
}

fn add_limit_and_remaining(headers: &mut HeaderMap, standing: Standing) {
    headers.insert("x-ratelimit-limit", standing.limit.into());
    headers.insert("x-ratelimit-remaining", standing.remaining.into());
}

fn add_reset(headers: &mut HeaderMap, standing: Standing) {
    headers.insert("x-ratelimit-reset", standing.reset_unix_seconds().into());
}
