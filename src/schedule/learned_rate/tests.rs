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
