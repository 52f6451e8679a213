//! How many requests may be in flight: as many as the API answers without getting slower.
//!
//! Additive increase, multiplicative decrease on the round trips of successes, after the adaptive request concurrency of
//! Vector (its RFC 1858). A round is about a round trip: at most one change a round.
//!
//! What differs is what counts as slow. Vector compares with a moving average, and so did this file at first; in simulation
//! an API that gets slower with each request beyond eight at once was taken up to the cap of 32, one unremarkable step after
//! the other. So the usual round trip is now what was measured *at half the limit*, where our own load is no reason.

use std::time::Duration;

use super::Moment;

/// Where a run starts.
const LIMIT_FIRST: f64 = 4.0;
/// What is left of the limit after slowdown or pushback.
const DECREASE: f64 = 0.9;
/// The increase in a round.
const INCREASE: f64 = 1.0;
/// The part of a limit above 32 by which it grows in a round. By one a round, 512 at once would take a minute and a half to get
/// to where answers take 200 ms.
const INCREASE_OF_MANY: f64 = 1.0 / 32.0;
/// The increase close to where the API last pushed back. In simulation an API that takes five requests at once refused one
/// in five with the increase of other rounds, more than the retry budget bears, and one in twelve with this one.
const INCREASE_NEAR_PUSHBACK: f64 = 0.25;
/// A round that is quicker than usual takes the usual this part of the way down.
const QUICKER_WEIGHT: f64 = 0.2;
/// After so many slow rounds in a row the limit is halved, and what is slow then is not so for our load.
const SLOW_ROUNDS_MAX: u32 = 7;
/// A round has at least so many answers, since fewer have no mean worth the name.
const ANSWERS_MIN: u32 = 4;
/// After so many rounds the usual round trip is measured anew, at half the limit.
const ROUNDS_BETWEEN_MEASUREMENTS: u32 = 200;
/// Slower than usual by this factor is slowdown.
const SLOWDOWN: f64 = 1.5;
/// Differences below this are the noise of machines and networks, however quick the API is.
const NOISE: Duration = Duration::from_millis(5);

/// The limit of requests in flight.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: f64,
    limit_max: f64,
    /// The limit at which the API last pushed back.
    pushed_back_at: Option<f64>,
    /// The usual round trip in seconds.
    usual_s: Option<f64>,
    slow_rounds: u32,
    phase: Phase,
    round: Round,
}

/// Whether the usual round trip is being measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not for so many rounds.
    Ordinary(u32),
    /// Half the limit holds, and there are still answers from before.
    Draining,
    /// Half the limit holds.
    Measuring,
}

#[derive(Debug, Default)]
struct Round {
    ends_at: Moment,
    answers: u32,
    sum_s: f64,
    reached: Reached,
    pushback: Pushback,
}

/// Whether the limit was reached in a round: only then is there a reason to raise it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Yes,
    #[default]
    No,
}

/// Whether the API pushed back in a round.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Pushback {
    Yes,
    #[default]
    No,
}

impl Concurrency {
    pub(super) fn up_to(limit_max: u16) -> Concurrency {
        let limit_max = f64::from(limit_max.max(1));
        Concurrency {
            limit: LIMIT_FIRST.min(limit_max),
            limit_max,
            pushed_back_at: None,
            usual_s: None,
            slow_rounds: 0,
            phase: Phase::Ordinary(0),
            round: Round::default(),
        }
    }

    /// Requests that may be in flight now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the limit is between 1 and 65,535")]
    pub(super) fn limit(&self) -> usize {
        match self.phase {
            Phase::Ordinary(_) => self.limit as usize,
            Phase::Draining | Phase::Measuring => (self.limit / 2.0).max(1.0) as usize,
        }
    }

    /// A request was sent, with it `in_flight` are.
    pub(super) fn sent(&mut self, in_flight: usize) {
        if in_flight >= self.limit() {
            self.round.reached = Reached::Yes;
        }
    }

    /// An update was answered with success after `took`.
    pub(super) fn succeeded(&mut self, now: Moment, took: Duration) {
        self.round.answers += 1;
        self.round.sum_s += took.as_secs_f64();
        self.end_round(now);
    }

    /// The API refused or failed for load.
    pub(super) fn pushed_back(&mut self, now: Moment) {
        self.round.pushback = Pushback::Yes;
        self.end_round(now);
    }

    /// After an outage or a pause: begin again gently.
    pub(super) fn begin_again(&mut self) {
        self.limit = self.limit.min(LIMIT_FIRST);
    }

    fn end_round(&mut self, now: Moment) {
        let is_over = now >= self.round.ends_at;
        if !is_over || (self.round.answers < ANSWERS_MIN && self.round.pushback == Pushback::No) {
            return;
        }
        let round = std::mem::take(&mut self.round);
        let mean_s = (round.answers > 0).then(|| round.sum_s / f64::from(round.answers));
        if round.pushback == Pushback::Yes {
            self.pushed_back_at = Some(self.limit);
            self.limit = (self.limit * DECREASE).max(1.0);
        } else if let Some(mean_s) = mean_s {
            self.adjust(mean_s, round.reached);
        }
        self.round.ends_at = now + Duration::from_secs_f64(mean_s.or(self.usual_s).unwrap_or(0.0));
    }

    fn adjust(&mut self, mean_s: f64, reached: Reached) {
        let usual_s = *self.usual_s.get_or_insert(mean_s);
        match self.phase {
            Phase::Draining => self.phase = Phase::Measuring,
            Phase::Measuring => self.measured(mean_s),
            Phase::Ordinary(ROUNDS_BETWEEN_MEASUREMENTS..) => self.phase = Phase::Draining,
            Phase::Ordinary(rounds) => {
                self.phase = Phase::Ordinary(rounds + 1);
                if mean_s > usual_s * SLOWDOWN && mean_s > usual_s + NOISE.as_secs_f64() {
                    return self.slow(mean_s);
                }
                self.slow_rounds = 0;
                self.usual_s = Some(usual_s + (mean_s - usual_s).min(0.0) * QUICKER_WEIGHT);
                if reached == Reached::Yes {
                    self.limit = (self.limit + self.increase()).min(self.limit_max);
                }
            }
        }
    }

    fn slow(&mut self, mean_s: f64) {
        self.limit = (self.limit * DECREASE).max(1.0);
        self.slow_rounds += 1;
        if self.slow_rounds >= SLOW_ROUNDS_MAX {
            self.measured(mean_s);
        }
    }

    /// What the round trip is at half the limit is the usual one.
    fn measured(&mut self, mean_s: f64) {
        self.usual_s = Some(mean_s);
        self.slow_rounds = 0;
        self.phase = Phase::Ordinary(0);
    }

    fn increase(&self) -> f64 {
        let is_near = self.pushed_back_at.is_some_and(|at| (at - INCREASE..at + INCREASE).contains(&self.limit));
        if is_near { INCREASE_NEAR_PUSHBACK } else { INCREASE.max(self.limit * INCREASE_OF_MANY) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds in which the limit is reached and every answer takes this long; the limit after them.
    fn rounds(concurrency: &mut Concurrency, now: &mut Moment, n: u32, took: Duration) -> usize {
        for _ in 0..n {
            concurrency.sent(concurrency.limit());
            *now = *now + took;
            for _ in 0..ANSWERS_MIN {
                concurrency.succeeded(*now, took);
            }
        }
        concurrency.limit()
    }

    #[test]
    fn grows_by_one_a_round_up_to_the_cap() {
        let (mut concurrency, mut now) = (Concurrency::up_to(10), Moment::START);
        assert_eq!(concurrency.limit(), 4);
        assert_eq!(rounds(&mut concurrency, &mut now, 3, Duration::from_millis(20)), 7);
        assert_eq!(rounds(&mut concurrency, &mut now, 10, Duration::from_millis(20)), 10);
    }

    #[test]
    fn many_at_once_grow_by_their_part() {
        let (mut concurrency, mut now) = (Concurrency::up_to(1000), Moment::START);
        assert_eq!(rounds(&mut concurrency, &mut now, 28, Duration::from_millis(20)), 32);
        assert_eq!(rounds(&mut concurrency, &mut now, 23, Duration::from_millis(20)), 64);
        assert_eq!(rounds(&mut concurrency, &mut now, 68, Duration::from_millis(20)), 526);
    }

    #[test]
    fn does_not_grow_where_the_limit_is_not_reached() {
        let mut concurrency = Concurrency::up_to(10);
        for second in 0..10 {
            concurrency.sent(1);
            concurrency.succeeded(Moment::after_start(Duration::from_secs(second)), Duration::from_millis(20));
        }
        assert_eq!(concurrency.limit(), 4);
    }

    #[test]
    fn slow_rounds_halve_the_limit_and_are_usual_from_then_on() {
        let (mut concurrency, mut now) = (Concurrency::up_to(32), Moment::START);
        rounds(&mut concurrency, &mut now, 40, Duration::from_millis(20));
        assert_eq!(rounds(&mut concurrency, &mut now, SLOW_ROUNDS_MAX, Duration::from_millis(200)), 15);
        assert_eq!(rounds(&mut concurrency, &mut now, 10, Duration::from_millis(200)), 25);
    }

    #[test]
    fn the_usual_round_trip_is_measured_at_half_the_limit() {
        let (mut concurrency, mut now) = (Concurrency::up_to(32), Moment::START);
        rounds(&mut concurrency, &mut now, ROUNDS_BETWEEN_MEASUREMENTS + 1, Duration::from_millis(100));
        assert_eq!(concurrency.limit(), 16);
        rounds(&mut concurrency, &mut now, 3, Duration::from_millis(60));
        assert_eq!(concurrency.limit(), 32);
        assert_eq!(rounds(&mut concurrency, &mut now, 2, Duration::from_millis(100)), 28, "it was our own load");
    }

    #[test]
    fn close_to_the_last_pushback_it_grows_gently() {
        let (mut concurrency, mut now) = (Concurrency::up_to(32), Moment::START);
        rounds(&mut concurrency, &mut now, 2, Duration::from_millis(100));
        now = now + Duration::from_secs(1);
        concurrency.pushed_back(now);
        let limits: Vec<_> =
            (0..7).map(|_| rounds(&mut concurrency, &mut now, 1, Duration::from_millis(100))).collect();
        assert_eq!(limits, [5, 5, 6, 6, 6, 6, 7], "from 5.4 by quarters past 6");
    }

    #[test]
    fn a_burst_of_pushback_counts_once_a_round() {
        let (mut concurrency, mut now) = (Concurrency::up_to(32), Moment::START);
        rounds(&mut concurrency, &mut now, 20, Duration::from_millis(100));
        let before = concurrency.limit();
        for _ in 0..50 {
            concurrency.pushed_back(now);
        }
        assert!(concurrency.limit() >= before - 3, "{} after {before}", concurrency.limit());
    }

    #[test]
    fn never_below_one() {
        let mut concurrency = Concurrency::up_to(1);
        for second in 0..50 {
            concurrency.pushed_back(Moment::after_start(Duration::from_secs(second)));
        }
        assert_eq!(concurrency.limit(), 1);
    }
}
