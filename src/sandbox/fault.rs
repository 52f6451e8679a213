//! What goes wrong on purpose: which requests fail, and how.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::http::StatusCode;

use super::options::{OptionError, parse_duration};
use super::random::SplitMix64;

/// Faults and the share of requests that each hits, written `503=2%,reset=0.5%,outage=5s..20s`: any status from 400
/// to 599, `reset`, `timeout`, `truncate`, and at most one outage. A fault is drawn anew for each request, so a
/// retry may succeed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultPlan {
    shares: Vec<Share>,
    outage: Option<Outage>,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// An answer with this status and nothing applied. A 429 asks for a second's pause.
    Status(u16),
    /// The connection is reset (TCP RST), half of the time after the update was applied.
    Reset,
    /// No answer for two minutes, half of the time after the update was applied; then the connection is closed.
    Timeout,
    /// The update is applied, but half of the answer's body is missing when the connection closes.
    Truncate,
}

/// A time after the start during which every request is answered with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Outage {
    from: Duration,
    to: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Share {
    kind: FaultKind,
    per_million: u64,
}

/// A fault that hits one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Status(StatusCode),
    Reset(Moment),
    Timeout(Moment),
    Truncate,
}

/// When a fault hits: only then does a client not know whether its update was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    BeforeApplying,
    AfterApplying,
}

const MILLION: u64 = 1_000_000;

impl FaultPlan {
    /// Whether the sandbox is down, given how long ago it started.
    pub(super) fn is_out(&self, running_for: Duration) -> bool {
        self.outage.is_some_and(|outage| (outage.from..outage.to).contains(&running_for))
    }

    /// The fault that hits the next request, if any.
    pub(super) fn draw(&self, random: &mut SplitMix64) -> Option<Fault> {
        if self.shares.is_empty() {
            return None;
        }
        let mut drawn = random.below(MILLION);
        for share in &self.shares {
            if drawn < share.per_million {
                return Some(Fault::of(share.kind, random));
            }
            drawn -= share.per_million;
        }
        None
    }

    fn add_share(&mut self, kind: &str, percent: &str) -> Option<()> {
        let kind = match kind {
            "reset" => FaultKind::Reset,
            "timeout" => FaultKind::Timeout,
            "truncate" => FaultKind::Truncate,
            status => FaultKind::Status(status.parse().ok().filter(|status| (400..600).contains(status))?),
        };
        let per_million = parse_percent(percent)?;
        let taken: u64 = self.shares.iter().map(|share| share.per_million).sum();
        let fresh = self.shares.iter().all(|share| share.kind != kind);
        if !fresh || taken + per_million > MILLION {
            return None;
        }
        self.shares.push(Share { kind, per_million });
        Some(())
    }

    fn add_outage(&mut self, span: &str) -> Option<()> {
        let (from, to) = span.split_once("..")?;
        let outage = Outage { from: parse_duration(from)?, to: parse_duration(to)? };
        if self.outage.is_some() || outage.from >= outage.to {
            return None;
        }
        self.outage = Some(outage);
        Some(())
    }
}

impl FromStr for FaultPlan {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<FaultPlan, OptionError> {
        let mut plan = FaultPlan::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let added = match part.split_once('=') {
                Some(("outage", span)) => plan.add_outage(span),
                Some((kind, percent)) => plan.add_share(kind, percent),
                None => None,
            };
            added.ok_or_else(|| {
                OptionError::new(
                    part,
                    "a fault such as 503=2%, reset=0.5%, timeout=0.2%, truncate=1% or outage=5s..20s, each once, \
                     of 100% together at most",
                )
            })?;
        }
        Ok(plan)
    }
}

impl Fault {
    fn of(kind: FaultKind, random: &mut SplitMix64) -> Fault {
        match kind {
            FaultKind::Status(status) => {
                Fault::Status(StatusCode::from_u16(status).expect("the plan holds 400 to 599 only"))
            }
            FaultKind::Reset => Fault::Reset(Moment::draw(random)),
            FaultKind::Timeout => Fault::Timeout(Moment::draw(random)),
            FaultKind::Truncate => Fault::Truncate,
        }
    }

    pub(super) fn kind(self) -> FaultKind {
        match self {
            Fault::Status(status) => FaultKind::Status(status.as_u16()),
            Fault::Reset(_) => FaultKind::Reset,
            Fault::Timeout(_) => FaultKind::Timeout,
            Fault::Truncate => FaultKind::Truncate,
        }
    }
}

impl Moment {
    fn draw(random: &mut SplitMix64) -> Moment {
        match random.below(2) {
            0 => Moment::BeforeApplying,
            _ => Moment::AfterApplying,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FaultKind::Status(status) => write!(f, "{status}"),
            FaultKind::Reset => f.write_str("reset"),
            FaultKind::Timeout => f.write_str("timeout"),
            FaultKind::Truncate => f.write_str("truncate"),
        }
    }
}

/// Reads `2%` or `0.25%` as millionths: 20,000 or 2,500. At most four digits after the point.
fn parse_percent(text: &str) -> Option<u64> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 3 || fraction.len() > 4 {
        return None;
    }
    format!("{whole}{fraction:0<4}").parse().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::random::SplitMix64;
    use super::{Fault, FaultKind, FaultPlan, Moment, parse_percent};

    #[test]
    fn percents_are_read_exactly() {
        let check = |input: &str, want: Option<u64>| assert_eq!(parse_percent(input), want, "{input}");
        check("2%", Some(20_000));
        check("0.5%", Some(5_000));
        check("0.0001%", Some(1));
        check("100%", Some(1_000_000));
        for nonsense in ["", "%", "2", "-2%", "+2%", ".5%", "2.%", "0.00001%", "1e1%", "9999%"] {
            check(nonsense, None);
        }
    }

    #[test]
    fn plans_that_cannot_be_carried_out_are_refused() {
        let check = |input: &str, want: bool| {
            assert_eq!(input.parse::<FaultPlan>().is_ok(), want, "{input}");
        };
        check("", true);
        check("503=2%, 500=1%,reset=0.5%,timeout=0.2%,truncate=0.2%,429=1%,outage=5s..20s", true);
        check("503=60%,500=40%", true);
        check("503=60%,500=40.1%", false);
        check("503=1%,503=1%", false);
        check("outage=1s..2s,outage=3s..4s", false);
        check("outage=2s..1s", false);
        check("outage=2s", false);
        check("399=1%", false);
        check("600=1%", false);
        check("reset", false);
        check("crash=1%", false);
    }

    #[test]
    fn faults_hit_as_often_as_the_plan_says() {
        let plan: FaultPlan = "503=10%,reset=5%,truncate=0.5%".parse().unwrap();
        let mut random = SplitMix64::new(42);
        let mut hits: BTreeMap<FaultKind, u32> = BTreeMap::new();
        let mut resets_after_applying = 0;
        for _ in 0..100_000 {
            let Some(fault) = plan.draw(&mut random) else {
                continue;
            };
            *hits.entry(fault.kind()).or_default() += 1;
            resets_after_applying += u32::from(fault == Fault::Reset(Moment::AfterApplying));
        }
        let check = |kind: FaultKind, want: std::ops::Range<u32>| {
            assert!(want.contains(&hits[&kind]), "{kind}: {}", hits[&kind]);
        };
        check(FaultKind::Status(503), 9_500..10_500);
        check(FaultKind::Reset, 4_700..5_300);
        check(FaultKind::Truncate, 400..600);
        assert_eq!(hits.len(), 3);
        assert!((2_300..2_700).contains(&resets_after_applying), "{resets_after_applying}");
    }

    #[test]
    fn an_outage_has_a_beginning_and_an_end() {
        let plan: FaultPlan = "outage=5s..20s".parse().unwrap();
        let check = |at_ms: u64, want: bool| {
            assert_eq!(plan.is_out(Duration::from_millis(at_ms)), want, "{at_ms}");
        };
        check(4_999, false);
        check(5_000, true);
        check(19_999, true);
        check(20_000, false);
    }
}
