//! The options of a sandbox: customers, limits, faults.

use super::option_error::{OptionError, parse_duration};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::echo::Echo;
use super::edits::Edits;
use super::fault::FaultKind;
use super::fault_plan::FaultPlan;
use super::headers::{DateHeader, RateHeaders, RetryAfter};
use super::random::{SplitMix64, random_token};
use super::share::Share;
use super::window::Window;

/// All options of a sandbox. Begin with [`SandboxOptions::default`], a well-behaved API with 1,000
/// customers on a free port of the loopback interface, and change what matters.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The address to listen on, on the loopback interface. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Customers 1 to this number exist. A customer is stored once it is changed, so millions cost
    /// nothing.
    pub customers: u64,
    /// A bearer token that is accepted for as long as the sandbox runs, beside those that it
    /// issues.
    pub token: String,
    /// The lifetime of issued access tokens; `None` means without end.
    pub token_lifetime: Option<Duration>,
    /// The client that tokens are issued to.
    pub client_id: String,
    /// The secret of that client, if it needs one.
    pub client_secret: Option<String>,
    /// The tenant whose number each request must have in `X-Tenant`; other requests are answered
    /// with 403.
    pub tenant: Option<u64>,
    /// The rate limit; `None` means no limit and no rate headers.
    pub window: Option<Window>,
    /// The `X-RateLimit-*` headers of answers while there is a window.
    pub headers: RateHeaders,
    /// The `Retry-After` of a 429 when the window is used up.
    pub retry_after: RetryAfter,
    /// Whether answers have a `Date`.
    pub date: DateHeader,
    /// The latency of answers.
    pub latency: Latency,
    /// The faults, and how often they hit.
    pub faults: FaultPlan,
    /// The seed of customers' first values, faults and latencies.
    pub seed: u64,
    /// The file to which each applied update is appended as a line of JSON.
    pub ledger: Option<PathBuf>,
    /// The shape in which a refused value is reported.
    pub error_shape: ErrorShape,
    /// The shape of the answer to an update.
    pub success_shape: SuccessShape,
    /// The most requests at once; further ones are answered with 503.
    pub in_flight_max: Option<u32>,
    /// The number of requests after which an HTTP/2 connection is closed with GOAWAY; `None` means
    /// never.
    pub goaway_after: Option<u64>,
    /// The answer to reads of customers.
    pub reads: Reads,
    /// The number of reads that are answered before `reads` applies, as if it were
    /// [`Reads::Allowed`].
    pub reads_after: u64,
    /// The place of the totals on pages of customers.
    pub page_total: PageTotal,
    /// Whether customers come and go between two pages.
    pub pages: Pages,
    /// The effect of a PUT on fields that it leaves out.
    pub put: Put,
    /// The fields whose values are not stored as they are sent.
    pub echo: Echo,
    /// Whether answers about one customer have an `ETag`, and updates a condition.
    pub etags: ETags,
    /// The share of customers that have values from before the API's rules: null where the contract
    /// allows none, and others that may not be sent. It depends on the seed and the id alone.
    pub old_data: Share,
    /// Edits of customers by a third party.
    pub edits: Edits,
    /// Faults that updates of these customers (which need not exist) always meet, whatever their
    /// values, if the window and `faults` let them through. Reads do not meet them.
    pub answers: BTreeMap<u64, FaultKind>,
}

impl Default for SandboxOptions {
    fn default() -> SandboxOptions {
        SandboxOptions {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            customers: 1_000,
            token: random_token(),
            token_lifetime: None,
            client_id: "sandbox".to_owned(),
            client_secret: None,
            tenant: None,
            window: None,
            headers: RateHeaders::default(),
            retry_after: RetryAfter::default(),
            date: DateHeader::default(),
            latency: Latency::default(),
            faults: FaultPlan::default(),
            seed: 0,
            ledger: None,
            error_shape: ErrorShape::default(),
            success_shape: SuccessShape::default(),
            in_flight_max: None,
            goaway_after: None,
            reads: Reads::default(),
            reads_after: 0,
            page_total: PageTotal::default(),
            pages: Pages::default(),
            put: Put::default(),
            echo: Echo::default(),
            etags: ETags::default(),
            old_data: Share::default(),
            edits: Edits::default(),
            answers: BTreeMap::new(),
        }
    }
}

/// The answer to reads of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// The customers as they are.
    #[default]
    Allowed,
    /// 403 in the API's shape, as for a token that may write only.
    Forbidden,
    /// 404 in plain text, as if the API had no reads.
    Missing,
    /// The customers as they were at this sandbox's start, as from a cache.
    Stale,
}

/// The place of the totals on pages of customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PageTotal {
    /// `{"data":[…],"meta":{"total":…}}`.
    #[default]
    Meta,
    /// `{"data":[…],"total":…}`.
    Top,
}

/// Whether customers come and go between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// Pages are parts of one list.
    #[default]
    Still,
    /// After each page, a further customer is inserted before all others, or that one is removed.
    /// So the last customer of a page is also the first of the next one, and then one is on no page.
    /// Each inserted customer has an id of its own, from the number of customers on.
    Moving,
}

/// The effect of a PUT on fields that it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Put {
    /// They keep their values.
    #[default]
    Merge,
    /// They become null, also those that may not be sent as null (RFC 9110 §9.3.4).
    Replace,
}

/// Whether answers about one customer have an `ETag`, and updates a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ETags {
    /// No header; `If-Match` is ignored.
    #[default]
    Missing,
    /// A strong one that changes with every change. A PUT whose `If-Match` does not match it is
    /// refused with 412.
    Strong,
}

/// The shape in which a refused value is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ErrorShape {
    /// `{"error":"validation_error","message":"…"}`, which names the first refused field.
    #[default]
    Documented,
    /// `{"message":"…","errors":{"email":["…"]}}`, which names them all.
    Laravel,
    /// Documented for even customer ids, Laravel's for odd ones.
    Both,
}

/// The shape of the answer to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SuccessShape {
    /// `{"success":"…","data":{…}}`.
    #[default]
    Resource,
    /// The customer itself, also as the answer to a read of one customer.
    Bare,
    /// 204, without a body.
    Empty,
    /// `{"success":"…"}`.
    NoData,
}

/// The latency of answers, uniformly random between two bounds. An update is applied half-way, so
/// that for a client that gives up early it may or may not be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Latency {
    /// The shortest latency.
    pub min: Duration,
    /// The longest latency; a value below `min` counts as `min`.
    pub max: Duration,
}

impl Latency {
    pub(super) fn draw(self, random: &mut SplitMix64) -> Duration {
        let spread = self.max.saturating_sub(self.min);
        let spread_micros = u64::try_from(spread.as_micros()).unwrap_or(u64::MAX);
        self.min + Duration::from_micros(random.below(spread_micros.saturating_add(1)))
    }
}

impl FromStr for Latency {
    type Err = OptionError;

    /// Parses `20ms`, or a range such as `5ms..50ms`.
    fn from_str(text: &str) -> Result<Latency, OptionError> {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let latency = match (parse_duration(min), parse_duration(max)) {
            (Some(min), Some(max)) => Latency { min, max },
            _ => {
                return Err(OptionError::new(
                    text,
                    "a latency such as 20ms or 5ms..50ms",
                ));
            }
        };
        if latency.min > latency.max {
            return Err(OptionError::new(
                text,
                "a latency whose first length is the shorter",
            ));
        }
        Ok(latency)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latency, SplitMix64, parse_duration};

    #[test]
    fn durations_have_one_unit() {
        let check = |input: &str, want_ms: Option<u64>| {
            assert_eq!(
                parse_duration(input),
                want_ms.map(Duration::from_millis),
                "{input}"
            );
        };
        check("250ms", Some(250));
        check("5s", Some(5_000));
        check("2m", Some(120_000));
        check("1h", Some(3_600_000));
        for nonsense in [
            "",
            "5",
            "s",
            "-5s",
            "1.5s",
            "5 s",
            "1h30m",
            "99999999999999999999s",
        ] {
            check(nonsense, None);
        }
    }

    #[test]
    fn latency_is_a_length_or_a_span() {
        let check = |input: &str, want_ms: Option<(u64, u64)>| {
            let want = want_ms.map(|(min, max)| Latency {
                min: Duration::from_millis(min),
                max: Duration::from_millis(max),
            });
            assert_eq!(input.parse().ok(), want, "{input}");
        };
        check("20ms", Some((20, 20)));
        check("5ms..1s", Some((5, 1_000)));
        check("1s..5ms", None);
        check("..5ms", None);
        check("fast", None);
    }

    #[test]
    fn latency_is_drawn_from_its_span() {
        let latency: Latency = "5ms..6ms".parse().unwrap();
        let mut random = SplitMix64::new(1);
        let drawn: Vec<Duration> = (0..100).map(|_| latency.draw(&mut random)).collect();
        assert!(
            drawn
                .iter()
                .all(|length| (latency.min..=latency.max).contains(length))
        );
        assert!(drawn.iter().any(|length| *length > latency.min));
        assert_eq!(Latency::default().draw(&mut random), Duration::ZERO);
    }
}
