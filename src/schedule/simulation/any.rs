//! Random runs: rules, rows and API are drawn, to find cases that no other test covers.

use std::time::Duration;

use super::quota::{FixedWindow, Headers, Quota, SlidingWindow, TokenBucket};
use super::server::{Down, Latency, Shape, Trouble, WallClock};
use super::silent::{Kind, Refusal, Silent};
use super::world::{CareSetup, Setup};
use super::{each_seed, ms, s, well};
use crate::contract::CustomerId;
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::{Care, Moment, Random, Refreshed, RetryPolicy, StopReason};

/// A number from `low` to `high`.
pub(super) fn between(low: u64, high: u64, random: &mut Random) -> u64 {
    low + random.next_u64() % (high - low + 1)
}

pub(super) fn pick<T: Copy, const N: usize>(from: [T; N], random: &mut Random) -> T {
    from[index_below(N, random)]
}

fn index_below(n: usize, random: &mut Random) -> usize {
    usize::try_from(random.next_u64() % (n as u64)).expect("below a usize")
}

pub(super) fn chance(share: f64, random: &mut Random) -> bool {
    random.share() < share
}

fn moment(random: &mut Random) -> Moment {
    Moment::after_start(random.up_to(s(20)))
}

/// Rows of customers with many rows and of customers with one.
fn customers(random: &mut Random) -> Vec<CustomerId> {
    let (rows, hot, hot_share) = (
        between(1, 250, random),
        between(1, 5, random),
        random.share(),
    );
    (1..=rows)
        .map(|row| {
            if chance(hot_share, random) {
                between(1, hot, random)
            } else {
                1000 + row
            }
        })
        .map(|id| CustomerId::new(id).expect("a good id"))
        .collect()
}

fn rate(random: &mut Random) -> Rate {
    let per_second = u32::try_from(between(5, 2000, random)).expect("small");
    match between(0, 2, random) {
        0 => Rate::Unlimited,
        1 => Rate::Auto,
        _ => Rate::Limited(LimitedRate::new(per_second, RateUnit::Second).expect("a good rate")),
    }
}

fn quota(random: &mut Random) -> Quota {
    let length_s = pick([1, 5, 10, 60], random);
    let limit = between(5, 200, random) * length_s / 2 + 2;
    let headers = pick(
        [Headers::All, Headers::ResetOn429, Headers::RetryAfter],
        random,
    );
    match between(0, 5, random) {
        0 => Quota::Unlimited,
        1 => silent(random),
        2 => Quota::Fixed(FixedWindow::new(limit, length_s, headers)),
        3 => {
            let window = FixedWindow::new(limit, length_s, headers).late_by(random.up_to(ms(900)));
            Quota::Fixed(window.shared_with_others(random.share() / 2.0))
        }
        4 => Quota::Sliding(SlidingWindow::new(
            usize::try_from(limit).expect("small"),
            s(length_s),
        )),
        _ => Quota::Bucket(TokenBucket::new(
            2.0 + 98.0 * random.share(),
            2.0 + 98.0 * random.share(),
        )),
    }
}

fn silent(random: &mut Random) -> Quota {
    let burst = 20.0 * random.share();
    let windows = pick(
        [
            Kind::Fixed(1.0),
            Kind::Fixed(10.0),
            Kind::Sliding,
            Kind::Moving,
        ],
        random,
    );
    let kind = pick(
        [
            Kind::Leaky(0.0),
            Kind::Leaky(burst),
            Kind::Tokens,
            windows,
            Kind::StickTable,
        ],
        random,
    );
    let retry_after = chance(0.3, random).then(|| s(between(0, 3, random)));
    let refusal = Refusal {
        status: pick([429, 429, 503, 529], random),
        retry_after,
    };
    Quota::Silent(Silent::new(kind, 2.0 + 200.0 * random.share(), refusal))
}

fn any_latency(random: &mut Random) -> Latency {
    let shape = match between(0, 3, random) {
        0 => Shape::Steady,
        1 => Shape::Knee(1 + index_below(20, random)),
        2 => Shape::Step(moment(random), random.up_to(s(1)) + ms(1)),
        _ => Shape::SlowLink(random.up_to(ms(30))),
    };
    Latency {
        typical: ms(between(1, 300, random)),
        jitter: random.share() * 0.9,
        shape,
    }
}

fn down(random: &mut Random) -> Down {
    let not_reached = pick([Down::NotProcessed, Down::Unanswered], random);
    pick(
        [
            Down::Refused,
            Down::text(503),
            Down::text(502),
            Down::Broken,
            Down::BlackHole,
            not_reached,
        ],
        random,
    )
}

fn trouble(random: &mut Random) -> Trouble {
    let from = moment(random);
    match between(0, 5, random) {
        0 => Trouble::Outage(from, from + random.up_to(s(90)), down(random)),
        1 => Trouble::Flapping(
            ms(between(1000, 5000, random)),
            random.up_to(s(4)),
            down(random),
        ),
        2 => {
            let with = Down::api(pick([500, 502, 422, 404], random));
            Trouble::Poison {
                first: between(0, 9, random),
                every: between(5, 100, random),
                with,
            }
        }
        3 => Trouble::Random(
            random.share() * 0.2,
            Down::api(pick([500, 502, 503, 504, 408], random)),
        ),
        4 => Trouble::Random(
            random.share() * 0.3,
            pick([Down::NotProcessed, Down::Unanswered], random),
        ),
        _ => {
            let wait = chance(0.8, random).then(|| between(0, 20, random));
            Trouble::Busy(random.share() * 0.02, pick([429, 503, 529], random), wait)
        }
    }
}

/// The care that rows need: none in half of the runs.
fn care(random: &mut Random) -> CareSetup {
    if chance(0.5, random) {
        return CareSetup::NONE;
    }
    CareSetup {
        care: pick([Care::Read, Care::Alone], random),
        every: between(1, 4, random),
        alone_max: 1 + index_below(8, random),
        unsent: random.share() * 0.2,
    }
}

pub(super) fn any(random: &mut Random) -> Setup {
    let mut setup = well(0, random);
    setup.customers = customers(random);
    setup.invalid_every = chance(0.2, random).then(|| 1 + index_below(30, random));
    setup.ends_within = s(6 * 3600);
    setup.recording = random.up_to(ms(50));
    setup.rules.rate = rate(random);
    setup.rules.in_flight_max = u16::try_from(between(1, 64, random)).expect("small");
    setup.rules.retry = RetryPolicy::new(u32::try_from(between(1, 6, random)).expect("small"))
        .expect("a good limit");
    if chance(0.2, random) {
        setup.rules.error_limit = ErrorLimit::Count(between(0, 5, random));
    }
    if chance(0.1, random) {
        setup.rules.wait_max = random.up_to(s(30));
    }
    setup.server.clock = WallClock {
        drift_ppm: u32::try_from(between(0, 100, random)).expect("small"),
        ..setup.server.clock
    };
    setup.server.quota = quota(random);
    setup.server.latency = any_latency(random);
    if chance(0.2, random) {
        setup.server.at_once_max = 1 + index_below(20, random);
    }
    setup.server.troubles = (0..between(0, 3, random))
        .map(|_| trouble(random))
        .collect();
    if chance(0.2, random) {
        setup.server.token_lives =
            s(between(3, 10, random)) + Duration::from_nanos(random.next_u64() % 1000);
    }
    if chance(0.1, random) {
        setup.refreshed = Refreshed::Unchanged;
    }
    if chance(0.2, random) {
        setup.stop = Some((moment(random), StopReason::Interrupted));
    }
    setup.care = care(random);
    setup
}

#[test]
fn any_run_keeps_the_rules_and_ends() {
    each_seed(3000, any, |report| {
        let can_be_down = report.server.troubles.iter().any(|trouble| match trouble {
            Trouble::Outage(..) | Trouble::Flapping(..) => true,
            Trouble::Poison { .. }
            | Trouble::Partial { .. }
            | Trouble::Random(..)
            | Trouble::Busy(..) => false,
        });
        let stopped = &report.stopped;
        // Before any row was updated, a bad first row looks like an API that is down.
        let looks_down =
            can_be_down || report.updated == 0 || report.wait_max < s(60) || report.customers < 9;
        assert!(
            looks_down
                || !matches!(
                    stopped,
                    Some(StopReason::Outage { .. } | StopReason::OnlyRefusals { .. })
                ),
            "nothing is down: {stopped:?} {:?} {} {:?}",
            report.server,
            report.updated,
            report.answers
        );
        assert!(
            report.failed == 0
                || !report.server.troubles.is_empty()
                || report.server.at_once_max < 25
        );
    });
}
