//! Refusals in the API's words.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::header::{HeaderValue, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::contract::{Breach, Violation};
use super::options::ErrorShape;

/// An answer that refuses a request.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// A refusal in the documented shape: a code for machines, a message for people.
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Refusal {
        Refusal {
            status,
            body: json!({"error": code, "message": message}),
            header: None,
        }
    }

    /// A refusal of the token endpoint (RFC 6749 §5.2).
    pub(super) fn oauth(status: StatusCode, error: &str, description: &str) -> Refusal {
        Refusal {
            status,
            body: json!({"error": error, "error_description": description}),
            header: None,
        }
    }

    pub(super) fn not_found() -> Refusal {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The resource was not found.",
        )
    }

    pub(super) fn precondition_failed() -> Refusal {
        Refusal::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "The resource has changed.",
        )
    }

    pub(super) fn too_large() -> Refusal {
        Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "The body is too large.",
        )
    }

    pub(super) fn unavailable() -> Refusal {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "service_unavailable",
            "The service is unavailable.",
        )
    }

    pub(super) fn too_many_requests() -> Refusal {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "Too many requests.",
        )
    }

    /// The redirect that Laravel sends to a client that does not ask for JSON.
    pub(super) fn to_login(base: &str) -> Refusal {
        let login = HeaderValue::try_from(format!("{base}/login"))
            .expect("the base is http:// and a socket address");
        Refusal {
            header: Some((LOCATION, login)),
            ..Refusal::new(StatusCode::FOUND, "redirect", "Log in first.")
        }
    }

    /// The refusal of values that break the contract, in this shape.
    pub(super) fn invalid(violations: &[Violation], shape: ErrorShape, id: u64) -> Refusal {
        let laravel = match shape {
            ErrorShape::Documented => false,
            ErrorShape::Laravel => true,
            ErrorShape::Both => !id.is_multiple_of(2),
        };
        let body = if laravel {
            laravel_body(violations)
        } else {
            documented_body(violations)
        };
        Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body,
            header: None,
        }
    }

    /// Adds a `Retry-After`, if there is one.
    pub(super) fn retry_after(self, value: Option<HeaderValue>) -> Refusal {
        match value {
            Some(value) => Refusal {
                header: Some((RETRY_AFTER, value)),
                ..self
            },
            None => self,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

fn documented_body(violations: &[Violation]) -> Value {
    let unknown_field = |violation: &&Violation| violation.breach == Breach::UnknownField;
    let (code, named) = match violations.iter().find(unknown_field) {
        Some(violation) => ("unknown_field", Some(violation)),
        None => ("validation_error", violations.first()),
    };
    let message =
        named.map(|violation| format!("The '{}' field {}.", violation.field, violation.breach));
    json!({"error": code, "message": message})
}

fn laravel_body(violations: &[Violation]) -> Value {
    let mut errors: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for violation in violations {
        let label = violation.field.replace('_', " ");
        let message = format!("The {label} field {}.", violation.breach);
        errors.entry(&violation.field).or_default().push(message);
    }
    let first = errors
        .values()
        .flatten()
        .next()
        .cloned()
        .unwrap_or_default();
    let message = match violations.len() {
        0 | 1 => first,
        2 => format!("{first} (and 1 more error)"),
        more => format!("{first} (and {} more errors)", more - 1),
    };
    json!({"message": message, "errors": errors})
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Breach, ErrorShape, Refusal, Violation};

    #[test]
    fn violations_are_shown_in_either_shape() {
        let check = |breaches: &[(&str, Breach)], shape: ErrorShape, id: u64, want: Value| {
            let violations: Vec<Violation> = breaches
                .iter()
                .map(|(field, breach)| Violation {
                    field: (*field).to_owned(),
                    breach: *breach,
                })
                .collect();
            assert_eq!(Refusal::invalid(&violations, shape, id).body, want);
        };
        let email = ("email", Breach::NotEmail);
        let name = (
            "first_name",
            Breach::TooLong {
                characters_max: 255,
            },
        );
        let documented = json!({"error": "validation_error", "message": "The 'email' field must be a valid email address."});
        let laravel_one = json!({
            "message": "The email field must be a valid email address.",
            "errors": {"email": ["The email field must be a valid email address."]},
        });
        let laravel_two = json!({
            "message": "The email field must be a valid email address. (and 1 more error)",
            "errors": {
                "email": ["The email field must be a valid email address."],
                "first_name": ["The first name field must not be greater than 255 characters."],
            },
        });
        let unknown =
            json!({"error": "unknown_field", "message": "The 'mail' field is not known."});
        check(
            &[email, name],
            ErrorShape::Documented,
            1,
            documented.clone(),
        );
        check(&[email], ErrorShape::Laravel, 2, laravel_one.clone());
        check(&[email, name], ErrorShape::Laravel, 2, laravel_two);
        check(&[email], ErrorShape::Both, 2, documented);
        check(&[email], ErrorShape::Both, 3, laravel_one);
        check(
            &[email, ("mail", Breach::UnknownField)],
            ErrorShape::Documented,
            1,
            unknown,
        );
    }
}
