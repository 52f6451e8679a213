//! The permission of the API's window, for ordinary servers and absurd ones.

mod ends;

use proptest::prelude::*;

use super::*;

fn learn(window: &mut Window, seen: RateWindow, sent: Moment, received: Moment) {
    window.learn(
        seen,
        &ServerClock::default(),
        sent,
        received,
        &mut Random::seeded(1),
    );
}

fn ms(ms: u64) -> Moment {
    Moment::after_start(Duration::from_millis(ms))
}

fn named(remaining: u64, reset_ms: u64) -> RateWindow {
    RateWindow {
        limit: Some(60),
        remaining,
        reset: Some(Reset::After(Duration::from_millis(reset_ms))),
    }
}

/// Whether a request may leave.
fn lets_leave(allowance: Allowance) -> bool {
    matches!(allowance, Allowance::Open | Allowance::OpenSince(_))
}

#[test]
fn what_remains_is_spread_evenly() {
    let mut window = Window::default();
    assert_eq!(window.allowance(ms(0), None, 4, None, 1), Allowance::Open);
    learn(&mut window, named(10, 10_000), ms(0), ms(0));
    assert_eq!(
        window.allowance(ms(0), Some(ms(0)), 0, None, 1),
        Allowance::NotBefore(ms(1000))
    );
    assert_eq!(
        window.allowance(ms(0), Some(ms(0)), 5, None, 1),
        Allowance::NotBefore(ms(2000)),
        "in flight counts as spent"
    );
    assert_eq!(
        window.allowance(ms(1002), Some(ms(0)), 0, None, 1),
        Allowance::OpenSince(ms(1000))
    );
}

#[test]
fn an_empty_window_waits_for_its_end_and_then_asks_with_one_request() {
    let mut window = Window::default();
    learn(&mut window, named(0, 500), ms(0), ms(0));
    assert_eq!(
        window.allowance(ms(100), Some(ms(0)), 0, None, 1),
        Allowance::Exhausted(ms(500))
    );
    assert_eq!(
        window.allowance(ms(500), Some(ms(0)), 0, None, 1),
        Allowance::Open
    );
    assert_eq!(
        window.allowance(ms(501), Some(ms(500)), 1, None, 1),
        Allowance::NotBeforeAnswer
    );
    learn(&mut window, named(59, 1000), ms(500), ms(510));
    let spread = window.allowance(ms(600), Some(ms(500)), 0, None, 1);
    assert!(lets_leave(spread), "{spread:?}");
}

#[test]
fn two_refusals_of_one_window_show_no_length() {
    let mut window = Window::default();
    window.refused(ms(60_000), ms(10));
    window.refused(ms(60_900), ms(20));
    assert_eq!(window.learned_length, None);
    window.refused(ms(120_000), ms(70_000));
    assert_eq!(window.learned_length, Some(Duration::from_millis(59_100)));
}

#[test]
fn answers_that_overtake_each_other_are_no_new_window() {
    let mut window = Window::default();
    let seen = |remaining| RateWindow {
        limit: Some(60),
        remaining,
        reset: None,
    };
    learn(&mut window, seen(59), ms(0), ms(100));
    learn(&mut window, seen(1), ms(150), ms(200));
    learn(&mut window, seen(30), ms(120), ms(210));
    assert_eq!(
        window.allowance(ms(210), Some(ms(150)), 1, None, 1),
        Allowance::NotBeforeAnswer
    );
    learn(&mut window, seen(30), ms(200), ms(300));
    assert_eq!(
        window.allowance(ms(300), Some(ms(200)), 1, None, 1),
        Allowance::Open,
        "it left when one was left"
    );
}

#[test]
fn without_a_named_end_it_lives_with_the_remainder() {
    let mut window = Window::default();
    let seen = |remaining| RateWindow {
        limit: Some(60),
        remaining,
        reset: None,
    };
    learn(&mut window, seen(2), ms(0), ms(10));
    assert_eq!(
        window.allowance(ms(10), Some(ms(0)), 1, None, 1),
        Allowance::Open
    );
    assert_eq!(
        window.allowance(ms(10), Some(ms(0)), 2, None, 1),
        Allowance::NotBeforeAnswer
    );
    learn(&mut window, seen(0), ms(20), ms(30));
    let asks = window.allowance(ms(30), Some(ms(20)), 0, None, 1);
    assert!(
        matches!(asks, Allowance::NotBefore(at) if at >= ms(1030)),
        "{asks:?}"
    );
    assert_eq!(
        window.allowance(ms(1200), Some(ms(20)), 0, None, 1),
        Allowance::Open,
        "one request asks for the end"
    );
    assert_eq!(
        window.allowance(ms(1200), Some(ms(1200)), 1, None, 1),
        Allowance::NotBeforeAnswer
    );
    window.refused(ms(60_000), ms(30));
    learn(&mut window, seen(59), ms(60_000), ms(60_010));
    learn(&mut window, seen(0), ms(61_000), ms(61_010));
    window.refused(ms(120_000), ms(62_000));
    learn(&mut window, seen(59), ms(120_000), ms(120_010));
    let gap = Duration::from_mins(1).div_f64(59.0);
    match window.allowance(ms(120_010), Some(ms(120_000)), 0, None, 1) {
        Allowance::NotBefore(at) => {
            let off = at.since(ms(120_000)).as_secs_f64() - gap.as_secs_f64();
            assert!(
                off.abs() < 0.1,
                "spread over the window that was learned, {at:?}"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_fits_is_not_spread() {
    let check = |remaining: u64,
                 reset_s: u64,
                 in_flight: usize,
                 rows_left: Option<u64>,
                 is_open: bool| {
        let mut window = Window::default();
        learn(&mut window, named(remaining, reset_s * 1000), ms(0), ms(0));
        let allowance = window.allowance(ms(0), Some(ms(0)), in_flight, rows_left, 1);
        assert_eq!(
            lets_leave(allowance),
            is_open,
            "{remaining} left for {reset_s} s, {in_flight} in flight, {rows_left:?} rows: {allowance:?}"
        );
    };
    check(10, 60, 0, Some(10), true);
    check(10, 60, 0, Some(11), false);
    check(10, 60, 0, None, false);
    check(10, 60, 5, Some(5), true);
    check(10, 60, 5, Some(6), false);
    check(10, 600, 0, None, false);
    check(10, 601, 0, None, true);
    check(1, 86_400, 0, Some(5000), true);
    check(1, 86_400, 1, Some(5000), false);
    check(0, 86_400, 0, Some(0), false);
}

#[test]
fn a_day_without_anything_left_is_exhausted_until_its_end() {
    let mut window = Window::default();
    learn(&mut window, named(0, 86_400_000), ms(0), ms(10));
    for in_flight in [0, 3] {
        assert_eq!(
            window.allowance(ms(10), None, in_flight, Some(5), 1),
            Allowance::Exhausted(ms(86_400_010))
        );
    }
}

#[test]
fn without_anything_left_and_without_an_end_it_asks_ever_more_seldom() {
    for reset in [
        None,
        Some(Reset::AtUnix(1_800_000_000)),
        Some(Reset::After(Duration::ZERO)),
    ] {
        let seen = |remaining| RateWindow {
            limit: Some(60),
            remaining,
            reset,
        };
        let mut window = Window::default();
        let mut random = Random::seeded(1);
        // Every request is let through. Two were in flight when the first answer came.
        let mut answer = |window: &mut Window, remaining, sent, received| {
            window.learn(
                seen(remaining),
                &ServerClock::default(),
                sent,
                received,
                &mut random,
            );
        };
        answer(&mut window, 0, ms(0), ms(10));
        answer(&mut window, 0, ms(0), ms(12));
        let (mut now, mut sends) = (ms(12), Vec::new());
        while now < ms(200_000) {
            match window.allowance(now, sends.last().copied(), 0, Some(1000), 1) {
                Allowance::Open | Allowance::OpenSince(_) => {
                    sends.push(now);
                    answer(&mut window, 0, now, now + Duration::from_millis(1));
                    now = now + Duration::from_millis(1);
                }
                Allowance::NotBefore(at) => now = at,
                other @ (Allowance::Exhausted(_) | Allowance::NotBeforeAnswer) => {
                    panic!("{other:?}")
                }
            }
        }
        let gaps: Vec<u64> = sends
            .windows(2)
            .map(|pair| pair[1].since(pair[0]).as_secs())
            .collect();
        assert!(
            sends[0] >= ms(1000) && sends[0] < ms(1200),
            "{reset:?}: {sends:?}"
        );
        for (gap, at_least) in gaps.iter().zip([2, 4, 8, 16, 32, 60, 60]) {
            assert!(
                (at_least..=at_least * 11 / 10).contains(gap),
                "{reset:?}: {gaps:?}"
            );
        }
        answer(&mut window, 1, now, now);
        answer(&mut window, 0, now, now);
        assert!(
            matches!(window.allowance(now, Some(now), 0, None, 1), Allowance::NotBefore(at) if at.since(now) < CHECK_FIRST * 2),
            "something was left in between"
        );
    }
}

/// Ordinary numbers, and numbers at the edges of what fits.
fn number() -> impl Strategy<Value = u64> {
    let edge = i64::MAX.cast_unsigned();
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        Just(edge),
        Just(edge / 4),
        Just(edge / 1_000_000),
        0..100_u64,
        1_700_000_000..1_900_000_000_u64,
        any::<u64>(),
    ]
}

fn rate_window() -> impl Strategy<Value = RateWindow> {
    let reset = prop_oneof![
        Just(None),
        number().prop_map(|s| Some(Reset::AtUnix(s))),
        number().prop_map(|s| Some(Reset::After(Duration::from_secs(s)))),
    ];
    (proptest::option::of(number()), number(), reset).prop_map(|(limit, remaining, reset)| {
        RateWindow {
            limit,
            remaining,
            reset,
        }
    })
}

#[derive(Debug, Clone)]
enum Event {
    Answer(RateWindow, Option<u64>, u64),
    Refusal(u64, u64),
    Asked(usize, Option<u64>),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (rate_window(), proptest::option::of(number()), number())
            .prop_map(|(w, date, took)| Event::Answer(w, date, took)),
        (number(), number()).prop_map(|(wait, took)| Event::Refusal(wait, took)),
        (0..3_usize, proptest::option::of(number()))
            .prop_map(|(flying, rows)| Event::Asked(flying, rows)),
    ]
}

#[test]
fn a_window_that_never_ends_is_spread_all_the_same() {
    let (mut window, end) = (Window::default(), Moment::after_start(Duration::MAX));
    let started = end - Duration::from_mins(1);
    let reset = Some(Reset::After(Duration::MAX));
    learn(
        &mut window,
        RateWindow {
            limit: None,
            remaining: 1,
            reset,
        },
        started,
        started,
    );
    assert_eq!(
        window.allowance(started, Some(Moment::START), 0, None, 1),
        Allowance::NotBefore(end)
    );
}

#[test]
fn round_trips_of_any_length_are_averaged() {
    let mut window = Window::default();
    let end = Moment::after_start(Duration::MAX);
    for _ in 0..3 {
        learn(&mut window, named(5, 60_000), Moment::START, end);
    }
    assert!(matches!(
        window.allowance(end, Some(end), 0, None, 1),
        Allowance::Open
    ));
}

proptest! {
    #[test]
    fn no_server_makes_it_panic(events in proptest::collection::vec((number(), event()), 1..12)) {
        let (mut window, mut clock) = (Window::default(), ServerClock::default());
        let mut random = Random::seeded(1);
        let (mut now, mut last_sent) = (Moment::START, None);
        for (later_s, event) in events {
            now = now + Duration::from_secs(later_s);
            match event {
                Event::Answer(seen, date, took_s) => {
                    let sent = now - Duration::from_secs(took_s);
                    if let Some(date) = date {
                        clock.learn(date, sent, now);
                    }
                    window.learn(seen, &clock, sent, now, &mut random);
                }
                Event::Refusal(wait_s, took_s) => {
                    window.refused(now + Duration::from_secs(wait_s), now - Duration::from_secs(took_s));
                }
                Event::Asked(in_flight, rows_left) => {
                    if lets_leave(window.allowance(now, last_sent, in_flight, rows_left, 1)) {
                        last_sent = Some(now);
                    }
                }
            }
        }
    }

    #[test]
    fn no_wait_is_longer_than_to_the_named_end(
        seen in rate_window(),
        date in proptest::option::of(number()),
        late_refusals in 0..6_u32,
        (took_ms, later_ms, in_flight) in (0..60_000_u64, 0..100_000_u64, 0..3_usize),
        last_sent in proptest::option::of(0..60_000_u64),
    ) {
        let (mut window, mut clock) = (Window::default(), ServerClock::default());
        let mut random = Random::seeded(1);
        for _ in 0..late_refusals {
            window.learn(named(0, 0), &clock, ms(0), ms(0), &mut random);
            window.refused(ms(1000), ms(900));
        }
        let (sent, received) = (ms(60_000), ms(60_000 + took_ms));
        if let Some(date) = date {
            clock.learn(date, sent, received);
        }
        window.learned_end = None;
        window.learn(seen, &clock, sent, received, &mut random);
        let named_end = match seen.reset {
            None => None,
            Some(Reset::After(wait)) => Some(received + wait),
            Some(Reset::AtUnix(unix_s)) => clock.moments_of(unix_s).map(|(_, latest)| latest),
        };
        let longest_check = received + CHECK_MAX + CHECK_MAX / 10;
        let now = received + Duration::from_millis(later_ms);
        match window.allowance(now, last_sent.map(ms), in_flight, None, 1) {
            Allowance::Open | Allowance::OpenSince(_) | Allowance::NotBeforeAnswer => {}
            Allowance::NotBefore(at) if seen.remaining == 0 => prop_assert!(at <= longest_check, "{at:?}"),
            Allowance::NotBefore(at) | Allowance::Exhausted(at) => {
                let end = named_end.expect("no end is named");
                prop_assert!(at <= end + LATE_MAX, "{at:?}, the end is {end:?}");
            }
        }
    }
}
