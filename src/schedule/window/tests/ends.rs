//! Ends of windows: those that answers name, and those that refusals show.

use super::*;

/// An answer that nothing remains, without a limit and an end.
fn unnamed() -> RateWindow {
    RateWindow {
        limit: None,
        remaining: 0,
        reset: None,
    }
}

fn length(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn an_answer_from_before_the_windows_start_says_nothing_about_it() {
    let mut window = Window::default();
    learn(&mut window, named(5, 500), ms(0), ms(10));
    learn(&mut window, named(60, 1000), ms(600), ms(610));
    // It left before the request whose answer began this window, and rises.
    learn(&mut window, named(61, 9000), ms(599), ms(1700));
    assert_eq!(window.started(), Some(ms(600)));
    learn(&mut window, named(61, 9000), ms(600), ms(1700));
    assert_eq!(window.started(), Some(ms(600)));
    learn(&mut window, named(62, 9000), ms(601), ms(20_000));
    assert_eq!(window.started(), Some(ms(601)), "its end is over");
}

#[test]
fn the_newest_named_end_and_limit_count() {
    let mut window = Window::default();
    learn(&mut window, named(9, 1000), ms(0), ms(0));
    learn(&mut window, named(9, 2000), ms(10), ms(20));
    learn(&mut window, unnamed(), ms(30), ms(40));
    assert_eq!(
        window.allowance(ms(40), Some(ms(30)), 0, None, 1),
        Allowance::Exhausted(ms(2020))
    );
    assert_eq!(window.pace(ms(40)).map(|pace| pace.requests), Some(60));
}

#[test]
fn a_refusal_after_the_named_end_makes_windows_end_later() {
    let late_after = |refusals: &[u64]| {
        let mut window = Window::default();
        for sent in refusals {
            learn(&mut window, named(0, 1000), ms(0), ms(0));
            window.refused(ms(10_000), ms(*sent));
        }
        window.late
    };
    assert_eq!(late_after(&[999]), Duration::ZERO);
    assert_eq!(late_after(&[1000]), length(500));
    assert_eq!(
        late_after(&[1000, 1499]),
        length(500),
        "it was not over yet, as is known by now"
    );
    assert_eq!(late_after(&[1000, 1500]), length(1000));
    assert_eq!(late_after(&[5000; 9]), LATE_MAX);
}

#[test]
fn a_refusal_shows_the_windows_own_end_if_it_is_ahead_and_the_wait_is_longer() {
    let check = |sent: u64, renewed_at: u64, want: u64| {
        let mut window = Window::default();
        learn(&mut window, named(0, 1000), ms(0), ms(0));
        window.refused(ms(renewed_at), ms(sent));
        assert_eq!(window.learned_end, Some(ms(want)), "{sent} {renewed_at}");
    };
    check(500, 1900, 1000);
    check(500, 900, 900);
    check(1000, 1900, 1900);
    check(1500, 1900, 1900);
}

#[test]
fn windows_are_at_least_a_second_and_a_half_apart() {
    let mut window = Window::default();
    window.refused(ms(10_000), ms(0));
    window.refused(ms(11_499), ms(0));
    assert_eq!(window.learned_length, None);
    window.refused(ms(12_999), ms(0));
    assert_eq!(window.learned_length, Some(length(1500)));
}

#[test]
fn a_learned_end_is_the_end_of_a_window_whose_answers_name_none() {
    let mut window = Window::default();
    window.refused(ms(5000), ms(0));
    learn(&mut window, unnamed(), ms(4999), ms(4999));
    assert_eq!(
        window.allowance(ms(4999), None, 0, None, 1),
        Allowance::Exhausted(ms(5000))
    );
}

#[test]
fn a_check_that_is_in_flight_is_answered_first() {
    let mut window = Window::default();
    let seen = RateWindow {
        limit: Some(60),
        remaining: 0,
        reset: None,
    };
    learn(&mut window, seen, ms(0), ms(0));
    let at = match window.allowance(ms(0), None, 0, None, 1) {
        Allowance::NotBefore(at) => at,
        allowance => panic!("{allowance:?}"),
    };
    assert_eq!(
        window.allowance(ms(0), None, 1, None, 1),
        Allowance::NotBeforeAnswer
    );
    assert_eq!(window.allowance(at, None, 0, None, 1), Allowance::Open);
    assert_eq!(
        window.allowance(at, None, 1, None, 1),
        Allowance::NotBeforeAnswer
    );
}

#[test]
fn a_pace_needs_a_limit_an_end_and_a_length() {
    let pace_of = |limit: Option<u64>, reset: Option<Reset>, now: u64| {
        let mut window = Window::default();
        let seen = RateWindow {
            limit,
            remaining: 5,
            reset,
        };
        learn(&mut window, seen, ms(0), ms(0));
        let pace = window.pace(ms(now));
        pace.map(|pace| (pace.requests, pace.length, pace.left, pace.renewed_in))
    };
    let after = |wait: u64| Some(Reset::After(length(wait)));
    let whole = length(1000);
    assert_eq!(
        pace_of(Some(60), after(1000), 400),
        Some((60, whole, 5, length(600)))
    );
    assert_eq!(
        pace_of(Some(60), after(1000), 1000),
        Some((60, whole, 60, Duration::ZERO)),
        "the next window is whole"
    );
    assert_eq!(pace_of(Some(0), after(1000), 400), None);
    assert_eq!(pace_of(None, after(1000), 400), None);
    assert_eq!(pace_of(Some(60), after(0), 0), None);
    assert_eq!(pace_of(Some(60), None, 400), None);
}

#[test]
fn others_are_told_of_a_window_whose_end_is_ahead() {
    let seen_by_others = |remaining: u64, reset: Option<Reset>, now: u64| {
        let mut window = Window::default();
        let seen = RateWindow {
            limit: Some(60),
            remaining,
            reset,
        };
        learn(&mut window, seen, ms(0), ms(0));
        window.seen(ms(now))
    };
    let after = |seconds: u64| Some(Reset::After(Duration::from_secs(seconds)));
    let seen = seen_by_others(5, after(60), 400).expect("a window");
    assert_eq!(seen.remaining, 5);
    assert_eq!(
        (seen.ends_in_us, seen.spend_in_us),
        (59_600_000, 59_600_000)
    );
    assert_eq!(
        (seen.age_us, seen.late_us, seen.is_spread),
        (400_000, 0, true)
    );
    assert_eq!(seen_by_others(5, after(60), 60_000), None);
    assert_eq!(seen_by_others(5, None, 400), None);
    assert_eq!(seen_by_others(0, None, 400), None, "a check comes first");
    let spread = |seconds: u64| {
        let seen = seen_by_others(5, after(seconds), 0);
        seen.map(|seen| seen.is_spread)
    };
    assert_eq!((spread(600), spread(601)), (Some(true), Some(false)));
}

#[test]
fn what_is_left_for_one_of_several_processes_may_be_a_part_of_a_request() {
    let of = |remaining: u64, in_flight: usize, reset: Option<Reset>| {
        let mut window = Window::default();
        let seen = RateWindow {
            limit: Some(60),
            remaining,
            reset,
        };
        learn(&mut window, seen, ms(0), ms(0));
        window.allowance(ms(0), Some(ms(0)), in_flight, None, 4)
    };
    let named = Some(Reset::After(length(1000)));
    // With a named end it waits for that, unless an answer may show more.
    assert_eq!(of(3, 0, named), Allowance::Exhausted(ms(1000)));
    assert_eq!(of(3, 1, named), Allowance::NotBeforeAnswer);
    assert_eq!(of(0, 0, named), Allowance::Exhausted(ms(1000)));
    assert_eq!(of(0, 1, named), Allowance::Exhausted(ms(1000)));
    // Without one, a single request asks.
    assert_eq!(of(3, 0, None), Allowance::Open);
    assert_eq!(of(3, 1, None), Allowance::NotBeforeAnswer);
    assert_eq!(of(4, 0, None), Allowance::Open);
}

#[test]
fn the_first_round_trip_counts_as_it_is_and_later_ones_by_an_eighth() {
    let mut window = Window::default();
    learn(&mut window, named(9, 1000), ms(0), ms(80));
    assert_eq!(window.round_trip, length(80));
    learn(&mut window, named(9, 1000), ms(100), ms(260));
    assert_eq!(window.round_trip, length(90));
}
