//! Carries out faults: the answer instead of the API's own, and whether the update is applied.

use std::time::Duration;

use axum::Json;
use axum::body::to_bytes;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::api::Api;
use super::connection::Ending;
use super::fault::{ErrorStatus, Fault, FaultKind, Moment, StatusForm};
use super::impostor;
use super::refusal::Refusal;

/// The time for which a request without an answer is held before its connection is closed.
const TIMEOUT_FAULT_LASTS: Duration = Duration::from_mins(2);
/// The `Retry-After` of faults that have one.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Marks an answer whose body is cut once its headers are complete.
#[derive(Debug, Clone)]
pub(super) struct CutShort;

/// The answer to a request that a fault hits, which may be an [`Ending`]. `answer` applies the
/// request and returns its real answer.
pub(super) async fn inject(
    fault: Fault,
    api: &Api,
    answer: impl Future<Output = Response>,
) -> Response {
    let own = match fault.moment {
        Moment::BeforeApplying => None,
        Moment::AfterApplying => Some(answer.await),
    };
    match fault.kind {
        FaultKind::Status(status, form) => error(status, form),
        FaultKind::Reset => Ending::Reset.into_response(),
        FaultKind::Timeout => {
            tokio::time::sleep(TIMEOUT_FAULT_LASTS).await;
            Ending::Close.into_response()
        }
        FaultKind::Truncate => {
            let mut own = own.unwrap_or_default();
            own.extensions_mut().insert(CutShort);
            own
        }
        // The client ends it: its request's future is dropped when the client leaves.
        FaultKind::Blackhole => std::future::pending().await,
        FaultKind::Outage => Refusal::unavailable().into_response(),
        FaultKind::Maintenance => impostor::maintenance(),
        FaultKind::LoginPage => impostor::login_page(),
        FaultKind::Contradiction => impostor::contradiction(),
        FaultKind::SuccessFalse => impostor::success_false(),
        FaultKind::OtherCustomer => show_another(own.unwrap_or_default(), api).await,
        FaultKind::ReadOnly => impostor::text(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn error(status: ErrorStatus, form: StatusForm) -> Response {
    let status = status.code();
    let named_end = || Some(HeaderValue::from(RETRY_AFTER_SECONDS));
    let retry_after = match form {
        StatusForm::Api if status == StatusCode::TOO_MANY_REQUESTS => named_end(),
        StatusForm::RetryAfter => named_end(),
        StatusForm::Api | StatusForm::NoRetryAfter => None,
        StatusForm::Text => return impostor::text(status),
        StatusForm::Html => return impostor::html(status),
        StatusForm::Gateway => return impostor::gateway(status),
    };
    let refusal = Refusal::new(status, "injected_fault", "This fault was asked for.");
    refusal.retry_after(retry_after).into_response()
}

/// Replaces the customer in an answer by another one. An answer without a customer stays as it is.
async fn show_another(response: Response, api: &Api) -> Response {
    let (head, body) = response.into_parts();
    // The API's own bodies need no limit: the longest is a page of a hundred customers.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_bare = answer.get("data").is_none();
    let shown = answer.pointer_mut(if is_bare { "" } else { "/data" });
    let id = shown
        .as_ref()
        .and_then(|customer| customer.get("id")?.as_u64());
    if let (Some(shown), Some(id)) = (shown, id) {
        *shown = api.other_customer(id);
        return (head.status, Json(answer)).into_response();
    }
    Response::from_parts(head, body.into())
}
