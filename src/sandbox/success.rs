//! The answers to requests that succeed.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::customers::Customer;
use super::options::ETags;

/// A customer as an answer shows it.
#[derive(Debug)]
pub(super) struct Shown {
    resource: Value,
    tag: Option<HeaderValue>,
}

impl Shown {
    pub(super) fn new(customer: &Customer, etags: ETags) -> Shown {
        let tag = match etags {
            ETags::Missing => None,
            ETags::Strong => {
                Some(HeaderValue::try_from(customer.tag()).expect("a tag is digits between quotes"))
            }
        };
        Shown {
            resource: json!(customer.resource()),
            tag,
        }
    }

    fn with_tag(self, mut response: Response) -> Response {
        if let Some(tag) = self.tag {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// The answer to an update.
pub(super) fn updated(customer: Shown) -> Response {
    let body = json!({"success": "Customer updated", "data": customer.resource});
    customer.with_tag(Json(body).into_response())
}

/// The answer to a read of one customer.
pub(super) fn found(customer: Shown) -> Response {
    let body = json!({"success": "Customer found", "data": customer.resource});
    customer.with_tag(Json(body).into_response())
}
