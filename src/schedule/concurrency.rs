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

use super::moment::Moment;

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
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit is between 1 and 65,535"
    )]
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
    pub(super) fn begin_again(&mut self, now: Moment) {
        self.seen = now;
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
        if self.has_just_doubled() {
            (self.limit / 2.0).max(1.0)
        } else {
            self.in_force()
        }
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
                let weight = if self.has_just_doubled() {
                    1.0
                } else {
                    QUICKER_WEIGHT
                };
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
            Some(at) if at - step < self.limit + step && self.limit < at + step => {
                (self.limit + gentle).max(at - step)
            }
            Some(_) | None => self.limit + step,
        };
        self.limit = grown.min(self.limit_max);
    }
}

#[cfg(test)]
mod tests;
