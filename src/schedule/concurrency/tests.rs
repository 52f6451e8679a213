//! The limit of requests in flight, round by round.

use super::*;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Simulates rounds in which the limit is reached and every answer takes `took`. Returns the limit.
fn rounds(concurrency: &mut Concurrency, now: &mut Moment, n: u32, took: Duration) -> usize {
    for _ in 0..n {
        let in_flight = concurrency.limit();
        concurrency.sent(in_flight);
        let answers = u32::try_from(in_flight).expect("small").max(ANSWERS_MIN);
        let started = *now;
        for answer in 1..=answers {
            *now = started + took * answer / answers;
            concurrency.succeeded(*now, took);
        }
    }
    concurrency.limit()
}

/// The limit after each of `n` such rounds.
fn each_round(
    concurrency: &mut Concurrency,
    now: &mut Moment,
    n: u32,
    took: Duration,
) -> Vec<usize> {
    (0..n).map(|_| rounds(concurrency, now, 1, took)).collect()
}

/// A limit at its maximum, and the time.
fn settled(limit_max: u16, took: Duration) -> (Concurrency, Moment) {
    let (mut concurrency, mut now) = (Concurrency::up_to(limit_max), Moment::START);
    assert_eq!(
        rounds(&mut concurrency, &mut now, 20, took),
        usize::from(limit_max)
    );
    (concurrency, now)
}

#[test]
fn doubles_a_round_up_to_the_cap() {
    let (mut concurrency, mut now) = (Concurrency::up_to(100), Moment::START);
    assert_eq!(concurrency.limit(), 4);
    assert_eq!(
        each_round(&mut concurrency, &mut now, 6, MS(200)),
        [8, 16, 32, 64, 100, 100]
    );
}

#[test]
fn does_not_grow_where_the_limit_is_not_reached() {
    let mut concurrency = Concurrency::up_to(10);
    for second in 0..10 {
        concurrency.sent(1);
        concurrency.succeeded(Moment::after_start(Duration::from_secs(second)), MS(20));
    }
    assert_eq!(concurrency.limit(), 4);
}

#[test]
fn leaves_slow_start_where_answers_get_slower() {
    let check = |slow: Duration, want: usize| {
        let (mut concurrency, mut now) = (Concurrency::up_to(512), Moment::START);
        assert_eq!(rounds(&mut concurrency, &mut now, 4, MS(75)), 64);
        // They left with at most 64 in flight, and raise the limit further until their round is
        // over.
        let after = rounds(&mut concurrency, &mut now, 1, slow);
        assert!((want..=want + 2).contains(&after), "{slow:?}: {after}");
        let later = rounds(&mut concurrency, &mut now, 2, MS(75));
        assert!(later <= after + 4, "{slow:?}: gently from then on, {later}");
    };
    check(MS(130), 43);
    check(MS(1000), 17);
}

#[test]
fn the_cap_is_no_end_of_slow_start_before_its_answers_have_come() {
    let (mut concurrency, mut now) = (Concurrency::up_to(32), Moment::START);
    assert_eq!(rounds(&mut concurrency, &mut now, 3, MS(75)), 32);
    assert_eq!(rounds(&mut concurrency, &mut now, 1, MS(300)), 8);
}

#[test]
fn first_answers_that_are_slow_for_their_connections_are_not_usual() {
    let (mut concurrency, mut now) = (Concurrency::up_to(64), Moment::START);
    rounds(&mut concurrency, &mut now, 1, MS(200));
    assert_eq!(rounds(&mut concurrency, &mut now, 5, MS(50)), 64);
    assert!(
        rounds(&mut concurrency, &mut now, 2, MS(100)) < 60,
        "it is twice the usual"
    );
}

#[test]
fn above_the_threshold_many_at_once_grow_by_their_part() {
    let (mut concurrency, mut now) = (Concurrency::up_to(1000), Moment::START);
    concurrency.slow_start_threshold = 4.0;
    assert_eq!(rounds(&mut concurrency, &mut now, 28, MS(20)), 32);
    assert_eq!(rounds(&mut concurrency, &mut now, 23, MS(20)), 64);
    assert_eq!(rounds(&mut concurrency, &mut now, 68, MS(20)), 526);
}

#[test]
fn slow_rounds_halve_the_limit_and_are_usual_from_then_on() {
    let (mut concurrency, mut now) = settled(32, MS(20));
    assert_eq!(
        rounds(&mut concurrency, &mut now, SLOW_ROUNDS_MAX, MS(200)),
        15
    );
    assert_eq!(rounds(&mut concurrency, &mut now, 10, MS(200)), 25);
}

#[test]
fn the_usual_round_trip_is_measured_at_half_the_limit() {
    let (mut concurrency, mut now) = settled(32, MS(100));
    rounds(
        &mut concurrency,
        &mut now,
        ROUNDS_BETWEEN_MEASUREMENTS + 1 - 20,
        MS(100),
    );
    assert_eq!(concurrency.limit(), 16);
    rounds(&mut concurrency, &mut now, 3, MS(60));
    assert_eq!(concurrency.limit(), 32);
    assert_eq!(
        rounds(&mut concurrency, &mut now, 2, MS(100)),
        28,
        "it was our own load"
    );
}

#[test]
fn pushback_while_half_the_limit_holds_counts_for_the_half() {
    let (mut concurrency, mut now) = settled(32, MS(100));
    rounds(
        &mut concurrency,
        &mut now,
        ROUNDS_BETWEEN_MEASUREMENTS + 1 - 20,
        MS(100),
    );
    assert_eq!(concurrency.limit(), 16);
    concurrency.pushed_back(now, now + MS(100));
    assert_eq!(
        (concurrency.limit(), concurrency.pushed_back_at),
        (14, Some(16.0))
    );
}

#[test]
fn pushback_in_slow_start_goes_back_to_before_the_last_doubling() {
    let (mut concurrency, mut now) = (Concurrency::up_to(512), Moment::START);
    assert_eq!(rounds(&mut concurrency, &mut now, 5, MS(75)), 128);
    concurrency.pushed_back(now, now + MS(75));
    assert_eq!(concurrency.limit(), 57);
    now = now + MS(75);
    assert_eq!(
        rounds(&mut concurrency, &mut now, 2, MS(75)),
        59,
        "gently from then on"
    );
}

#[test]
fn the_last_pushback_is_crossed_gently() {
    for at in [1.0, 3.3, 6.0, 31.0, 40.0, 100.0, 399.0, 512.0] {
        let mut concurrency = Concurrency::up_to(1000);
        concurrency.pushed_back_at = Some(at);
        concurrency.limit = f64::max(at * DECREASE, 1.0);
        let mut rounds = 0;
        while concurrency.limit < at {
            concurrency.grow();
            rounds += 1;
            let gentle = f64::max(0.25, concurrency.limit / 128.0);
            assert!(
                concurrency.limit <= at + gentle,
                "{at}: {}",
                concurrency.limit
            );
        }
        assert!(rounds <= 9, "{at}: {rounds} rounds");
    }
}

#[test]
fn a_burst_of_pushback_counts_once_a_round() {
    let (mut concurrency, now) = settled(32, MS(100));
    for _ in 0..50 {
        concurrency.pushed_back(now, now + MS(100));
    }
    assert_eq!(concurrency.limit(), 28);
}

#[test]
fn requests_from_before_it_began_again_do_not_lower_the_limit() {
    let (mut concurrency, now) = settled(32, MS(100));
    concurrency.pushed_back(now, now + MS(100));
    concurrency.begin_again(now + MS(100));
    concurrency.pushed_back(now, now + MS(900));
    assert_eq!(
        (concurrency.limit(), concurrency.pushed_back_at),
        (4, Some(32.0))
    );
}

#[test]
fn begins_again_with_four_and_slow_start_leads_back_to_below_the_pushback() {
    let (mut concurrency, mut now) = settled(64, MS(100));
    concurrency.pushed_back(now, now);
    concurrency.begin_again(now);
    assert_eq!(concurrency.limit(), 4);
    now = now + Duration::from_secs(10);
    assert_eq!(
        each_round(&mut concurrency, &mut now, 6, MS(100)),
        [8, 16, 32, 59, 61, 62]
    );
}

#[test]
fn a_long_outage_does_not_make_the_way_back_longer() {
    let (mut concurrency, mut now) = settled(64, MS(100));
    for _ in 0..30 {
        now = now + Duration::from_secs(1);
        concurrency.pushed_back(now, now);
    }
    assert_eq!(concurrency.limit(), 2);
    concurrency.begin_again(now);
    let limits = each_round(&mut concurrency, &mut now, 6, MS(100));
    assert!(limits.last() >= Some(&57), "{limits:?}");
}

#[test]
fn what_is_usual_is_measured_anew_after_a_pause() {
    let (mut concurrency, mut now) = settled(64, MS(20));
    concurrency.begin_again(now);
    assert_eq!(rounds(&mut concurrency, &mut now, 5, MS(200)), 64);
}

#[test]
fn never_below_one() {
    let mut concurrency = Concurrency::up_to(1);
    for second in 0..50 {
        let now = Moment::after_start(Duration::from_secs(second));
        concurrency.pushed_back(now, now);
    }
    assert_eq!(concurrency.limit(), 1);
}

#[test]
fn no_round_trip_is_too_long() {
    let mut concurrency = Concurrency::up_to(8);
    for _ in 0..20 {
        concurrency.sent(8);
        concurrency.succeeded(Moment::after_start(Duration::MAX), Duration::MAX);
    }
}

#[test]
fn names_what_bounds_it() {
    let (mut concurrency, mut now) = (Concurrency::up_to(16), Moment::START);
    assert_eq!(concurrency.bound(), InFlightBound::SlowStart);
    rounds(&mut concurrency, &mut now, 2, MS(75));
    assert_eq!(concurrency.bound(), InFlightBound::Setting);
    concurrency.pushed_back(now, now + MS(75));
    assert_eq!(concurrency.bound(), InFlightBound::Answers);
}

#[test]
fn a_slowdown_of_a_few_milliseconds_is_noise() {
    for (slow, is_noise) in [(MS(6), true), (MS(8), false)] {
        let (mut concurrency, mut now) = settled(32, MS(2));
        let limit = rounds(&mut concurrency, &mut now, 1, slow);
        assert_eq!(limit == 32, is_noise, "{slow:?}: {limit}");
    }
}

#[test]
fn far_from_the_last_pushback_it_grows_by_full_steps() {
    let check = |limit: f64, want: f64| {
        let mut concurrency = Concurrency::up_to(1000);
        concurrency.pushed_back_at = Some(20.0);
        concurrency.limit = limit;
        concurrency.grow();
        assert!(
            (concurrency.limit - want).abs() < 0.001,
            "{limit}: {}",
            concurrency.limit
        );
    };
    check(17.5, 18.5);
    check(18.5, 19.0);
    check(20.5, 20.75);
    check(21.5, 22.5);
}
