//! Answers that do not come from the API itself, but from load balancers, proxies, gateways and
//! placeholder pages.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

/// Plain text, as from a Kubernetes ingress without a backend for a path: `default backend - 404`.
pub(super) fn text(status: StatusCode) -> Response {
    (status, format!("default backend - {}", status.as_u16())).into_response()
}

/// The error page of nginx.
pub(super) fn html(status: StatusCode) -> Response {
    let title = format!("{} {}", status.as_u16(), reason(status));
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    (status, Html(page)).into_response()
}

/// The error of a Kong gateway.
pub(super) fn gateway(status: StatusCode) -> Response {
    let message = match status.as_u16() {
        401 => "Unauthorized",
        403 => "You cannot consume this service",
        404 => "no Route matched with those values",
        429 => "API rate limit exceeded",
        500 => "An unexpected error occurred",
        502 => "An invalid response was received from the upstream server",
        503 => "The upstream server is currently unavailable",
        504 => "The upstream server is timing out",
        _ => reason(status),
    };
    (status, Json(json!({"message": message}))).into_response()
}

/// A success by its status, whose body announces maintenance.
pub(super) fn maintenance() -> Response {
    Json(json!({"status": "maintenance"})).into_response()
}

/// The login page that a browser would get.
pub(super) fn login_page() -> Response {
    let page = "<!DOCTYPE html>\n<html>\n<head><title>Log in</title></head>\n<body>\n\
                <form method=\"post\" action=\"/login\"><input name=\"email\"><input name=\"password\" \
                type=\"password\"><button>Log in</button></form>\n</body>\n</html>\n";
    Html(page).into_response()
}

/// A success by its status and a refusal by its body, in Laravel's shape.
pub(super) fn contradiction() -> Response {
    Json(json!({"message": "The given data was invalid.", "errors": {"email": ["is taken"]}}))
        .into_response()
}

/// A success by its status, whose body denies it.
pub(super) fn success_false() -> Response {
    Json(json!({"success": false, "message": "not saved"})).into_response()
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Unknown")
}
