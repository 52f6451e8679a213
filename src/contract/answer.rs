//! Answers to requests as plain values, from which the schedule decides what to do.

use std::time::Duration;

use serde::Serialize;

use super::echo::Echo;
use super::entity_tag::EntityTag;
use super::fault::Fault;
use super::image::Image;

/// One request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The answer.
    pub answer: Answer,
    /// The time from the first byte sent to the last byte read.
    pub took: Duration,
}

/// One request and its answer, with the customer that the answer shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answered {
    /// The request and its answer.
    pub(crate) attempt: Attempt,
    /// The request's customer, if the answer shows it and was asked to be kept.
    pub(crate) image: Option<Box<Image>>,
}

/// The answer to a request, or the reason why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An HTTP answer, read to its end.
    Response(Response),
    /// No complete answer.
    Fault(Fault),
}

impl Answer {
    /// The state of the customer that the answer to a read names.
    pub(crate) fn entity_tag(&self) -> Option<&EntityTag> {
        match self {
            Answer::Response(response) => response.entity_tag.as_ref(),
            Answer::Fault(_) => None,
        }
    }
}

/// An HTTP answer, reduced to what decisions need; no value of a customer is kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The shape of the body.
    pub body: Body,
    /// The comparison of the customer in the answer with the values sent. Only for reads whose
    /// answer shows that customer.
    pub shown: Option<Shown>,
    /// The name of the customer's state. Only for reads whose answer shows that customer.
    pub entity_tag: Option<EntityTag>,
    /// The comparison of the customer in the answer with the values sent. Only for updates whose
    /// answer shows that customer.
    pub echo: Option<Echo>,
    /// A hash of `country_name` in `data`, to compare two answers. A request names the country by
    /// id, so the name cannot be compared with the value sent.
    pub country: Option<u64>,
    /// `Retry-After` (RFC 9110 §10.2.3) as the wait from now; absent where it is missing or
    /// invalid.
    pub retry_after: Option<Duration>,
    /// The API's rate window.
    pub window: Option<RateWindow>,
    /// The server's clock at the time of the answer (`Date`), in Unix seconds; this machine's clock
    /// where the answer has no `Date`.
    pub date_unix_s: Option<u64>,
    /// The host that a redirect points to.
    pub location_host: Option<String>,
    /// The API's words on a refused row: from 4xx answers, and from 2xx answers that refuse the
    /// row. In a box, since few answers have it.
    pub error: Option<Box<ServerError>>,
}

/// The shape of a body, as far as it shows who answers and whether the update was applied. No value
/// of the body is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// A JSON object.
    Object {
        /// Its claim about the update.
        claim: Claim,
        /// Whether it has the shape of the API's errors.
        shape: Shape,
    },
    /// Other JSON, or not JSON.
    Other,
    /// More bytes than the limit.
    TooLong,
}

impl Body {
    /// The API's answer to an update that it applied.
    pub const APPLIED: Body = Body::Object {
        claim: Claim::Applied,
        shape: Shape::Another,
    };
    /// The API's answer to a request that it refused.
    pub const REFUSED: Body = Body::Object {
        claim: Claim::Refused,
        shape: Shape::ApiError,
    };
}

/// The claim of a JSON object about the update it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Applied: `data` is an object, `success` is a text or true, or the body is the bare resource
    /// (the customer's `id` and a field of the contract). Nothing in the body contradicts it.
    Applied,
    /// Refused: `error` is not null, `errors` is not empty, or `success` is false.
    Refused,
    /// The body shows a customer other than the request's.
    OtherCustomer,
    /// No claim.
    Nothing,
}

/// Whether a JSON object has the shape of the API's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A body with an `error`, `message` or `errors` that is not null, or
    /// `application/problem+json` (RFC 9457) with a `title`.
    ApiError,
    /// Any other body.
    Another,
}

/// The result of comparing the customer that a read shows with the fields sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Every field is shown as it was sent.
    AsSent,
    /// Every field but the country is shown as it was sent. The country is shown by name.
    AsSentButCountry,
    /// At least one field is shown with another value, or cannot be compared.
    Otherwise,
}

/// The rate limit as the API reports it. Limits differ by account and are not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow {
    /// Requests per window (`X-RateLimit-Limit`).
    pub limit: Option<u64>,
    /// Requests left in this window (`X-RateLimit-Remaining`).
    pub remaining: u64,
    /// The start of the next window. Laravel names it on 429 only.
    pub reset: Option<Reset>,
}

/// The start of the API's next window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At this Unix time in seconds, on the server's clock (`X-RateLimit-Reset`).
    AtUnix(u64),
    /// After this time (`RateLimit-Reset`, and `t` in `RateLimit`, IETF
    /// draft-ietf-httpapi-ratelimit-headers).
    After(Duration),
}

/// The API's own words on a refusal. The code and the field names may be shown and counted. The
/// texts may quote a value, so they are kept in results and failed rows alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServerError {
    /// The machine code (`error`), if it is one ([`is_code`](super::is_code)).
    pub code: Option<String>,
    /// The text (`message`, and anything that is neither a code nor a field): at most 256
    /// characters, control characters escaped.
    pub message: Option<String>,
    /// The API's fields ([`is_field`](super::is_field)), with a text each (Laravel's `errors`).
    pub fields: Vec<(String, String)>,
}
