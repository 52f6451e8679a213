//! The answers to requests that succeed.

use axum::Json;
use axum::http::header::ETAG;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::customers::Customer;
use super::options::{ETags, PageTotal, SuccessShape};

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
pub(super) fn updated(customer: Shown, shape: SuccessShape) -> Response {
    const SUCCESS: &str = "Customer updated";
    let response = match shape {
        SuccessShape::Resource => {
            Json(json!({"success": SUCCESS, "data": customer.resource})).into_response()
        }
        SuccessShape::Bare => Json(&customer.resource).into_response(),
        SuccessShape::Empty => StatusCode::NO_CONTENT.into_response(),
        SuccessShape::NoData => Json(json!({"success": SUCCESS})).into_response(),
    };
    customer.with_tag(response)
}

/// The answer to a read of one customer.
pub(super) fn found(customer: Shown, shape: SuccessShape) -> Response {
    let response = match shape {
        SuccessShape::Resource | SuccessShape::Empty | SuccessShape::NoData => {
            Json(json!({"success": "Customer found", "data": customer.resource})).into_response()
        }
        SuccessShape::Bare => Json(&customer.resource).into_response(),
    };
    customer.with_tag(response)
}

/// The totals of a page of customers.
#[derive(Debug, Serialize)]
pub(super) struct Totals {
    pub(super) current_page: u64,
    pub(super) per_page: u64,
    pub(super) last_page: u64,
    pub(super) total: u64,
}

#[derive(Serialize)]
struct Page<'a> {
    success: &'static str,
    data: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Totals>,
    #[serde(flatten)]
    top: Option<Totals>,
}

/// The answer to a read of a page. It is never bare, because it would lose its totals.
pub(super) fn page(customers: &[Value], totals: Totals, place: PageTotal) -> Response {
    let (meta, top) = match place {
        PageTotal::Meta => (Some(totals), None),
        PageTotal::Top => (None, Some(totals)),
    };
    Json(Page {
        success: "Customers found",
        data: customers,
        meta,
        top,
    })
    .into_response()
}
