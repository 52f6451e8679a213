//! The learned rate by itself, with immediate answers.

use super::*;

fn ms(ms: u64) -> Moment {
    Moment::after_start(Duration::from_millis(ms))
}

fn first(at: Moment) -> Departure {
    Departure {
        at,
        in_flight: 1,
        nth: 1,
        refused_beside_others: 0,
    }
}

/// A run with immediate answers.
struct Run {
    learned: LearnedRate,
    now: Moment,
    refused_by: Vec<RefusedBy>,
}

impl Run {
    fn new(first_per_second: Option<f64>) -> Run {
        Run {
            learned: LearnedRate::new(first_per_second),
            now: Moment::START,
            refused_by: Vec::new(),
        }
    }

    /// Sends as fast as allowed, at most one request each millisecond, until `end`. An answer of
    /// `None` accepts. Returns the number of requests.
    fn until(&mut self, end: Moment, mut answer: impl FnMut(Moment) -> Option<Refused>) -> usize {
        let mut left = 0;
        while self.now < end {
            if let Some(HeldBy::Rate(at) | HeldBy::Shut(Some(at))) = self.learned.held_by(self.now)
            {
                self.now = at.min(end);
                continue;
            }
            let departure = first(self.now);
            self.learned.leaves(departure);
            left += 1;
            self.now = self.now + Duration::from_millis(1);
            self.learned.landed(departure);
            match answer(departure.at) {
                None => self.learned.accepted(departure, self.now),
                Some(how) => self
                    .refused_by
                    .push(self.learned.refused(departure, how, self.now)),
            }
        }
        left
    }
}

/// An API that accepts this many requests a second, like a bucket without a burst.
fn takes(per_second: u64, how: Refused) -> impl FnMut(Moment) -> Option<Refused> {
    let mut next = Moment::START;
    move |at| {
        if at < next {
            return Some(how);
        }
        next = at + Duration::from_secs(1) / u32::try_from(per_second).expect("small");
        None
    }
}

const TOO_MANY: Refused = Refused::TooMany(None);

#[test]
fn it_begins_with_ten_and_doubles_each_second() {
    let mut run = Run::new(Some(FIRST_PER_SECOND));
    let left: Vec<usize> = (1..=4)
        .map(|second| run.until(ms(1000 * second), |_| None))
        .collect();
    for (left, want) in left.iter().zip([10, 20, 40, 80]) {
        assert!(
            (want * 9 / 10..=want * 5 / 4).contains(left),
            "{left} of {want}"
        );
    }
    assert_eq!(run.learned.per_second(), None, "nothing was refused");
}

#[test]
fn nothing_is_held_back_before_the_first_refusal() {
    let mut run = Run::new(None);
    assert_eq!(run.until(ms(1500), |_| None), 1500);
    // The search then starts at what was accepted in the last second, with a single request.
    let departure = first(run.now);
    assert_eq!(
        run.learned.refused(departure, TOO_MANY, run.now),
        RefusedBy::Limit
    );
    let Some(HeldBy::Shut(Some(_))) = run.learned.held_by(run.now) else {
        panic!("{:?}", run.learned.held_by(run.now))
    };
    assert_eq!(
        run.learned.per_second(),
        None,
        "that rate was not refused, but one without bounds"
    );
    let left = run.until(ms(2500), |_| None);
    assert!((900..=1000).contains(&left), "{left}");
}

#[test]
fn after_a_fall_one_request_asks_at_ever_longer_intervals() {
    let mut run = Run::new(Some(FIRST_PER_SECOND));
    run.until(ms(3000), |_| None);
    let mut asked = Vec::new();
    run.until(ms(13_000), |at| {
        asked.push(at);
        Some(TOO_MANY)
    });
    let waits: Vec<Duration> = asked
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    assert!(asked.len() < 20, "{waits:?}");
    let last = &waits[waits.len() - 4..];
    assert!(
        last.windows(2).all(|pair| pair[1] > pair[0].mul_f64(1.4)),
        "{waits:?}"
    );
    let departure = first(run.now);
    run.learned.leaves(departure);
    assert_eq!(
        run.learned.held_by(run.now),
        Some(HeldBy::Shut(None)),
        "one at a time"
    );
}

#[test]
fn a_limit_is_found_and_reported() {
    let mut run = Run::new(Some(FIRST_PER_SECOND));
    run.until(ms(60_000), takes(50, TOO_MANY));
    let learned = run.learned.per_second().expect("a rate");
    assert!((40.0..=52.0).contains(&learned), "{learned}");
}

#[test]
fn a_named_wait_postpones_the_next_step() {
    let rises = |how: Refused| {
        let mut run = Run::new(Some(FIRST_PER_SECOND));
        run.until(ms(20_000), takes(50, TOO_MANY));
        run.until(ms(26_000), |_| None);
        let refused = std::cell::Cell::new(0);
        run.until(ms(28_000), |_| {
            refused.set(refused.get() + 1);
            (refused.get() <= 2).then_some(how)
        });
        let before = run.learned.per_second().expect("a rate");
        run.until(ms(50_000), |_| None);
        run.learned.per_second().expect("a rate") > 1.2 * before
    };
    assert!(rises(TOO_MANY));
    assert!(!rises(Refused::TooMany(Some(Duration::from_secs(2)))));
}

#[test]
fn requests_at_once_are_what_is_limited_where_only_more_are_refused() {
    let mut run = Run::new(None);
    let with = |at: u64, in_flight: usize| Departure {
        in_flight,
        ..first(ms(at))
    };
    for round in 0..200 {
        let at = 1000 + 10 * round;
        for in_flight in 1..=5 {
            run.learned.accepted(with(at, in_flight), ms(at + 5));
        }
        run.learned.refused(with(at, 6), TOO_MANY, ms(at + 5));
    }
    assert_eq!(run.learned.in_flight_max(), Some(5));
}

#[test]
fn a_row_that_is_refused_beside_others_says_nothing() {
    let mut run = Run::new(None);
    run.until(ms(1000), |_| None);
    let row = Departure {
        nth: 4,
        refused_beside_others: 3,
        ..first(run.now)
    };
    assert_eq!(
        run.learned.refused(row, TOO_MANY, run.now),
        RefusedBy::Limit
    );
    assert_eq!(run.learned.held_by(run.now), None);
}

#[test]
fn nothing_but_503_is_an_outage() {
    let mut run = Run::new(None);
    run.until(ms(2000), |_| None);
    run.until(ms(4000), |_| Some(Refused::Unavailable));
    assert!(
        run.refused_by
            .iter()
            .all(|refused_by| *refused_by == RefusedBy::Trouble)
    );
    assert_eq!(run.learned.per_second(), None);
}

#[test]
fn a_503_beside_others_is_first_undecided_and_then_a_limits() {
    let mut run = Run::new(None);
    run.until(ms(30_000), takes(50, Refused::Unavailable));
    let order: Vec<RefusedBy> =
        run.refused_by
            .iter()
            .copied()
            .fold(Vec::new(), |mut order, refused_by| {
                if order.last() != Some(&refused_by) {
                    order.push(refused_by);
                }
                order
            });
    assert_eq!(
        order,
        [RefusedBy::Trouble, RefusedBy::Undecided, RefusedBy::Limit]
    );
    let learned = run.learned.per_second().expect("a rate");
    assert!((40.0..=52.0).contains(&learned), "{learned}");
}

#[test]
fn a_503_is_no_limits_where_the_api_says_429() {
    let mut run = Run::new(None);
    run.until(ms(1000), |_| None);
    run.learned.refused(first(run.now), TOO_MANY, run.now);
    run.until(ms(10_000), takes(50, Refused::Unavailable));
    assert!(
        run.refused_by
            .iter()
            .all(|refused_by| *refused_by == RefusedBy::Trouble)
    );
}

#[test]
fn trouble_that_meets_half_of_the_requests_at_any_rate_is_no_limit() {
    let mut run = Run::new(None);
    let mut n = 0;
    let mut half = |_| {
        n += 1;
        (n % 2 == 0).then_some(Refused::Unavailable)
    };
    run.until(ms(60_000), &mut half);
    assert!(run.refused_by.contains(&RefusedBy::Limit));
    assert_eq!(
        run.refused_by.last(),
        Some(&RefusedBy::Trouble),
        "and it is not taken for one again"
    );
    // Once that is over, the rate rises at once.
    run.until(ms(75_000), |_| None);
    assert!(run.until(ms(76_000), |_| None) > 300, "{:?}", run.learned);
}

#[test]
fn a_limit_of_503s_that_shuts_for_long_is_an_outage() {
    let mut run = Run::new(None);
    run.until(ms(30_000), takes(50, Refused::Unavailable));
    run.refused_by.clear();
    run.until(ms(45_000), |_| Some(Refused::Unavailable));
    assert_eq!(
        (run.refused_by.first(), run.refused_by.last()),
        (Some(&RefusedBy::Limit), Some(&RefusedBy::Trouble))
    );
    run.until(ms(60_000), |_| None);
    run.learned.was_down();
    run.until(ms(65_000), |_| None);
    assert!(
        run.until(ms(66_000), |_| None) > 300,
        "what was learned may have been the outage"
    );
}

#[test]
fn what_was_accepted_in_the_last_second_is_estimated_from_two() {
    let mut recent = Recent::default();
    let check = |recent: &Recent, now: Moment, want: f64| {
        let found = recent.per_second(now);
        assert!((found - want).abs() < 1e-9, "{now:?}: {found}");
    };
    (0..10).for_each(|_| recent.count(ms(500)));
    check(&recent, ms(500), 10.0);
    check(&recent, ms(1250), 7.5);
    (0..4).for_each(|_| recent.count(ms(1300)));
    check(&recent, ms(1750), 6.5);
    check(&recent, ms(2500), 2.0);
    check(&recent, ms(3000), 0.0);
    recent.count(ms(3250));
    check(&recent, ms(3250), 1.0);
}

#[test]
fn while_most_are_refused_and_nothing_is_decided_four_times_what_is_accepted_leaves() {
    let check = |accepted: u64, processes: f64, want_ms: f64| {
        let mut learned = LearnedRate::new(None);
        learned.shared_by(processes, None);
        let mut now = Moment::START;
        let mut answered = |learned: &mut LearnedRate, is_accepted: bool| {
            let departure = first(now);
            learned.leaves(departure);
            if is_accepted {
                learned.accepted(departure, now);
            } else {
                learned.refused(departure, Refused::Unavailable, now);
            }
            now = now + Duration::from_millis(1);
            departure.at
        };
        for _ in 0..3 {
            answered(&mut learned, false);
            answered(&mut learned, true);
        }
        for _ in 3..accepted {
            answered(&mut learned, true);
        }
        let mut last = Moment::START;
        for _ in 3..=accepted {
            last = answered(&mut learned, false);
        }
        let HeldBy::Rate(due) = learned.held_by(last).expect("most are refused") else {
            panic!("nothing is shut")
        };
        let wait_ms = due.since(last).as_secs_f64() * 1000.0;
        assert!(
            (wait_ms - want_ms).abs() < 0.01,
            "{accepted} accepted, {processes} processes: {wait_ms}"
        );
        assert_eq!(learned.held_by(due), None);
    };
    // Twelve a second, or the first rate of all processes together.
    check(3, 1.0, 1000.0 / 12.0);
    check(5, 1.0, 1000.0 / 20.0);
    check(3, 0.5, 1000.0 / 20.0);
    check(3, 2.0, 1000.0 / 12.0);
}

/// The first refusal starts a search at what this process accepted, or at its part in a shared rate.
#[test]
fn the_first_refusal_starts_at_what_is_known() {
    let check = |processes: f64, part: Option<f64>, want: f64| {
        let mut learned = LearnedRate::new(None);
        learned.shared_by(processes, part);
        learned.refused(first(ms(0)), TOO_MANY, ms(0));
        let found = learned.in_use().expect("a search");
        assert!((found - want).abs() < 1e-9, "{processes} {part:?}: {found}");
    };
    check(1.0, None, FIRST_PER_SECOND);
    check(4.0, None, FIRST_PER_SECOND / 4.0);
    check(4.0, Some(3.0), 3.0);
    check(4.0, Some(2.0), FIRST_PER_SECOND / 4.0);
}

#[test]
fn a_limit_that_shuts_for_long_lets_through_what_it_does_between_two_openings() {
    // Returns the rate after a fall, and the one after the API has opened again.
    let rates = |accepted: u64, checks: u64, opens_at: u64| {
        let mut search = Search::new(50.0, Moment::START);
        for nth in 0..accepted {
            let departure = first(ms(3000 * nth / accepted));
            search.leaves(departure);
            search.accepted(departure, 1.0, departure.at);
            search.landed(departure);
        }
        let refused = |search: &mut Search, at: u64| {
            search.leaves(first(ms(at)));
            search.refused(first(ms(at)), Some(Duration::ZERO), 0.0, ms(at));
        };
        refused(&mut search, 3000);
        let fallen = search.per_second();
        (1..=checks).for_each(|nth| refused(&mut search, 3000 + nth));
        let departure = first(ms(opens_at));
        search.leaves(departure);
        search.accepted(departure, 1.0, departure.at);
        (fallen, search.per_second())
    };
    let check = |accepted: u64, checks: u64, opens_at: u64, want: Option<f64>| {
        let (fallen, opened) = rates(accepted, checks, opens_at);
        let want = want.unwrap_or(fallen);
        assert!(
            (opened - want).abs() < 1e-9,
            "{accepted} accepted, {checks} checks, {opens_at} ms: {opened} after {fallen}"
        );
    };
    // It was shut for a quarter of the time.
    check(30, 2, 4000, Some(31.0 / 4.0));
    check(19, 2, 3800, Some(20.0 / 3.8));
    check(18, 2, 3800, None);
    check(30, 1, 4000, None);
    // A fifth of the time is not long.
    check(30, 2, 3750, None);
    check(30, 2, 3751, Some(31.0 / 3.751));
    // It falls to a tenth at most.
    let (fallen, opened) = rates(30, 2, 60_000);
    assert!((opened - fallen / 10.0).abs() < 1e-9, "{opened}");
}
