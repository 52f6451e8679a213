//! The faults of a sandbox: the grammar of `--sandbox-fault`, and the draw for each request.

use std::str::FromStr;
use std::time::Duration;

use super::fault::{Access, Fault, FaultKind, KINDS};
use super::option_error::{OptionError, parse_duration};
use super::random::SplitMix64;
use super::share::{MILLION, parse_percent};

/// Faults, the share of requests that each hits, and the span of time in which it does so.
///
/// Written `KIND=SHARE`, `KIND@FROM..TO` or `KIND=SHARE@FROM..TO`, with commas between faults:
/// `503=2%,outage@5s..20s,502=60%@0s..5m,blackhole@1s..`. Times count from the first request that
/// the sandbox gets; a span without a second time does not end. A fault without a share hits every request of its span;
/// one without a span hits its share of all requests. `outage=5s..20s` means `outage@5s..20s`.
///
/// Each request is drawn anew, so a retry may succeed. Faults whose span contains the request are
/// drawn first, each with its share of all requests. If none of them hits, those without a span are
/// drawn. In neither group may the shares exceed 100% at any moment, nor may a kind occur twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaultPlan {
    entries: Vec<Entry>,
}

/// A fault of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    kind: FaultKind,
    per_million: u64,
    span: Option<Span>,
}

/// A time after the first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Duration,
    /// The exclusive end; without it, the span does not end.
    to: Option<Duration>,
}

impl FaultPlan {
    /// Whether every request meets an outage at this time after the first request.
    pub(super) fn is_out(&self, since_first_request: Duration) -> bool {
        self.entries.iter().any(|entry| {
            entry.kind == FaultKind::Outage
                && entry.per_million == MILLION
                && entry.is_in_force(since_first_request)
        })
    }

    /// The fault that hits the next request, if any.
    pub(super) fn draw(
        &self,
        since_first_request: Duration,
        access: Access,
        random: &mut SplitMix64,
    ) -> Option<Fault> {
        let in_force =
            |entry: &&Entry| entry.kind.hits(access) && entry.is_in_force(since_first_request);
        let (spanned, always): (Vec<&Entry>, Vec<&Entry>) = self
            .entries
            .iter()
            .filter(in_force)
            .partition(|entry| entry.span.is_some());
        draw_among(&spanned, random).or_else(|| draw_among(&always, random))
    }

    /// Adds a fault, unless the plan becomes impossible.
    fn add(&mut self, entry: Entry) -> Option<()> {
        if self
            .entries
            .iter()
            .any(|other| other.kind == entry.kind && other.meets(&entry))
        {
            return None;
        }
        self.entries.push(entry);
        self.fits().then_some(())
    }

    /// Whether neither group exceeds 100% at any moment. Sums only grow at the beginning of a span.
    fn fits(&self) -> bool {
        self.entries.iter().all(|entry| {
            let begins = entry.span.map(|span| span.from);
            let together = self
                .entries
                .iter()
                .filter(|other| match (begins, other.span) {
                    (Some(begins), Some(span)) => span.contains(begins),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                });
            together.map(|other| other.per_million).sum::<u64>() <= MILLION
        })
    }
}

fn draw_among(entries: &[&Entry], random: &mut SplitMix64) -> Option<Fault> {
    if entries.is_empty() {
        return None;
    }
    let mut drawn = random.below(MILLION);
    for entry in entries {
        if drawn < entry.per_million {
            return Some(Fault::draw(entry.kind, random));
        }
        drawn -= entry.per_million;
    }
    None
}

impl Entry {
    fn is_in_force(&self, since_first_request: Duration) -> bool {
        self.span
            .is_none_or(|span| span.contains(since_first_request))
    }

    /// Whether both faults can be drawn at the same moment, in the same group.
    fn meets(&self, other: &Entry) -> bool {
        match (self.span, other.span) {
            (None, None) => true,
            (Some(one), Some(two)) => one.contains(two.from) || two.contains(one.from),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn parse(text: &str) -> Option<Entry> {
        let (rest, span) = match text.split_once('@') {
            Some((rest, span)) => (rest, Some(Span::parse(span)?)),
            None => (text, None),
        };
        let (name, share) = match rest.split_once('=') {
            Some((name, share)) => (name, Some(share)),
            None => (rest, None),
        };
        let kind: FaultKind = name.parse().ok()?;
        let (per_million, span) = match (share, span) {
            // A fault without share and span would hit everything for ever, which is never meant.
            (None, None) => return None,
            (None, span) => (MILLION, span),
            (Some(outage), None) if kind == FaultKind::Outage && outage.contains("..") => {
                (MILLION, Some(Span::parse(outage)?))
            }
            (Some(share), span) => (parse_percent(share)?, span),
        };
        Some(Entry {
            kind,
            per_million,
            span,
        })
    }
}

impl Span {
    fn contains(&self, moment: Duration) -> bool {
        self.from <= moment && self.to.is_none_or(|to| moment < to)
    }

    fn parse(text: &str) -> Option<Span> {
        let (from, to) = text.split_once("..")?;
        let from = parse_duration(from)?;
        let to = match to {
            "" => None,
            to => Some(parse_duration(to)?),
        };
        to.is_none_or(|to| from < to).then_some(Span { from, to })
    }
}

impl FromStr for FaultPlan {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<FaultPlan, OptionError> {
        let mut plan = FaultPlan::default();
        for part in text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let entry = Entry::parse(part).ok_or_else(|| OptionError::new(part, form_of(part)))?;
            plan.add(entry).ok_or_else(|| {
                OptionError::new(
                    part,
                    "a fault that fits beside those before it: at any moment each kind may come once, and faults with \
                     a span may have 100% together at most, as may those without",
                )
            })?;
        }
        Ok(plan)
    }
}

/// The expected form of a fault, for an error message.
fn form_of(text: &str) -> String {
    let name = text.split(['=', '@']).next().unwrap_or_default();
    if name.parse::<FaultKind>().is_ok() {
        return "a fault with a share, a span or both, as in 503=2%, blackhole@1s.. or 502=60%@0s..5m".to_owned();
    }
    format!("a fault such as 503=2%, outage@5s..20s or 404-html=50%@1m... The kinds are {KINDS}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::fault::{Access, Moment};
    use super::super::random::SplitMix64;
    use super::FaultPlan;

    #[test]
    fn plans_that_cannot_be_carried_out_are_refused() {
        let check = |input: &str, want: bool| {
            assert_eq!(input.parse::<FaultPlan>().is_ok(), want, "{input}");
        };
        check("", true);
        check(
            "503=2%, 500=1%,reset=0.5%,timeout=0.2%,truncate=0.2%,429=1%,outage=5s..20s",
            true,
        );
        check("503=60%,500=40%", true);
        check("503=60%,500=40.1%", false);
        check("503=101%", false);
        check("503=1%,503=1%", false);
        check("503=1%,503-text=1%", true);
        // Spans.
        check(
            "blackhole@1s..,500@500ms..1s,404-text=50%@0s..1s,502=50%@1m..2m",
            false,
        );
        check(
            "blackhole@1s..1m,500@500ms..1s,404-text=50%@0s..500ms,502=50%@1m..2m",
            true,
        );
        check("502=60%@0s..5m,503=40%@4m..6m,500=60%@5m..7m", true);
        check("502=60%@0s..5m,503=40%@4m..6m,500=60.1%@5m..7m", false);
        check("500=60%@5m..7m,503=41%@4m..6m", false);
        check("500@5m..7m,503@4m..8m", false);
        check("503@5s..,500=100%", true);
        check("503=10%,503=20%@1s..2s,503=30%@2s..", true);
        check("503=10%@1s..3s,503=20%@2s..4s", false);
        check("503=10%@2s..4s,503=20%@1s..3s", false);
        check("503=10%@2s..,503=20%@1h..", false);
        // The outage's own form.
        check("outage=1s..2s,outage=3s..4s", true);
        check("outage=1s..,503=2%", true);
        check("outage=1s..3s,outage=2s..4s", false);
        check("outage=50%@1s..2s", true);
        check("outage=50%", true);
    }

    #[test]
    fn what_is_no_fault_is_told_apart_by_its_mistake() {
        let check = |input: &str, want: &str| {
            let error = input.parse::<FaultPlan>().unwrap_err().to_string();
            assert!(error.contains(want), "{input}: {error}");
        };
        for form in [
            "reset",
            "503",
            "503=2%;500=1%",
            "503=",
            "503=2",
            "503@",
            "503@5s",
            "503@..",
            "503@..5s",
            "503@5s..2s",
            "503@5s..5s",
            "503@1..2",
            "503@1s..2s=50%",
            "503@1s..2s@3s..4s",
            "503=2%=3%",
            "503=1s..2s",
            "outage",
            "outage=2s..1s",
            "outage=2s",
            "outage=1s..2s@1s..2s",
            "503@1s...2s",
            "503@-1s..2s",
        ] {
            check(form, "is not a fault with a share, a span or both");
        }
        for kind in [
            "399=1%",
            "600=1%",
            "crash=1%",
            "404-json@1s..",
            "=2%",
            "@1s..2s",
            "none=1%",
            "503 =2%",
        ] {
            check(kind, "The kinds are a status");
        }
        check(
            "500=1%,503=99.5%",
            "'503=99.5%' is not a fault that fits beside those before it",
        );
    }

    /// The number of hits of each kind in 100,000 requests at a moment.
    fn hits(plan: &str, at: Duration, access: Access) -> BTreeMap<String, u32> {
        let plan: FaultPlan = plan.parse().unwrap();
        let mut random = SplitMix64::new(42);
        let mut hits = BTreeMap::new();
        for _ in 0..100_000 {
            if let Some(fault) = plan.draw(at, access, &mut random) {
                *hits.entry(fault.kind.to_string()).or_default() += 1;
            }
        }
        hits
    }

    #[test]
    fn faults_hit_as_often_as_the_plan_says() {
        let check = |plan: &str, at_ms: u64, access: Access, want: &[(&str, f64)]| {
            let hits = hits(plan, Duration::from_millis(at_ms), access);
            let kinds: Vec<&str> = hits.keys().map(String::as_str).collect();
            assert_eq!(
                kinds,
                want.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
                "{plan} at {at_ms} ms"
            );
            for (kind, want_percent) in want {
                let percent = f64::from(hits[*kind]) / 1_000.0;
                assert!(
                    (percent - want_percent).abs() < 0.5,
                    "{plan} at {at_ms} ms: {kind}: {percent} %"
                );
            }
        };
        let always = "503=10%,reset=5%,truncate=0.5%";
        check(
            always,
            0,
            Access::Write,
            &[("503", 10.0), ("reset", 5.0), ("truncate", 0.5)],
        );
        check(
            always,
            3_600_000,
            Access::Read,
            &[("503", 10.0), ("reset", 5.0), ("truncate", 0.5)],
        );

        let spans = "500=50%,502=60%@1s..3s,404-text=20%@2s..4s,blackhole@5s..";
        check(spans, 999, Access::Write, &[("500", 50.0)]);
        check(spans, 1_000, Access::Write, &[("500", 20.0), ("502", 60.0)]);
        check(
            spans,
            2_000,
            Access::Write,
            &[("404-text", 20.0), ("500", 10.0), ("502", 60.0)],
        );
        check(
            spans,
            3_000,
            Access::Write,
            &[("404-text", 20.0), ("500", 40.0)],
        );
        check(spans, 4_999, Access::Write, &[("500", 50.0)]);
        check(spans, 5_000, Access::Write, &[("blackhole", 100.0)]);
        check(spans, 3_600_000, Access::Read, &[("blackhole", 100.0)]);

        check(
            "readonly@1s..,500=10%",
            1_000,
            Access::Write,
            &[("readonly", 100.0)],
        );
        check(
            "readonly@1s..,500=10%",
            1_000,
            Access::Read,
            &[("500", 10.0)],
        );
    }

    #[test]
    fn a_reset_hits_half_of_the_time_after_the_update() {
        let plan: FaultPlan = "reset=100%".parse().unwrap();
        let mut random = SplitMix64::new(42);
        let after = (0..1_000)
            .filter_map(|_| plan.draw(Duration::ZERO, Access::Write, &mut random))
            .filter(|fault| fault.moment == Moment::AfterApplying)
            .count();
        assert!((400..600).contains(&after), "{after}");
    }

    #[test]
    fn an_outage_of_all_requests_has_a_beginning_and_an_end() {
        let check = |plan: &str, at_ms: u64, want: bool| {
            let plan: FaultPlan = plan.parse().unwrap();
            assert_eq!(plan.is_out(Duration::from_millis(at_ms)), want, "{at_ms}");
        };
        for plan in ["outage=5s..20s", "outage@5s..20s", "outage=100%@5s..20s"] {
            check(plan, 4_999, false);
            check(plan, 5_000, true);
            check(plan, 19_999, true);
            check(plan, 20_000, false);
        }
        check("outage=1s..2s,outage=3s..", 2_500, false);
        check("outage=1s..2s,outage=3s..", 3_600_000, true);
        check("outage=99%@0s..", 1_000, false);
        check("503@0s..", 1_000, false);
    }
}
