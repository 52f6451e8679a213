//! Runs with an API in trouble for a while. No row is failed for it. The run continues as soon as
//! the trouble is over, or ends when the longest wait is.

use std::time::Duration;

use super::any::{between, chance, pick};
use super::server::{Down, MESSAGE, Reads, STATUS, Trouble};
use super::world::{self, Report, Setup};
use super::{Seed, latency, ms, s, seeds, well};
use crate::contract::Body;
use crate::schedule::error_limit::ErrorLimit;
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::{Moment, Random, RetryPolicy, StopReason};

/// The number of random runs.
const RUNS: u64 = 10_000;
/// The longest time between two probes, with jitter.
const PROBE_MAX: Duration = Duration::from_secs(33);
/// The longest time until a row in doubt is rechecked.
const RECHECK_MAX: Duration = Duration::from_mins(1);

/// Every kind of trouble that all requests may meet.
const TROUBLES: [Down; 20] = [
    Down::Refused,
    Down::Broken,
    Down::NotProcessed,
    Down::Unanswered,
    Down::BlackHole,
    Down::text(500),
    Down::api(500),
    Down::text(502),
    Down::text(503),
    Down::text(504),
    Down::api(503),
    Down::text(404),
    Down::text(403),
    Down::text(400),
    Down::Status(404, MESSAGE),
    Down::Status(200, STATUS),
    Down::Status(200, Body::Other),
    Down::Status(302, Body::Other),
    Down::text(501),
    Down::ReadOnly,
];

/// A run, and the time of the trouble.
struct Drawn {
    setup: Setup,
    from: Duration,
    lasts: Duration,
    with: Down,
    share: f64,
    /// The time of the run without the trouble.
    ideal: Duration,
}

fn drawn(random: &mut Random) -> Drawn {
    let rows = if chance(0.3, random) {
        between(1, 6, random)
    } else {
        between(7, 1500, random)
    };
    let mut setup = well(rows, random);
    setup.ends_within = s(24 * 3600);
    setup.rules.error_limit = ErrorLimit::Count(10_000);
    let (rate, per_second) = match between(0, 3, random) {
        0 => (Rate::Unlimited, 1e9),
        1 => (Rate::Auto, 20.0),
        _ => {
            let n = u32::try_from(between(2, 400, random)).expect("small");
            (
                Rate::Limited(LimitedRate::new(n, RateUnit::Second).expect("a good rate")),
                f64::from(n),
            )
        }
    };
    setup.rules.rate = rate;
    setup.rules.in_flight_max = pick([1, 2, 4, 32, 64], random);
    setup.rules.timeout = pick([s(1), s(3), s(30)], random);
    setup.rules.retry = RetryPolicy::new(u32::try_from(between(2, 6, random)).expect("small"))
        .expect("a good limit");
    setup.rules.wait_max = pick([s(2), s(20), s(120), s(900)], random);
    setup.server.latency = latency(ms(pick([2, 20, 75, 200], random)));
    setup.server.reads = pick(
        [
            Reads::Shown,
            Reads::Shown,
            Reads::Stale,
            Reads::Forbidden,
            Reads::Missing,
        ],
        random,
    );
    let round_trip = setup.server.latency.typical.as_secs_f64() * 1.05;
    let carried = f64::from(setup.rules.in_flight_max) / round_trip;
    let ideal = Duration::from_secs_f64(rows as f64 / per_second.min(carried) + 10.0 * round_trip);
    let from = if chance(0.2, random) {
        Duration::ZERO
    } else {
        random.up_to(ideal.min(s(60)))
    };
    let lasts = pick([s(1), s(3), s(10), s(60), s(300)], random).mul_f64(0.5 + random.share());
    let share = if chance(0.3, random) {
        0.4 + 0.3 * random.share()
    } else {
        1.0
    };
    let with = pick(TROUBLES, random);
    setup.server.troubles = vec![Trouble::Partial {
        from: Moment::after_start(from),
        until: Moment::after_start(from + lasts),
        share,
        with,
    }];
    Drawn {
        setup,
        from,
        lasts,
        with,
        share,
        ideal,
    }
}

/// Whether the answer looks like the API's own about the row: a refusal or a 500 in its shape.
fn speaks_like_the_api(with: Down) -> bool {
    matches!(with, Down::Status(404 | 500, MESSAGE | Body::REFUSED))
}

#[test]
fn rows_do_not_pay_for_the_apis_trouble() {
    for seed in seeds(RUNS) {
        let _names_itself = Seed(seed);
        let Drawn {
            setup,
            from,
            lasts,
            with,
            share,
            ideal,
        } = drawn(&mut Random::seeded(seed));
        let Setup {
            rules,
            customers,
            server,
            ..
        } = &setup;
        let (rows, wait_max, timeout, grace) =
            (customers.len(), rules.wait_max, rules.timeout, rules.grace);
        let attempts = match with {
            Down::Status(200..=501, _) => rules.retry.attempts_max().min(3),
            _ => rules.retry.attempts_max(),
        };
        let what = format!(
            "{with:?} x {share:.2} from {from:?} for {lasts:?}, ideal {ideal:?}, {rows} rows, {rules:?}, {:?}",
            server.reads
        );
        let report = world::run(setup, seed);
        let Report {
            updated,
            unsent,
            lasted,
            ..
        } = report;
        let said = format!(
            "{:?} after {lasted:?}, {:?}: {what}",
            report.stopped, report.answers
        );
        let may_wrong = match with {
            // All rows that are left once the longest wait is over, because the API seems to answer
            // itself.
            Down::Status(404, MESSAGE) if lasts >= wait_max => rows,
            Down::Status(500, Body::REFUSED) if lasts + PROBE_MAX >= wait_max => rows,
            // One or two refusals held together are taken for the rows' own.
            Down::Status(404, MESSAGE) if share < 1.0 => rows,
            Down::Status(404, MESSAGE) => 2,
            // The first ones of a row are no evidence, so there seems to be less trouble than there
            // is.
            Down::NotProcessed | Down::Unanswered if share < 1.0 => 3 + rows / 15,
            // If half of the answers are wrong, all of a row's few attempts may fail.
            _ if share < 1.0 && attempts < 4 => 3 + rows / 100,
            _ => 0,
        };
        assert!(
            report.wronged <= may_wrong,
            "{} wronged, {said}",
            report.wronged
        );
        assert_eq!(updated + unsent + report.wronged, rows, "{said}");
        let may_be_in_doubt = if speaks_like_the_api(with) {
            RECHECK_MAX
        } else {
            Duration::ZERO
        };
        // A control may be due five seconds after the last one.
        let latest = s(6)
            + match &report.stopped {
                None => {
                    from.max(ideal)
                        + lasts
                        + ideal.mul_f64(0.2)
                        + PROBE_MAX
                        + timeout
                        + may_be_in_doubt
                }
                Some(
                    StopReason::Outage { lasted, .. } | StopReason::OnlyRefusals { lasted, .. },
                ) => {
                    assert!(*lasted >= wait_max, "{said}");
                    from + lasts + wait_max + grace + ideal.mul_f64(1.2) + PROBE_MAX
                }
                Some(
                    StopReason::UnexpectedAnswers { .. }
                    | StopReason::Redirected { .. }
                    | StopReason::EveryRowWouldFail { .. }
                    | StopReason::AllNotFound { .. },
                ) => {
                    assert!(updated <= 64, "only the first answers stop at once: {said}");
                    from + ideal + s(10) + timeout
                }
                Some(reason) => panic!("{reason:?}: {said}"),
            };
        assert!(lasted <= latest, "it ends later than {latest:?}: {said}");
    }
}
