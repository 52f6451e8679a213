//! How many requests may be in flight: as many as the API answers without getting slower.
//!
//! Additive increase, multiplicative decrease on the round trips of successes, after the adaptive request concurrency of
//! Vector (its RFC 1858), and TCP's slow start (RFC 5681) in front of it. A round is about a round trip: at most one change a
//! round, but for slow start, which grows with each answer.
//!
//! What differs is what counts as slow. Vector compares with a moving average, which follows an API that gets a little slower
//! with each step up. Here the usual round trip is what was measured with few requests in flight, where our own load is no
//! reason: with the first four, and later from time to time at half the limit.

use std::time::Duration;

use super::Moment;

/// Where a run starts, and where it begins again after an outage or a pause.
const LIMIT_FIRST: f64 = 4.0;
/// What is left of the limit after slowdown or pushback.
const DECREASE: f64 = 0.9;
/// What is left of it at least where slow start ends by slowdown.
const DECREASE_MAX: f64 = 0.5;
/// The increase in a round, above the slow-start threshold.
const INCREASE: f64 = 1.0;
/// The part of a limit above 32 by which it grows in a round: many at once would take minutes by one a round.
const INCREASE_OF_MANY: f64 = 1.0 / 32.0;
/// The increase close to where the API last pushed back. Each step across costs refusals, and the retry budget bears few.
const INCREASE_NEAR_PUSHBACK: f64 = 0.25;
/// The same as a part of the limit, where that is more.
const INCREASE_OF_MANY_NEAR_PUSHBACK: f64 = 1.0 / 128.0;
/// A round that is quicker than usual takes the usual this part of the way down.
const QUICKER_WEIGHT: f64 = 0.2;
/// After this many slow rounds the limit has about halved; latency that is still high is the API's own and becomes the usual.
const SLOW_ROUNDS_MAX: u32 = 7;
/// The fewest answers in a round: fewer have no useful mean.
const ANSWERS_MIN: u32 = 4;
/// After this many rounds the usual round trip is measured anew, at half the limit.
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
    /// Below it the limit doubles in a round trip.
    slow_start_threshold: f64,
    /// Rounds that have ended since slow start last raised the limit.
    rounds_since_slow_start: u32,
    /// The limit in force when the API last pushed back.
    pushed_back_at: Option<f64>,
    /// The limit in force at the first pushback after the last success.
    refused_from: Option<f64>,
    /// When slow start last ended or the limit was last set back to the first one, which lowers the limit by more than a step.
    /// Answers to earlier requests tell of the load before it.
    lowered_at: Moment,
    /// The usual round trip in seconds.
    usual_s: Option<f64>,
    slow_rounds: u32,
    phase: Phase,
    round: Round,
    /// Whether the limit was reached in the round before.
    reached_before: Reached,
    /// The time of the last answer.
    seen: Moment,
}

/// Whether the usual round trip is being measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not for this many rounds.
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

/// Whether slow start was under way when the limit was lowered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlowStart {
    Left,
    WasOver,
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
            slow_start_threshold: limit_max,
            rounds_since_slow_start: 2,
            pushed_back_at: None,
            refused_from: None,
            lowered_at: Moment::START,
            usual_s: None,
            slow_rounds: 0,
            phase: Phase::Ordinary(0),
            round: Round::default(),
            reached_before: Reached::No,
            seen: Moment::START,
        }
    }

    /// Requests that may be in flight now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the limit is between 1 and 65,535")]
    pub(super) fn limit(&self) -> usize {
        self.in_force() as usize
    }

    /// Counts a request that was sent; with it `in_flight` are.
    pub(super) fn sent(&mut self, in_flight: usize) {
        if in_flight >= self.limit() {
            self.round.reached = Reached::Yes;
        }
    }

    /// Counts an update that was answered with success after `took`.
    pub(super) fn succeeded(&mut self, now: Moment, took: Duration) {
        self.seen = now;
        if now - took >= self.lowered_at {
            self.refused_from = None;
            self.round.answers += 1;
            self.round.sum_s += took.as_secs_f64();
            self.slow_start();
        }
        self.end_round(now);
    }

    /// Counts a request sent at `sent` that the API refused or failed for load.
    pub(super) fn pushed_back(&mut self, sent: Moment, now: Moment) {
        self.seen = now;
        if sent >= self.lowered_at {
            self.round.pushback = Pushback::Yes;
        }
        self.end_round(now);
    }

    /// Begins again gently, after an outage or a pause: with few, of which the usual round trip is measured anew, since what
    /// comes back may not be what went down. Slow start leads back up to below where the API first refused.
    pub(super) fn begin_again(&mut self) {
        if self.round.pushback == Pushback::Yes {
            self.lower_for_pushback();
        }
        if let Some(from) = self.refused_from {
            self.pushed_back_at = Some(from);
            self.slow_start_threshold = (from * DECREASE).max(1.0);
        }
        self.limit = self.limit.min(LIMIT_FIRST);
        self.lowered_at = self.seen;
        self.usual_s = None;
        self.slow_rounds = 0;
        self.phase = Phase::Ordinary(0);
        self.round = Round::default();
    }

    fn in_force(&self) -> f64 {
        match self.phase {
            Phase::Ordinary(_) => self.limit,
            Phase::Draining | Phase::Measuring => (self.limit / 2.0).max(1.0),
        }
    }

    /// The limit in force when the requests left that are answered now: in slow start the half.
    fn in_force_a_round_ago(&self) -> f64 {
        if self.has_just_doubled() { (self.limit / 2.0).max(1.0) } else { self.in_force() }
    }

    /// Whether slow start raised the limit in this round or the one before.
    fn has_just_doubled(&self) -> bool {
        self.rounds_since_slow_start < 2
    }

    fn leave_slow_start(&mut self) -> SlowStart {
        if !self.has_just_doubled() {
            return SlowStart::WasOver;
        }
        self.rounds_since_slow_start = 2;
        self.lowered_at = self.seen;
        SlowStart::Left
    }

    fn is_in_slow_start(&self) -> bool {
        self.limit < self.slow_start_threshold && matches!(self.phase, Phase::Ordinary(_))
    }

    /// Raises the limit by one for each answer, which doubles it in a round trip.
    fn slow_start(&mut self) {
        let was_reached = self.round.reached == Reached::Yes || self.reached_before == Reached::Yes;
        if was_reached && self.round.pushback == Pushback::No && self.is_in_slow_start() {
            self.limit = (self.limit + 1.0).min(self.slow_start_threshold);
            self.rounds_since_slow_start = 0;
        }
    }

    fn end_round(&mut self, now: Moment) {
        let is_over = now >= self.round.ends_at;
        if !is_over || (self.round.answers < ANSWERS_MIN && self.round.pushback == Pushback::No) {
            return;
        }
        let round = std::mem::take(&mut self.round);
        let mean_s = (round.answers > 0).then(|| round.sum_s / f64::from(round.answers));
        if round.pushback == Pushback::Yes {
            self.lower_for_pushback();
        } else if let Some(mean_s) = mean_s {
            self.adjust(mean_s, round.reached);
        }
        self.reached_before = round.reached;
        self.rounds_since_slow_start = self.rounds_since_slow_start.saturating_add(1);
        let length_s = mean_s.or(self.usual_s).unwrap_or(0.0);
        self.round.ends_at = now + Duration::try_from_secs_f64(length_s).unwrap_or(Duration::MAX);
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
                    return self.slow(mean_s, usual_s);
                }
                self.slow_rounds = 0;
                // The first answers of a run or after a pause bring new connections with them, so they may be slow.
                let weight = if self.has_just_doubled() { 1.0 } else { QUICKER_WEIGHT };
                self.usual_s = Some(usual_s + (mean_s - usual_s).min(0.0) * weight);
                if reached == Reached::Yes && !self.is_in_slow_start() {
                    self.grow();
                }
            }
        }
    }

    fn slow(&mut self, mean_s: f64, usual_s: f64) {
        let at = self.in_force_a_round_ago();
        let part = match self.leave_slow_start() {
            // An API that is as much slower as there is more in flight is about as quick as usual with this part of it.
            SlowStart::Left => (usual_s * SLOWDOWN / mean_s).clamp(DECREASE_MAX, DECREASE),
            SlowStart::WasOver => DECREASE,
        };
        self.limit = (at * part).max(1.0);
        self.slow_start_threshold = self.limit;
        self.slow_rounds += 1;
        if self.slow_rounds >= SLOW_ROUNDS_MAX {
            self.measured(mean_s);
        }
    }

    fn lower_for_pushback(&mut self) {
        let at = self.in_force_a_round_ago();
        self.leave_slow_start();
        self.refused_from.get_or_insert(at);
        self.pushed_back_at = Some(at);
        self.limit = (at * DECREASE).max(1.0);
        self.slow_start_threshold = self.limit;
        if matches!(self.phase, Phase::Draining | Phase::Measuring) {
            self.phase = Phase::Ordinary(0);
        }
    }

    /// Takes the round trip at half the limit for the usual one.
    fn measured(&mut self, mean_s: f64) {
        self.usual_s = Some(mean_s);
        self.slow_rounds = 0;
        self.phase = Phase::Ordinary(0);
    }

    /// Raises the limit by a step, or gently within a step of the last pushback.
    fn grow(&mut self) {
        let step = INCREASE.max(self.limit * INCREASE_OF_MANY);
        let gentle = INCREASE_NEAR_PUSHBACK.max(self.limit * INCREASE_OF_MANY_NEAR_PUSHBACK);
        let grown = match self.pushed_back_at {
            Some(at) if at - step < self.limit + step && self.limit < at + step => (self.limit + gentle).max(at - step),
            Some(_) | None => self.limit + step,
        };
        self.limit = grown.min(self.limit_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// Rounds in which the limit is reached and every answer takes `took`; the limit after them.
    fn rounds(concurrency: &mut Concurrency, now: &mut Moment, n: u32, took: Duration) -> usize {
        for _ in 0..n {
            let in_flight = concurrency.limit();
            concurrency.sent(in_flight);
            let answers = u32::try_from(in_flight).expect("small").max(ANSWERS_MIN);
            let began = *now;
            for answer in 1..=answers {
                *now = began + took * answer / answers;
                concurrency.succeeded(*now, took);
            }
        }
        concurrency.limit()
    }

    /// The limit after each of `n` such rounds.
    fn each_round(concurrency: &mut Concurrency, now: &mut Moment, n: u32, took: Duration) -> Vec<usize> {
        (0..n).map(|_| rounds(concurrency, now, 1, took)).collect()
    }

    /// A limit that has settled at its cap, and the time.
    fn settled(limit_max: u16, took: Duration) -> (Concurrency, Moment) {
        let (mut concurrency, mut now) = (Concurrency::up_to(limit_max), Moment::START);
        assert_eq!(rounds(&mut concurrency, &mut now, 20, took), usize::from(limit_max));
        (concurrency, now)
    }

    #[test]
    fn doubles_a_round_up_to_the_cap() {
        let (mut concurrency, mut now) = (Concurrency::up_to(100), Moment::START);
        assert_eq!(concurrency.limit(), 4);
        assert_eq!(each_round(&mut concurrency, &mut now, 6, MS(200)), [8, 16, 32, 64, 100, 100]);
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
            // They left with at most 64 in flight, and raise the limit further until their round is over.
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
        assert!(rounds(&mut concurrency, &mut now, 2, MS(100)) < 60, "it is twice the usual");
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
        assert_eq!(rounds(&mut concurrency, &mut now, SLOW_ROUNDS_MAX, MS(200)), 15);
        assert_eq!(rounds(&mut concurrency, &mut now, 10, MS(200)), 25);
    }

    #[test]
    fn the_usual_round_trip_is_measured_at_half_the_limit() {
        let (mut concurrency, mut now) = settled(32, MS(100));
        rounds(&mut concurrency, &mut now, ROUNDS_BETWEEN_MEASUREMENTS + 1 - 20, MS(100));
        assert_eq!(concurrency.limit(), 16);
        rounds(&mut concurrency, &mut now, 3, MS(60));
        assert_eq!(concurrency.limit(), 32);
        assert_eq!(rounds(&mut concurrency, &mut now, 2, MS(100)), 28, "it was our own load");
    }

    #[test]
    fn pushback_while_half_the_limit_holds_counts_for_the_half() {
        let (mut concurrency, mut now) = settled(32, MS(100));
        rounds(&mut concurrency, &mut now, ROUNDS_BETWEEN_MEASUREMENTS + 1 - 20, MS(100));
        assert_eq!(concurrency.limit(), 16);
        concurrency.pushed_back(now, now + MS(100));
        assert_eq!((concurrency.limit(), concurrency.pushed_back_at), (14, Some(16.0)));
    }

    #[test]
    fn pushback_in_slow_start_goes_back_to_before_the_last_doubling() {
        let (mut concurrency, mut now) = (Concurrency::up_to(512), Moment::START);
        assert_eq!(rounds(&mut concurrency, &mut now, 5, MS(75)), 128);
        concurrency.pushed_back(now, now + MS(75));
        assert_eq!(concurrency.limit(), 57);
        now = now + MS(75);
        assert_eq!(rounds(&mut concurrency, &mut now, 2, MS(75)), 59, "gently from then on");
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
                assert!(concurrency.limit <= at + gentle, "{at}: {}", concurrency.limit);
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
        concurrency.begin_again();
        concurrency.pushed_back(now, now + MS(900));
        assert_eq!((concurrency.limit(), concurrency.pushed_back_at), (4, Some(32.0)));
    }

    #[test]
    fn begins_again_with_four_and_slow_start_leads_back_to_below_the_pushback() {
        let (mut concurrency, mut now) = settled(64, MS(100));
        concurrency.pushed_back(now, now);
        concurrency.begin_again();
        assert_eq!(concurrency.limit(), 4);
        now = now + Duration::from_secs(10);
        assert_eq!(each_round(&mut concurrency, &mut now, 6, MS(100)), [8, 16, 32, 59, 61, 62]);
    }

    #[test]
    fn a_long_outage_does_not_make_the_way_back_longer() {
        let (mut concurrency, mut now) = settled(64, MS(100));
        for _ in 0..30 {
            now = now + Duration::from_secs(1);
            concurrency.pushed_back(now, now);
        }
        assert_eq!(concurrency.limit(), 2);
        concurrency.begin_again();
        let limits = each_round(&mut concurrency, &mut now, 6, MS(100));
        assert!(limits.last() >= Some(&57), "{limits:?}");
    }

    #[test]
    fn what_is_usual_is_measured_anew_after_a_pause() {
        let (mut concurrency, mut now) = settled(64, MS(20));
        concurrency.begin_again();
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
}
