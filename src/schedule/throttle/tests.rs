//! Tests of the throttle.

mod members;

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use super::*;
use crate::contract::{RateWindow, Reset};
use crate::schedule::rate::{LimitedRate, RateUnit};

fn throttle_of(rate: Rate) -> Throttle {
    Throttle::new(rate, RateSharing::Alone)
}

fn limited(requests: u32, unit: RateUnit) -> Throttle {
    throttle_of(Rate::Limited(
        LimitedRate::new(requests, unit).expect("a good rate"),
    ))
}

/// Takes permits as early as possible, and returns the times.
fn permits(throttle: &mut Throttle, n: usize, start: Moment) -> Vec<Moment> {
    let mut now = start;
    let mut taken = Vec::new();
    while taken.len() < n {
        match throttle.acquire(now, 0, None) {
            Ok(()) => taken.push(now),
            Err(
                ThrottledBy::Pause(at)
                | ThrottledBy::Rate(at)
                | ThrottledBy::LearnedRate(at)
                | ThrottledBy::Exhausted(at)
                | ThrottledBy::Window(Some(at))
                | ThrottledBy::Shut(Some(at)),
            ) => now = at,
            Err(
                ThrottledBy::Window(None)
                | ThrottledBy::Shut(None)
                | ThrottledBy::SharedRate(_)
                | ThrottledBy::NoRateStore(_),
            ) => {
                panic!("no answer will come")
            }
        }
    }
    taken
}

#[test]
fn a_rate_has_no_burst() {
    let mut throttle = limited(50, RateUnit::Second);
    let taken = permits(&mut throttle, 101, Moment::START);
    for (index, at) in (0_u32..).zip(&taken) {
        assert_eq!(at.since_start(), Duration::from_millis(20) * index);
    }
    // Unused time does not add up.
    let later = Moment::after_start(Duration::from_mins(1));
    let taken = permits(&mut throttle, 2, later);
    assert_eq!(taken, [later, later + Duration::from_millis(20)]);
}

#[test]
fn a_high_rate_keeps_up_with_timers_of_a_millisecond() {
    let mut throttle = limited(5000, RateUnit::Second);
    let mut sent = 0;
    for ms in 0..1000 {
        while throttle
            .acquire(Moment::after_start(Duration::from_millis(ms)), 0, None)
            .is_ok()
        {
            sent += 1;
        }
    }
    assert!((4990..=5025).contains(&sent), "{sent}");
}

#[test]
fn a_quick_window_is_used_up_in_spite_of_late_timers() {
    const LATE: Duration = Duration::from_micros(1_500);
    let response = shows_a_minute(60_000);
    let mut throttle = throttle_of(Rate::Unlimited);
    let start = Moment::START;
    throttle.learn(&response, start, start, &mut Random::seeded(1));
    let end = start + Duration::from_secs(10);
    let (mut now, mut sent) = (start, 0);
    while now < end {
        match throttle.acquire(now, sent, None) {
            Ok(()) => sent += 1,
            Err(ThrottledBy::Window(Some(at))) => now = at + LATE,
            held_back => panic!("{held_back:?}"),
        }
    }
    assert!((9_800..=10_200).contains(&sent), "{sent}");
}

#[test]
fn a_pause_holds_all_requests_and_does_not_add_up() {
    let mut throttle = throttle_of(Rate::Unlimited);
    let mut random = Random::seeded(1);
    let longer: Vec<Duration> = (0..64)
        .map(|_| throttle.pause(Duration::from_secs(10), Moment::START, &mut random))
        .collect();
    let wait: Duration = longer.iter().sum();
    assert!(
        (Duration::from_secs(10)..=Duration::from_secs(11)).contains(&wait),
        "{wait:?}"
    );
    assert!(
        longer.contains(&Duration::ZERO),
        "the pause is as long as the longest of them"
    );
    assert_eq!(
        throttle.acquire(Moment::START, 0, None),
        Err(ThrottledBy::Pause(Moment::START + wait))
    );
    assert_eq!(throttle.acquire(Moment::START + wait, 0, None), Ok(()));
}

#[test]
fn waits_in_vain_add_up_until_a_request_is_let_through() {
    let mut throttle = throttle_of(Rate::Unlimited);
    let s = Duration::from_secs;
    assert_eq!(throttle.refused_for(s(7), Moment::START), s(7));
    assert_eq!(
        throttle.refused_for(s(7), Moment::after_start(s(10))),
        s(17)
    );
    throttle.accepted(
        Departure {
            at: Moment::START,
            in_flight: 1,
            nth: 1,
            refused_beside_others: 0,
        },
        Moment::START,
    );
    assert_eq!(throttle.refused_for(s(7), Moment::after_start(s(20))), s(7));
}

#[test]
fn a_window_that_lets_nothing_through_is_not_pacing() {
    let check = |remaining: u64, reset_s: u64, want: Result<(), ThrottledBy>| {
        let mut throttle = throttle_of(Rate::Unlimited);
        assert_eq!(throttle.acquire(Moment::START, 0, None), Ok(()));
        let reset = Some(Reset::After(Duration::from_secs(reset_s)));
        let window = Some(RateWindow {
            limit: None,
            remaining,
            reset,
        });
        let response = Response {
            window,
            ..Response::default()
        };
        throttle.learn(
            &response,
            Moment::START,
            Moment::START,
            &mut Random::seeded(1),
        );
        assert_eq!(
            throttle.acquire(Moment::START, 0, Some(5000)),
            want,
            "{remaining} left for {reset_s} s"
        );
    };
    let after = |s| Moment::after_start(Duration::from_secs(s));
    check(0, 60, Err(ThrottledBy::Exhausted(after(60))));
    check(0, 86_400, Err(ThrottledBy::Exhausted(after(86_400))));
    check(6, 60, Err(ThrottledBy::Window(Some(after(10)))));
    check(95, 86_400, Ok(()));
}

#[test]
fn no_named_wait_panics() {
    let mut throttle = throttle_of(Rate::Unlimited);
    let mut random = Random::seeded(1);
    for wait in [
        Duration::from_nanos(1),
        Duration::from_secs(u64::MAX),
        Duration::MAX,
    ] {
        throttle.refused_for(wait, Moment::START);
        throttle.quota_refused(Moment::START + wait, Moment::START);
        throttle.pause(wait, Moment::START, &mut random);
        assert!(throttle.acquire(Moment::START, 0, None).is_err());
    }
}

#[test]
fn auto_is_modest_until_the_headers_lead() {
    let mut throttle = throttle_of(Rate::Auto);
    let taken = permits(&mut throttle, 21, Moment::START);
    assert_eq!(
        taken.last().map(|at| at.since_start()),
        Some(Duration::from_secs(1))
    );
    let response = shows_a_minute(60_000);
    let start = Moment::START;
    let mut throttle = throttle_of(Rate::Auto);
    throttle.learn(&response, start, start, &mut Random::seeded(1));
    for departure in permits(&mut throttle, 21, start).into_iter().map(first) {
        throttle.leaves(departure);
        assert!(departure.at.since_start() <= Duration::from_millis(25));
    }
}

#[test]
fn a_rate_of_the_users_holds_whatever_the_headers_allow() {
    let own = Rate::Limited(LimitedRate::new(2, RateUnit::Second).expect("a good rate"));
    let taken = permits(&mut led(own, RateSharing::Alone), 3, Moment::START);
    let want = [0, 500, 1000].map(|ms| Moment::after_start(Duration::from_millis(ms)));
    assert_eq!(taken, want);
}

#[test]
fn a_request_is_held_back_by_the_learned_rate_or_by_the_one_to_start_with() {
    let held_by = |mut throttle: Throttle| {
        assert_eq!(throttle.acquire(Moment::START, 0, None), Ok(()));
        throttle.leaves(first(Moment::START));
        throttle.acquire(Moment::START, 1, None)
    };
    let next = Moment::after_start(Duration::from_millis(100));
    assert_eq!(
        held_by(throttle_of(Rate::Auto)),
        Err(ThrottledBy::Rate(next))
    );
    let mut learned = throttle_of(Rate::Unlimited);
    learned.learned.lower_to(10.0, Moment::START);
    assert_eq!(held_by(learned), Err(ThrottledBy::LearnedRate(next)));
}

#[test]
fn the_pace_of_a_window_that_headers_name_is_known() {
    let start = Moment::START;
    let pace = led(Rate::Unlimited, RateSharing::Alone).window_pace(start);
    assert_eq!(pace.map(|pace| pace.left), Some(600));
    assert_eq!(throttle_of(Rate::Unlimited).window_pace(start), None);
}

#[test]
fn a_rate_that_a_503_lowered_climbs_again_after_an_outage() {
    let mut throttle = throttle_of(Rate::Unlimited);
    let wait = Wait {
        named: None,
        window: Exhausted::No,
        reason: WaitReason::Unavailable,
    };
    let mut limit = LimitMet::None;
    // Every fifth request is refused, for ten seconds.
    for nth in 0_u64..1000 {
        let at = Moment::after_start(Duration::from_millis(10 * nth));
        throttle.leaves(first(at));
        if nth % 5 == 0 {
            limit = throttle.refused(first(at), wait, at);
        } else {
            throttle.accepted(first(at), at);
        }
        throttle.landed(first(at));
    }
    assert_eq!(limit, LimitMet::Learned);
    assert!(throttle.learned_rate().is_some());
    throttle.was_down();
    assert_eq!(throttle.learned_rate(), None);
}

#[test]
fn processes_without_a_store_have_a_part_each_of_what_headers_allow() {
    let check =
        |rate: Rate, window: Option<RateWindow>, seconds: u64, want: RangeInclusive<usize>| {
            let four = NonZeroU32::new(4).expect("not zero");
            let mut throttle = Throttle::new(rate, RateSharing::Processes(four));
            let response = Response {
                status: 200,
                window,
                ..Response::default()
            };
            throttle.learn(
                &response,
                Moment::START,
                Moment::START,
                &mut Random::seeded(1),
            );
            let (mut now, mut sent) = (Moment::START, 0);
            let end = Moment::after_start(Duration::from_secs(seconds));
            while now < end {
                match throttle.acquire(now, 0, None) {
                    Ok(()) => sent += 1,
                    Err(ThrottledBy::Window(Some(at)) | ThrottledBy::Rate(at)) => now = at,
                    Err(ThrottledBy::LearnedRate(_) | ThrottledBy::Exhausted(_)) => break,
                    held_back => panic!("{held_back:?}"),
                }
            }
            assert!(want.contains(&sent), "{rate}: {sent} sent, not {want:?}");
        };
    // The answer still says that 600 are left, so each minute's part is spread anew.
    let window = RateWindow {
        limit: Some(600),
        remaining: 600,
        reset: Some(Reset::After(Duration::from_mins(1))),
    };
    check(Rate::Unlimited, Some(window), 1, 2..=4);
    check(Rate::Auto, Some(window), 1, 2..=4);
    check(Rate::Auto, None, 4, 9..=21);
    // A rate of the user's is this process's own.
    let own = LimitedRate::new(10, RateUnit::Second).expect("a good rate");
    check(Rate::Limited(own), None, 2, 20..=20);
}

/// An answer whose headers show a new window of a minute with so many requests.
fn shows_a_minute(requests: u64) -> Response {
    let window = RateWindow {
        limit: Some(requests),
        remaining: requests,
        reset: Some(Reset::After(Duration::from_mins(1))),
    };
    Response {
        status: 200,
        window: Some(window),
        ..Response::default()
    }
}

/// A throttle that has seen a window of 600 requests a minute.
fn led(rate: Rate, sharing: RateSharing) -> Throttle {
    let mut throttle = Throttle::new(rate, sharing);
    let response = shows_a_minute(600);
    let start = Moment::START;
    throttle.learn(&response, start, start, &mut Random::seeded(1));
    throttle
}

fn first(at: Moment) -> Departure {
    Departure {
        at,
        in_flight: 1,
        nth: 1,
        refused_beside_others: 0,
    }
}

#[test]
fn the_limit_per_second_is_the_lowest_that_is_known() {
    let check = |throttle: &Throttle, want: Option<f64>| {
        let found = throttle.per_second();
        let difference = found.unwrap_or_default() - want.unwrap_or_default();
        assert!(
            found.is_some() == want.is_some() && difference.abs() < 1e-9,
            "{found:?}, not {want:?}"
        );
    };
    let four = RateSharing::Processes(NonZeroU32::new(4).expect("not zero"));
    check(&throttle_of(Rate::Unlimited), None);
    check(&throttle_of(Rate::Auto), Some(20.0));
    check(&Throttle::new(Rate::Auto, four.clone()), Some(5.0));
    check(&led(Rate::Auto, RateSharing::Alone), None);
    check(&led(Rate::Auto, four), None);
    check(&limited(120, RateUnit::Minute), Some(2.0));
    let own = Rate::Limited(LimitedRate::new(50, RateUnit::Second).expect("a good rate"));
    check(&led(own, RateSharing::Alone), Some(50.0));
}

#[test]
fn a_learned_rate_limits_only_where_it_is_lower_than_our_own() {
    for (own, is_lower) in [(1, false), (10, false), (100, true)] {
        let mut throttle = limited(own, RateUnit::Second);
        throttle.learned.lower_to(10.0, Moment::START);
        let limit = is_lower.then_some(10.0);
        assert_eq!(throttle.learned_rate(), limit, "{own}");
        let lower = limit.unwrap_or(f64::from(own));
        assert_eq!(throttle.per_second(), Some(lower));
    }
}

#[test]
fn a_refusal_meets_the_window_if_the_api_names_one_and_else_a_limit_that_is_learned() {
    use WaitReason::{Overload, Quota};
    let check = |has_window: bool, reason: WaitReason, named_s: Option<u64>, want: LimitMet| {
        for (window, want) in [(Exhausted::No, want), (Exhausted::Yes, LimitMet::Window)] {
            let mut throttle = if has_window {
                led(Rate::Unlimited, RateSharing::Alone)
            } else {
                throttle_of(Rate::Unlimited)
            };
            let wait = Wait {
                named: named_s.map(Duration::from_secs),
                window,
                reason,
            };
            let found = throttle.refused(first(Moment::START), wait, Moment::START);
            assert_eq!(found, want, "{wait:?}, window: {has_window}");
        }
    };
    check(false, Quota, None, LimitMet::Learned);
    check(false, Quota, Some(1), LimitMet::Learned);
    check(true, Quota, Some(1), LimitMet::Window);
    check(true, Quota, Some(0), LimitMet::Window);
    check(true, Quota, None, LimitMet::Learned);
    check(true, Overload, Some(1), LimitMet::Learned);
    check(true, Overload, None, LimitMet::Learned);
    // A single 503 without a wait is trouble, whatever the window says.
    let mut throttle = throttle_of(Rate::Unlimited);
    let wait = Wait {
        named: None,
        window: Exhausted::Yes,
        reason: WaitReason::Unavailable,
    };
    let found = throttle.refused(first(Moment::START), wait, Moment::START);
    assert_eq!(found, LimitMet::None);
}

#[test]
fn a_wait_of_zero_is_none_for_the_learned_rate() {
    let rate_after = |named_s: Option<u64>| {
        let mut throttle = throttle_of(Rate::Unlimited);
        throttle.learned.lower_to(100.0, Moment::START);
        let wait = Wait {
            named: named_s.map(Duration::from_secs),
            window: Exhausted::No,
            reason: WaitReason::Quota,
        };
        let at = Moment::after_start(Duration::from_secs(1));
        throttle.leaves(first(at));
        throttle.refused(first(at), wait, at);
        throttle.learned.in_use()
    };
    // One refusal among many is no limit, unless it names a wait.
    assert_eq!(rate_after(None), Some(100.0));
    assert_eq!(rate_after(Some(0)), Some(100.0));
    assert!(rate_after(Some(1)) < Some(100.0));
}

#[test]
fn processes_without_a_store_share_the_first_rate_of_auto() {
    let first_rate = |processes: u32| {
        let sharing = RateSharing::Processes(NonZeroU32::new(processes).expect("not zero"));
        Throttle::new(Rate::Auto, sharing).learned.in_use()
    };
    assert_eq!(first_rate(1), Some(FIRST_PER_SECOND));
    assert_eq!(first_rate(4), Some(FIRST_PER_SECOND / 4.0));
}

#[test]
fn a_learned_number_in_flight_is_the_throttles() {
    let mut throttle = throttle_of(Rate::Auto);
    assert_eq!(throttle.in_flight_max(), None);
    let at = |ms: u64| Moment::after_start(Duration::from_millis(ms));
    let wait = Wait {
        named: None,
        window: Exhausted::No,
        reason: WaitReason::Quota,
    };
    for ms in 0..4 {
        throttle.accepted(first(at(ms)), at(ms));
    }
    let third = Departure {
        in_flight: 3,
        ..first(at(5))
    };
    throttle.refused(third, wait, at(5));
    assert_eq!(throttle.in_flight_max(), Some(2));
}
