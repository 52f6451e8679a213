//! Runs against an API with limits: rates, windows, pauses and slowness.

use std::ops::RangeInclusive;

use super::quota::{FixedWindow, Headers, Quota, SlidingWindow, TokenBucket};
use super::server::{Down, Latency, Shape, Trouble};
use super::world::{self, Report, Setup};
use super::{
    all_updated, answers, at, each_seed, latency, mean_in_flight, ms, own_customers, s, well,
};
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::{Moment, Random, RetryPolicy, StopReason};

/// Rows a second from the first request to the end.
fn per_second(report: &Report) -> f64 {
    report.updated as f64 / report.lasted.as_secs_f64()
}

fn limited(per_second: u32) -> Rate {
    Rate::Limited(LimitedRate::new(per_second, RateUnit::Second).expect("a good rate"))
}

fn fixed(limit: u64, length_s: u64, headers: Headers) -> Quota {
    Quota::Fixed(FixedWindow::new(limit, length_s, headers))
}

#[test]
fn the_users_rate_is_used_and_never_exceeded() {
    let setup = |random: &mut Random| {
        let mut setup = well(200, random);
        setup.rules.rate = limited(50);
        setup.server.troubles = vec![Trouble::Random(0.1, Down::api(500))];
        setup
    };
    each_seed(100, setup, |report| {
        // The last rows may have to wait for a control, which is sent every five seconds at most.
        let longest = if report.reads == 0 { s(7) } else { s(7 + 5) };
        assert!(
            report.lasted < longest,
            "{:?} {:?}",
            report.lasted,
            (report.sends.len(), &report.answers)
        );
    });
}

#[test]
fn auto_is_modest_where_no_header_names_a_limit() {
    let setup = |random: &mut Random| {
        let mut setup = well(100, random);
        setup.rules.rate = Rate::Auto;
        setup
    };
    each_seed(100, setup, |report| {
        all_updated(&report, 100);
        let gaps = report.sends.windows(2).map(|pair| pair[1].since(pair[0]));
        assert!(gaps.min() >= Some(ms(50)));
        assert!(report.lasted < s(6), "{:?}", report.lasted);
    });
}

/// A window of any length with complete headers.
fn window(length_s: u64) -> impl Fn(&mut Random) -> Setup {
    move |random| {
        let mut setup = well(120, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = fixed(30, length_s, Headers::All);
        setup
    }
}

#[test]
fn a_window_is_used_and_not_run_into() {
    for length_s in [1, 2, 10, 60] {
        each_seed(100, window(length_s), |report| {
            all_updated(&report, 120);
            assert_eq!(answers(&report, 429), 0);
            // Four windows' worth takes at most five windows, the first of which may start at its
            // end.
            assert!(
                report.lasted <= s(length_s * 5),
                "{:?} in windows of {length_s} s",
                report.lasted
            );
        });
    }
}

#[test]
fn short_windows_are_used_up_too() {
    let setup = |random: &mut Random| {
        let mut setup = well(1200, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = fixed(50, 1, Headers::All);
        setup
    };
    each_seed(20, setup, |report| {
        all_updated(&report, 1200);
        let Quota::Fixed(window) = &report.server.quota else {
            panic!("the quota is a fixed window")
        };
        assert!(window.used_part(10) >= 0.99, "{}", window.used_part(10));
        assert_eq!(answers(&report, 429), 0);
    });
}

#[test]
fn clocks_that_differ_and_drift_do_no_harm() {
    let setup = |random: &mut Random| {
        let mut setup = window(10)(random);
        setup.customers = own_customers(400);
        setup.server.clock.drift_ppm = 100;
        setup
    };
    each_seed(50, setup, |report| {
        all_updated(&report, 400);
        assert_eq!(answers(&report, 429), 0);
        assert!(report.lasted <= s(145), "{:?}", report.lasted);
    });
}

#[test]
fn a_window_that_is_renewed_late_is_learned() {
    let setup = |random: &mut Random| {
        let mut setup = well(900, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = Quota::Fixed(FixedWindow::new(30, 10, Headers::All).late_by(ms(700)));
        setup
    };
    each_seed(20, setup, |report| {
        all_updated(&report, 900);
        assert!(answers(&report, 429) <= 4, "{:?}", report.answers);
        assert!(report.lasted <= s(330), "{:?}", report.lasted);
    });
}

#[test]
fn others_may_use_the_same_quota() {
    let setup = |random: &mut Random| {
        let mut setup = window(10)(random);
        setup.server.quota =
            Quota::Fixed(FixedWindow::new(60, 10, Headers::All).shared_with_others(0.5));
        setup
    };
    each_seed(100, setup, |report| {
        all_updated(&report, 120);
        assert!(answers(&report, 429) <= 10, "{:?}", report.answers);
        assert!(report.lasted <= s(60), "{:?}", report.lasted);
    });
}

#[test]
fn a_window_without_named_ends_is_learned_from_refusals() {
    let setup = |random: &mut Random| {
        let mut setup = well(1200, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = fixed(60, 10, Headers::ResetOn429);
        setup
    };
    each_seed(25, setup, |report| {
        all_updated(&report, 1200);
        // Two windows show their length, with a few refusals each. None of the other eighteen is
        // exceeded.
        assert!(answers(&report, 429) <= 10, "{:?}", report.answers);
        assert!(report.lasted <= s(245), "{:?}", report.lasted);
    });
}

/// Rows at ten a second to an API with a quota of 1,000 a day, of which `left` are left for the
/// next hours.
fn of_a_day(left: u64, rows: u64) -> impl Fn(&mut Random) -> Setup {
    move |random| {
        let mut setup = well(rows, random);
        setup.rules.rate = limited(10);
        setup.server.clock.at_start = s(86_400 * 20_000 + 3600) + random.up_to(s(3600));
        setup.server.quota =
            Quota::Fixed(FixedWindow::new(1000, 86_400, Headers::All).used_before(1000 - left));
        setup.ends_within = s(10 * 86_400);
        setup
    }
}

#[test]
fn what_fits_into_the_quota_of_a_day_is_sent_at_the_users_rate() {
    for (left, rows) in [(95, 40), (95, 95), (900, 40), (900, 900)] {
        each_seed(5, of_a_day(left, rows), |report| {
            all_updated(&report, rows as usize);
            assert_eq!(answers(&report, 429), 0);
            assert!(
                report.lasted < ms(rows * 100) + s(2),
                "{:?} for {rows} of {left}",
                report.lasted
            );
        });
    }
}

#[test]
fn the_last_rows_are_not_spread_over_a_window_that_they_fit_into() {
    let setup = |random: &mut Random| {
        let mut setup = well(30, random);
        setup.server.clock.at_start = s(1_800_000_000) + random.up_to(s(5));
        setup.server.quota = fixed(60, 60, Headers::All);
        setup
    };
    each_seed(20, setup, |report| {
        all_updated(&report, 30);
        assert!(report.lasted < s(2), "{:?}", report.lasted);
    });
}

#[test]
fn the_rest_of_a_day_is_used_up_at_the_users_rate_and_then_nothing_is_sent() {
    each_seed(5, of_a_day(95, 3000), |report| {
        let of_the_day: Vec<Moment> = report
            .sends
            .iter()
            .copied()
            .filter(|sent| *sent < at(20 * 3600))
            .collect();
        assert_eq!(of_the_day.len(), 95);
        assert!(of_the_day.last() < Some(&at(12)), "{of_the_day:?}");
        assert_eq!(answers(&report, 429), 0);
    });
}

#[test]
fn a_quota_without_headers_is_met_by_its_refusals() {
    let setup = |random: &mut Random| {
        let mut setup = well(300, random);
        setup.server.quota = fixed(60, 10, Headers::RetryAfter);
        setup
    };
    each_seed(100, setup, |report| {
        all_updated(&report, 300);
        // Each refusal of a window costs no more than what is in flight.
        assert!(answers(&report, 429) <= 5 * 32, "{:?}", report.answers);
        assert!(report.lasted <= s(75), "{:?}", report.lasted);
    });
}

#[test]
fn sliding_windows_and_buckets_are_lived_with() {
    let setup = |random: &mut Random| {
        let mut setup = well(300, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = if random.share() < 0.5 {
            Quota::Sliding(SlidingWindow::new(50, s(5)))
        } else {
            Quota::Bucket(TokenBucket::new(50.0, 10.0))
        };
        setup
    };
    each_seed(200, setup, |report| {
        all_updated(&report, 300);
        assert!(answers(&report, 429) <= 30, "{:?}", report.answers);
        assert!(
            report.lasted <= s(75),
            "{:?} {:?}",
            report.lasted,
            report.answers
        );
    });
}

/// Rows to an API of this shape, with a limit of requests in flight. The mean in flight from some
/// time on is in a range, and the rate is at least this.
fn settles(
    shape: Shape,
    rows: u64,
    in_flight_max: u16,
    from: Moment,
    mean_wanted: RangeInclusive<f64>,
    per_second_min: f64,
) {
    let setup = |random: &mut Random| {
        let mut setup = well(rows, random);
        setup.rules.in_flight_max = in_flight_max;
        setup.server.latency = Latency {
            shape,
            ..latency(ms(75))
        };
        setup
    };
    each_seed(5, setup, |report| {
        all_updated(&report, rows as usize);
        let mean = mean_in_flight(&report, from, Moment::after_start(report.lasted));
        assert!(mean_wanted.contains(&mean), "{shape:?}: {mean} in flight");
        assert!(
            per_second(&report) >= per_second_min,
            "{shape:?}: {} a second",
            per_second(&report)
        );
    });
}

#[test]
fn concurrency_settles_at_what_the_api_bears() {
    // A knee at eight requests at once, and a link that takes a request each 10 ms, so seven or
    // eight in 75 ms.
    for shape in [Shape::Knee(8), Shape::SlowLink(ms(10))] {
        settles(shape, 2_000, 32, at(2), 6.0..=18.0, 90.0);
    }
    settles(Shape::Knee(100), 20_000, 512, at(8), 80.0..=180.0, 900.0);
}

#[test]
fn concurrency_grows_to_the_cap_where_the_api_bears_it() {
    let setup = |random: &mut Random| well(3000, random);
    each_seed(5, setup, |report| {
        all_updated(&report, 3000);
        let mean = mean_in_flight(&report, at(3), at(7));
        assert!(mean >= 30.0, "{mean} in flight");
    });
}

#[test]
fn a_named_pause_holds_all_rows_and_costs_no_attempt() {
    let setup = |random: &mut Random| {
        let mut setup = well(200, random);
        setup.rules.retry = RetryPolicy::new(1).expect("a good limit");
        let status = [429, 503, 529][(random.next_u64() % 3) as usize];
        setup.server.troubles = vec![Trouble::Busy(0.03, status, Some(random.next_u64() % 8))];
        setup
    };
    each_seed(300, setup, |report| all_updated(&report, 200));
}

#[test]
fn pauses_end_at_different_times() {
    // The API is down for the first seconds and names the end. The first request after it is
    // measured.
    let mut waits = Vec::new();
    for seed in 0..50 {
        let mut setup = well(1, &mut Random::seeded(seed));
        setup.server.clock.at_start = s(1_800_000_000);
        setup.server.quota = fixed(0, 100, Headers::RetryAfter);
        setup.rules.wait_max = s(150);
        let report = world::run(setup, seed);
        waits.push(report.sends[1].since_start());
    }
    let (first, last) = (
        waits.iter().min().expect("fifty"),
        waits.iter().max().expect("fifty"),
    );
    assert!(
        *first >= s(100) && *first < s(102) && *last > s(108) && *last < s(111),
        "{first:?} to {last:?}"
    );
}

#[test]
fn an_api_that_lets_nothing_through_ends_the_run() {
    for (status, wait) in [
        (429, Some(0)),
        (429, Some(1)),
        (429, None),
        (503, Some(20)),
        (529, None),
    ] {
        let setup = |random: &mut Random| {
            let mut setup = well(50, random);
            setup.server.troubles = vec![Trouble::Busy(1.0, status, wait)];
            setup
        };
        each_seed(5, setup, |report| {
            assert!(
                matches!(report.stopped, Some(StopReason::WaitTooLong { .. })),
                "{:?}",
                report.stopped
            );
            assert_eq!((report.unsent, report.failed), (50, 0));
            assert!(report.lasted <= s(17 * 60));
            // At most four in flight each second of the wait.
            assert!(report.sends.len() <= 4 * 15 * 60, "{}", report.sends.len());
        });
    }
}
