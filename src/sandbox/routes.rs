//! The API's routes, and the checks before a request reaches a customer.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state, map_request_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::api::{Api, Update};
use super::contract::validate;
use super::gate::gate;
use super::if_match::IfMatch;
use super::impostor;
use super::injection::inject;
use super::oauth;
use super::options::{ETags, Reads};
use super::refusal::Refusal;
use super::success::{self, Totals};

/// The longest body that the API accepts.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Laravel's own page size.
const PER_PAGE_DEFAULT: u64 = 15;
const PER_PAGE_MAX: u64 = 100;

/// All routes below `/api`, and those of the tokens below `/oauth`.
pub(super) fn router(api: Arc<Api>) -> Router {
    let gated = Router::new()
        .route("/api/v1/customers", get(list))
        .route("/api/v1/customers/{id}", get(show).put(update))
        .route_layer(from_fn_with_state(Arc::clone(&api), check_client))
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Refusal::new(
                status,
                "method_not_allowed",
                "The method is not allowed here.",
            )
        })
        .layer(from_fn_with_state(Arc::clone(&api), gate));
    Router::new()
        .route("/api/health", get(health))
        .merge(oauth::router())
        .merge(gated)
        .layer(map_request_with_state(Arc::clone(&api), note_request))
        .with_state(api)
}

/// The layer around all routes.
async fn note_request(State(api): State<Arc<Api>>, request: Request) -> Request {
    api.note_request();
    request
}

async fn health(State(api): State<Arc<Api>>) -> Result<Json<Value>, Refusal> {
    if api.is_out() {
        Err(Refusal::unavailable())
    } else {
        Ok(Json(json!({"status": "ok"})))
    }
}

/// Checks the token, the tenant and `Accept`.
async fn check_client(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    check_token(&headers, &api)?;
    check_tenant(&headers, api.options.tenant)?;
    if !first_is_json(&headers, &ACCEPT) {
        return Err(Refusal::to_login(&format!("http://{}", api.address)));
    }
    Ok(next.run(request).await)
}

fn check_token(headers: &HeaderMap, api: &Api) -> Result<(), Refusal> {
    let sent = text_of(headers, &AUTHORIZATION).and_then(|value| value.split_once(' '));
    match sent {
        Some((scheme, sent)) if scheme.eq_ignore_ascii_case("bearer") && api.accepts(sent) => {
            Ok(())
        }
        _ => Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "The access token is missing or invalid.",
        )),
    }
}

/// Checks the tenant. A sandbox without a tenant accepts any number.
fn check_tenant(headers: &HeaderMap, tenant: Option<u64>) -> Result<(), Refusal> {
    let header = HeaderName::from_static("x-tenant");
    let sent = text_of(headers, &header).map(str::parse::<u64>);
    match (sent, tenant) {
        (Some(Err(_)), _) => Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_tenant",
            "The X-Tenant header must be a number.",
        )),
        (Some(Ok(sent)), Some(tenant)) if sent == tenant => Ok(()),
        (_, Some(_)) => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This tenant is not yours.",
        )),
        (_, None) => Ok(()),
    }
}

async fn update(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    if !first_is_json(&headers, &CONTENT_TYPE) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(
            status,
            "unsupported_media_type",
            "The body must be application/json.",
        ));
    }
    let id = customer_id(id)?;
    let condition = match api.options.etags {
        ETags::Missing => None,
        ETags::Strong => IfMatch::of(&headers),
    };
    let answer = async { apply(&api, id, &body, condition).into_response() };
    Ok(match api.fault_of(id) {
        Some(fault) => inject(fault, &api, answer).await,
        None => answer.await,
    })
}

fn apply(api: &Api, id: u64, body: &[u8], condition: Option<IfMatch>) -> Result<Response, Refusal> {
    if !api.knows(id) {
        return Err(Refusal::not_found());
    }
    if body.len() > BODY_BYTES_MAX {
        return Err(Refusal::too_large());
    }
    let changes = validate(object_of(body)?)
        .map_err(|violations| Refusal::invalid(&violations, api.options.error_shape, id))?;
    let customer = api.apply(Update {
        id,
        changes,
        body,
        condition,
    })?;
    Ok(success::updated(customer, api.options.success_shape))
}

async fn show(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let reads = api.next_read();
    if let Some(answer) = refused_read(reads) {
        return Ok(answer);
    }
    let customer = api.customer(customer_id(id)?, reads)?;
    Ok(success::found(customer, api.options.success_shape))
}

/// The answer of a sandbox without reads.
fn refused_read(reads: Reads) -> Option<Response> {
    match reads {
        Reads::Allowed | Reads::Stale => None,
        Reads::Forbidden => {
            let refusal = Refusal::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "This token may not read customers.",
            );
            Some(refusal.into_response())
        }
        Reads::Missing => Some(impostor::text(StatusCode::NOT_FOUND)),
    }
}

#[derive(Deserialize)]
struct PageQuery {
    page: Option<u64>,
    per_page: Option<u64>,
}

async fn list(
    State(api): State<Arc<Api>>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<Response, Refusal> {
    let reads = api.next_read();
    if let Some(answer) = refused_read(reads) {
        return Ok(answer);
    }
    let (page, per_page) = match query {
        Ok(Query(query)) => (
            query.page.unwrap_or(1),
            query.per_page.unwrap_or(PER_PAGE_DEFAULT),
        ),
        Err(_) => (0, 0),
    };
    if page == 0 || !(1..=PER_PAGE_MAX).contains(&per_page) {
        let message = "The 'page' field must be at least 1 and the 'per_page' field from 1 to 100.";
        return Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_error",
            message,
        ));
    }
    let (customers, total) = api.customers(page, per_page, reads);
    let totals = Totals {
        current_page: page,
        per_page,
        last_page: total.div_ceil(per_page).max(1),
        total,
    };
    Ok(success::page(&customers, totals, api.options.page_total))
}

/// The id of the path. Only the canonical decimal form is accepted, so that a client that sends
/// `007` is refused.
fn customer_id(id: Result<Path<String>, PathRejection>) -> Result<u64, Refusal> {
    let Ok(Path(text)) = id else {
        return Err(Refusal::not_found());
    };
    let id: Option<u64> = text.parse().ok();
    id.filter(|id| id.to_string() == text)
        .ok_or_else(Refusal::not_found)
}

fn object_of(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        tracing::debug!(
            line = error.line(),
            column = error.column(),
            "a body is not a JSON object"
        );
        Refusal::new(
            StatusCode::BAD_REQUEST,
            "malformed_body",
            "The body must be a JSON object.",
        )
    })
}

/// Whether the first media type in a header is `application/json`, with or without parameters.
fn first_is_json(headers: &HeaderMap, header: &HeaderName) -> bool {
    let first = text_of(headers, header).and_then(|value| value.split([',', ';']).next());
    first.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

fn text_of<'a>(headers: &'a HeaderMap, header: &HeaderName) -> Option<&'a str> {
    headers.get(header).and_then(|value| value.to_str().ok())
}
