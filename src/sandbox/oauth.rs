//! The authorization server beside the API: a login without a person, and rotating tokens (RFC
//! 6749, RFC 7636).

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::api::Api;
use super::grants::{GrantError, Login};
use super::refusal::Refusal;

/// The path of the login page.
pub(super) const AUTH_PATH: &str = "/oauth/authorize";
/// The path that issues tokens.
pub(super) const TOKEN_PATH: &str = "/oauth/token";

/// The parameters of a request to either endpoint.
type Parameters = HashMap<String, String>;

/// All routes below `/oauth`. Faults and the window do not apply to them, but an outage does.
pub(super) fn router() -> Router<Arc<Api>> {
    Router::new()
        .route(AUTH_PATH, get(authorize))
        .route(TOKEN_PATH, post(token))
}

/// Redirects the browser back with a code, as after a login. The login is never refused.
async fn authorize(
    State(api): State<Arc<Api>>,
    Query(sent): Query<Parameters>,
) -> Result<Response, Refusal> {
    let invalid =
        |description: &str| Refusal::oauth(StatusCode::BAD_REQUEST, "invalid_request", description);
    if parameter(&sent, "response_type") != Some("code") {
        return Err(invalid("The response_type must be code."));
    }
    if parameter(&sent, "client_id") != Some(&api.options.client_id) {
        return Err(invalid("The client is not known."));
    }
    let challenge = match (
        parameter(&sent, "code_challenge"),
        parameter(&sent, "code_challenge_method"),
    ) {
        (None, None) => None,
        (Some(challenge), Some("S256")) => Some(challenge.to_owned()),
        (_, _) => return Err(invalid("The code_challenge_method must be S256.")),
    };
    let redirect_uri = parameter(&sent, "redirect_uri").unwrap_or_default();
    let Ok(mut back) = Url::parse(redirect_uri) else {
        return Err(invalid("The redirect_uri must be a URL."));
    };
    let code = api.authorize(redirect_uri, challenge);
    back.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = parameter(&sent, "state") {
        back.query_pairs_mut().append_pair("state", state);
    }
    Ok((StatusCode::FOUND, [(LOCATION, String::from(back))]).into_response())
}

/// Exchanges a code or a refresh token for new tokens.
async fn token(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    if api.is_out() {
        return Err(Refusal::unavailable());
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::oauth(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The body must be a form.",
        ));
    }
    let sent: Parameters = form_urlencoded::parse(&body).into_owned().collect();
    check_client(&api, &sent)?;
    let given = |name| parameter(&sent, name).unwrap_or_default();
    let login = match given("grant_type") {
        "authorization_code" => api.exchange(
            given("code"),
            given("redirect_uri"),
            parameter(&sent, "code_verifier"),
        ),
        "refresh_token" => api.refresh(given("refresh_token")),
        _ => {
            let description = "The grant_type must be authorization_code or refresh_token.";
            return Err(Refusal::oauth(
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                description,
            ));
        }
    };
    let login = login.map_err(refusal)?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer(&login))).into_response())
}

fn check_client(api: &Api, sent: &Parameters) -> Result<(), Refusal> {
    let secret = api.options.client_secret.as_deref();
    let is_right = parameter(sent, "client_id") == Some(&api.options.client_id)
        && (secret.is_none() || parameter(sent, "client_secret") == secret);
    if is_right {
        return Ok(());
    }
    Err(Refusal::oauth(
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "The client or its secret is not known.",
    ))
}

/// The tokens in the shape of the API's pages. A lifetime below a second, which only tests use, is
/// sent as a fraction.
fn answer(login: &Login) -> Value {
    let mut answer = json!({
        "access_token": login.access_token,
        "token_type": "Bearer",
        "refresh_token": login.refresh_token,
    });
    if let Some(lifetime) = login.lifetime {
        let is_whole = lifetime.subsec_nanos() == 0;
        let expires_in = if is_whole {
            json!(lifetime.as_secs())
        } else {
            json!(lifetime.as_secs_f64())
        };
        answer
            .as_object_mut()
            .expect("it is one")
            .insert("expires_in".to_owned(), expires_in);
    }
    answer
}

fn refusal(error: GrantError) -> Refusal {
    let description = match error {
        GrantError::Spent => "The grant was used before.",
        GrantError::Unknown => "The grant is not known.",
        GrantError::Mismatch => "The grant was made out for another redirect_uri or code_verifier.",
    };
    Refusal::oauth(StatusCode::BAD_REQUEST, "invalid_grant", description)
}

fn parameter<'a>(sent: &'a Parameters, name: &str) -> Option<&'a str> {
    sent.get(name).map(String::as_str)
}
