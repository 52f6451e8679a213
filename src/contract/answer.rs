//! What comes back from one request, as plain values: what the schedule decides on.

use std::time::Duration;

use serde::Serialize;

use super::fault::Fault;

/// One attempt: one request and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// What came back.
    pub answer: Answer,
    /// From the first byte sent to the last byte read.
    pub took: Duration,
}

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An HTTP answer, read to its end.
    Response(Response),
    /// No whole answer.
    Fault(Fault),
}

/// An HTTP answer without its values.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The shape of the body.
    pub body: Body,
    /// How the customer that a read shows compares with what was sent; only of reads whose answer shows that customer.
    pub shown: Option<Shown>,
    /// A hash of the `country_name` in `data`, to compare two answers by: requests name a country by its id, so that the name
    /// cannot be compared with what was sent.
    pub country: Option<u64>,
    /// `Retry-After` (RFC 9110 §10.2.3) as the wait from now; absent where it is missing or nonsense.
    pub retry_after: Option<Duration>,
    /// The API's window.
    pub window: Option<RateWindow>,
    /// The server's clock when it answered (`Date`), in Unix seconds; where the answer names none, this machine's.
    pub date_unix_s: Option<u64>,
    /// The host that a redirect points to.
    pub location_host: Option<String>,
    /// The API's words on a refused row: of 4xx answers, and of 2xx answers that refuse the row.
    pub error: Option<ServerError>,
}

/// The shape of a body, as far as it says who answers and what became of the update. No value of it is kept.
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
    /// JSON of another kind, or no JSON.
    Other,
    /// More bytes than are read.
    TooLong,
}

impl Body {
    /// The API's answer to an update that it applied.
    pub const APPLIED: Body = Body::Object {
        claim: Claim::Applied,
        shape: Shape::Another,
    };
    /// The API's answer to a request that it refuses.
    pub const REFUSED: Body = Body::Object {
        claim: Claim::Refused,
        shape: Shape::ApiError,
    };
}

/// The claim of a JSON object about the update that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It was applied: `data` is an object, `success` is a text or true, or it is the bare resource (the customer's `id` and a
    /// field of the contract); and nothing in it says otherwise.
    Applied,
    /// It was refused: `error` is not null, `errors` is not empty, or `success` is false.
    Refused,
    /// It shows another customer than the request's.
    OtherCustomer,
    /// Nothing.
    Nothing,
}

/// Whether a JSON object has the shape of the API's errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// It has an `error`, a `message` or `errors` that is not null, or it is `application/problem+json` (RFC 9457) with a
    /// `title`.
    ApiError,
    /// It has none of these.
    Another,
}

/// How the customer that a read shows compares with the fields that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Every field that was sent is shown as it was sent.
    AsSent,
    /// The same of every field but the country, which is shown by its name.
    AsSentButCountry,
    /// A field is shown otherwise, or cannot be compared.
    Otherwise,
}

/// What the API says of its limit. Limits differ by account and are not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateWindow {
    /// Requests that a window allows (`X-RateLimit-Limit`).
    pub limit: Option<u64>,
    /// Requests that are left in this one (`X-RateLimit-Remaining`).
    pub remaining: u64,
    /// When the next window starts. Laravel says it on 429 only.
    pub reset: Option<Reset>,
}

/// When the API's next window starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// At this Unix time in seconds, on the server's clock (`X-RateLimit-Reset`).
    AtUnix(u64),
    /// After this time (`RateLimit-Reset` and the `t` of `RateLimit`, IETF draft-ietf-httpapi-ratelimit-headers).
    After(Duration),
}

/// The API's own words on a refusal. Code and names of fields may be shown and counted; the texts are kept in results and failed
/// rows alone, since they may quote a value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServerError {
    /// The machine code (`error`), where it is one ([`is_code`](super::is_code)).
    pub code: Option<String>,
    /// The text (`message`, and what is neither a code nor a field), at most 256 characters, control characters escaped.
    pub message: Option<String>,
    /// The API's fields that it names ([`is_field`](super::is_field)), with a text each (Laravel's `errors`).
    pub fields: Vec<(String, String)>,
}
