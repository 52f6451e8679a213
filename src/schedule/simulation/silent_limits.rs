//! Runs against limits that no header names: how much of them is used, and how much is refused.
//!
//! Without a burst no request may be early, so jitter on the way costs what no rule can win back. A
//! window of ten seconds that is spent is shut until it ends. Their bounds are lower, and
//! `docs/learned-rate.md` gives the reasons.

use std::time::Duration;

use super::quota::Quota;
use super::server::{Down, Latency, Trouble};
use super::silent::{Kind, Refusal, Silent};
use super::world::{self, Report, Setup};
use super::{at, latency, ms, s, seeds, well};
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::{Random, StopReason};

const TOO_MANY: Refusal = Refusal {
    status: 429,
    retry_after: None,
};
const UNAVAILABLE: Refusal = Refusal {
    status: 503,
    retry_after: None,
};
const A_SECOND: Option<Duration> = Some(s(1));

const LEAKY: Kind = Kind::Leaky(0.0);
const LEAKY_BURST: Kind = Kind::Leaky(20.0);

/// A run of this many seconds against a limit, with more rows than it can send.
fn run_of(seconds: u64, limit: Silent, per_second: f64, round_trip: Duration, seed: u64) -> Setup {
    let mut setup = well(
        (per_second * seconds as f64 * 1.5) as u64 + 600,
        &mut Random::seeded(seed),
    );
    setup.server.latency = Latency {
        jitter: 0.1,
        ..latency(round_trip)
    };
    setup.server.quota = Quota::Silent(limit);
    setup.stop = Some((at(seconds), StopReason::Interrupted));
    setup
}

/// The share of the limit used and of the requests refused in the last 60 of 90 seconds, over three
/// seeds. No row ends badly.
#[track_caller]
fn shares(
    kind: Kind,
    per_second: f64,
    round_trip: Duration,
    refusal: Refusal,
    more: impl Fn(&mut Setup),
) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for seed in seeds(3) {
        let mut setup = run_of(
            90,
            Silent::new(kind, per_second, refusal),
            per_second,
            round_trip,
            seed,
        );
        more(&mut setup);
        let report = world::run(setup, seed);
        assert_eq!(
            (report.failed, report.rejected),
            (0, 0),
            "{kind:?} {per_second}/s {refusal:?}, seed {seed}"
        );
        let (used, refused) = limit_of(&report).shares(30, 90);
        sums = (sums.0 + used / 3.0, sums.1 + refused / 3.0);
    }
    sums
}

fn limit_of(report: &Report) -> &Silent {
    let Quota::Silent(limit) = &report.server.quota else {
        panic!("the limit is a silent one")
    };
    limit
}

#[track_caller]
fn check(
    kind: Kind,
    per_second: f64,
    round_trip_ms: u64,
    refusal: Refusal,
    used_min: f64,
    refused_max: f64,
) {
    let (used, refused) = shares(kind, per_second, ms(round_trip_ms), refusal, |_| {});
    assert!(
        used >= used_min && refused <= refused_max,
        "{kind:?} {per_second}/s {round_trip_ms} ms {refusal:?}: {used:.3} used, {refused:.4} refused"
    );
}

#[test]
fn a_limit_that_says_429_is_found() {
    for kind in [
        LEAKY_BURST,
        Kind::Leaky(5.0),
        Kind::Tokens,
        Kind::Fixed(1.0),
        Kind::Moving,
    ] {
        check(kind, 5.0, 20, TOO_MANY, 0.9, 0.05);
        check(kind, 40.0, 2, TOO_MANY, 0.9, 0.03);
        check(kind, 40.0, 20, TOO_MANY, 0.9, 0.03);
        check(kind, 200.0, 20, TOO_MANY, 0.9, 0.03);
    }
    check(Kind::Tokens, 1000.0, 20, TOO_MANY, 0.9, 0.03);
}

#[test]
fn a_limit_without_a_burst_or_with_a_long_memory_is_found_as_far_as_it_can_be() {
    check(LEAKY, 10.0, 20, TOO_MANY, 0.85, 0.04);
    check(LEAKY, 40.0, 2, TOO_MANY, 0.85, 0.03);
    check(LEAKY, 200.0, 2, TOO_MANY, 0.75, 0.03);
    check(Kind::Fixed(10.0), 40.0, 20, TOO_MANY, 0.85, 0.05);
    check(Kind::Sliding, 40.0, 20, TOO_MANY, 0.8, 0.04);
    check(Kind::StickTable, 40.0, 20, TOO_MANY, 0.85, 0.04);
}

#[test]
fn a_limit_that_says_503_is_found_and_is_no_outage() {
    for kind in [
        LEAKY_BURST,
        Kind::Leaky(5.0),
        Kind::Tokens,
        Kind::Fixed(1.0),
        Kind::Moving,
    ] {
        check(kind, 10.0, 20, UNAVAILABLE, 0.9, 0.05);
        check(kind, 40.0, 20, UNAVAILABLE, 0.9, 0.04);
        // A 503 lowers the number in flight, which may hold the rate back if too few are refused to
        // look like a limit's.
        check(kind, 200.0, 20, UNAVAILABLE, 0.9, 0.1);
    }
    check(LEAKY, 40.0, 2, UNAVAILABLE, 0.85, 0.04);
}

#[test]
fn a_wait_that_is_named_is_kept_and_costs_its_time() {
    for status in [429, 503] {
        let refusal = Refusal {
            status,
            retry_after: A_SECOND,
        };
        for kind in [LEAKY_BURST, Kind::Tokens] {
            check(kind, 40.0, 20, refusal, 0.85, 0.03);
        }
    }
}

#[test]
fn a_limit_that_is_halved_and_doubled_is_followed() {
    for kind in [LEAKY_BURST, Kind::Tokens, Kind::Fixed(1.0)] {
        for seed in seeds(3) {
            let limit =
                Silent::new(kind, 40.0, TOO_MANY).changing(vec![(s(60), 0.5), (s(120), 1.0)]);
            let report = world::run(run_of(180, limit, 40.0, ms(20), seed), seed);
            let limit = limit_of(&report);
            // Of the original limit, half of which is left.
            let ((halved, refused), (doubled, _)) = (limit.shares(90, 120), limit.shares(160, 180));
            assert!(
                halved >= 0.45 && refused <= 0.04,
                "{kind:?}: {halved:.3} used, {refused:.4} refused"
            );
            assert!(doubled >= 0.85, "{kind:?}: {doubled:.3} used");
        }
    }
}

#[test]
fn unrelated_trouble_is_no_limit() {
    // One 503 in ten lowers the number in flight, too.
    for (share, used_min) in [(0.01, 0.95), (0.1, 0.8)] {
        for (kind, per_second) in [(LEAKY_BURST, 40.0), (Kind::Tokens, 200.0)] {
            let noise = |setup: &mut Setup| {
                setup.server.troubles = vec![Trouble::Random(share, Down::text(503))];
            };
            let (used, refused) = shares(kind, per_second, ms(20), TOO_MANY, noise);
            assert!(
                used >= used_min && refused <= 0.03,
                "{share} {kind:?}: {used:.3} used, {refused:.4} refused"
            );
        }
    }
}

#[test]
fn a_rate_of_the_users_below_the_limit_is_kept_and_nothing_is_refused() {
    for (rate, per_second) in [
        (
            Rate::Limited(LimitedRate::new(30, RateUnit::Second).expect("a good rate")),
            30.0,
        ),
        (Rate::Auto, 20.0),
    ] {
        let (used, refused) = shares(Kind::Tokens, 40.0, ms(20), TOO_MANY, |setup| {
            setup.rules.rate = rate;
        });
        assert!(
            used >= 0.95 * per_second / 40.0 && used <= per_second / 40.0 && refused <= 0.0,
            "{used} {refused}"
        );
    }
}

#[test]
fn what_was_learned_is_reported() {
    let limit = Silent::new(Kind::Tokens, 40.0, TOO_MANY);
    let report = world::run(run_of(60, limit, 40.0, ms(20), 1), 1);
    let learned = report.statistics.learned_rate.expect("a rate was learned");
    assert!((34.0..46.0).contains(&learned), "{learned}");
    assert_eq!(report.statistics.learned_in_flight, None);
    let free = world::run(well(500, &mut Random::seeded(1)), 1);
    assert_eq!(free.statistics.learned_rate, None);
}

#[test]
fn no_row_fails_where_each_second_request_is_refused() {
    // All refusals may be of rows that are sent again, alternating with others that are accepted.
    for seed in seeds(10) {
        let limit = Silent::new(LEAKY_BURST, 10.0, UNAVAILABLE);
        let mut setup = run_of(90, limit, 10.0, ms(3), seed);
        setup.rules.rate = Rate::Auto;
        let report = world::run(setup, seed);
        assert_eq!(
            (report.failed, report.statistics.outages),
            (0, 0),
            "seed {seed}"
        );
    }
}
