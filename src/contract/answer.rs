//! What comes back from one request, as plain values: what the schedule decides on.

use std::time::Duration;

use serde::Serialize;

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
    /// What the body is, as far as it says whether the update was applied.
    pub body: Body,
    /// `Retry-After` (RFC 9110 §10.2.3) as the wait from now; absent where it is missing or nonsense.
    pub retry_after: Option<Duration>,
    /// The API's window.
    pub window: Option<RateWindow>,
    /// The server's clock when it answered (`Date`), in Unix seconds.
    pub date_unix_s: Option<u64>,
    /// The host that a redirect points to.
    pub location_host: Option<String>,
    /// What the API says of the error, of 4xx answers only.
    pub error: Option<ServerError>,
}

/// What a body is, as far as it says whether the update was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// A JSON object without an `error` member.
    Object,
    /// A JSON object with an `error` member.
    ObjectWithError,
    /// JSON of another shape, something else than JSON, or more than was read.
    Other,
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

/// The API's own words on a 4xx: kept in results and failed rows alone, since they may quote a value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ServerError {
    /// The machine code (`error`).
    pub code: Option<String>,
    /// The text (`message`), at most 256 characters, control characters escaped.
    pub message: Option<String>,
    /// The fields that it names, with a text each (Laravel's `errors`).
    pub fields: Vec<(String, String)>,
}

/// Why there is no whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// No connection: refused or unreachable. Nothing was sent.
    Refused,
    /// No connection within the connect timeout. Nothing was sent.
    ConnectTimeout,
    /// The connection broke after bytes had left: the update may have been applied.
    Broken,
    /// No whole answer within the timeout: the update may have been applied.
    Timeout,
    /// The host's name is unknown.
    NameUnknown,
    /// The server's certificate is not trusted, or TLS failed otherwise.
    Tls,
}

impl Fault {
    /// The cause as it stands in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Refused => "refused",
            Fault::ConnectTimeout => "connect_timeout",
            Fault::Broken => "connection_broken",
            Fault::Timeout => "timeout",
            Fault::NameUnknown => "name_unknown",
            Fault::Tls => "tls",
        }
    }

    /// Whether the API may have applied the update all the same.
    pub fn is_ambiguous(self) -> bool {
        match self {
            Fault::Broken | Fault::Timeout => true,
            Fault::Refused | Fault::ConnectTimeout | Fault::NameUnknown | Fault::Tls => false,
        }
    }
}
