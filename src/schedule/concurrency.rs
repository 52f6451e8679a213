//! The limit of requests in flight: as many as the API answers without getting slower.
//!
//! It follows additive increase and multiplicative decrease on the round trips of successes, after
//! Vector's adaptive request concurrency (its RFC 1858), with TCP's slow start (RFC 5681) before
//! it. A round takes about a round trip. The limit changes at most once a round, except in slow
//! start, when it grows with each answer.
//!
//! The difference to Vector is the baseline. Vector compares with a moving average, which follows
//! an API that gets a little slower with each step up. Here the usual round trip is measured with
//! few requests in flight, so that our own load does not affect it: with the first four, and later
//! from time to time at half the limit.

use std::time::Duration;

use super::limited_by::InFlightBound;
use super::moment::Moment;

/// The limit at the start of a run, and after an outage or a pause.
const LIMIT_FIRST: f64 = 4.0;
/// The factor by which slowdown or pushback lowers the limit.
const DECREASE: f64 = 0.9;
/// The lowest factor when slow start ends by slowdown.
const DECREASE_MAX: f64 = 0.5;
/// The increase a round above the slow-start threshold.
const INCREASE: f64 = 1.0;
/// The increase a round as a part of a limit above 32, which would take minutes to grow by one.
const INCREASE_OF_MANY: f64 = 1.0 / 32.0;
/// The increase close to the last pushback. Each step beyond it costs refusals, and retry tokens
/// pay for few.
const INCREASE_NEAR_PUSHBACK: f64 = 0.25;
/// The same as a part of the limit, if that is more.
const INCREASE_OF_MANY_NEAR_PUSHBACK: f64 = 1.0 / 128.0;
/// The weight of a round that is quicker than usual.
const QUICKER_WEIGHT: f64 = 0.2;
/// After this many slow rounds the limit has about halved. Latency that is still high is the API's
/// own, and becomes the usual.
const SLOW_ROUNDS_MAX: u32 = 7;
/// The fewest answers in a round with a useful mean.
const ANSWERS_MIN: u32 = 4;
/// The rounds between two measurements of the usual round trip at half the limit.
const ROUNDS_BETWEEN_MEASUREMENTS: u32 = 200;
/// The factor to the usual round trip that counts as slowdown.
const SLOWDOWN: f64 = 1.5;
/// Smaller differences are the noise of machines and networks, however quick the API is.
const NOISE: Duration = Duration::from_millis(5);

/// The limit of requests in flight.
#[derive(Debug)]
pub(super) struct Concurrency {
    limit: f64,
    limit_max: f64,
    /// The limit below which it doubles in a round trip.
    slow_start_threshold: f64,
    /// Rounds since slow start last raised the limit.
    rounds_since_slow_start: u32,
    /// The limit at the last pushback.
    pushed_back_at: Option<f64>,
    /// The limit at the first pushback since the last success.
    refused_from: Option<f64>,
    /// The time at which slow start ended, or the limit was reset to the first one. Both lower it
    /// by more than a step, so answers to earlier requests say nothing about the new limit.
    lowered_at: Moment,
    /// The usual round trip in seconds.
    usual_s: Option<f64>,
    slow_rounds: u32,
    phase: Phase,
    round: LatencyRound,
    /// Whether the limit was reached in the last round.
    reached_before: Reached,
    /// The time of the last answer.
    seen: Moment,
}

/// The progress of measuring the usual round trip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Not measuring, for this many rounds.
    Ordinary(u32),
    /// Half the limit is in force, but answers from before still arrive.
    Draining,
    /// Half the limit is in force, and answers are measured.
    Measuring,
}

#[derive(Debug, Default)]
struct LatencyRound {
    ends_at: Moment,
    answers: u32,
    sum_s: f64,
    reached: Reached,
    pushback: Pushback,
}

/// Whether the limit was reached in a round. Only then is there a reason to raise it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Reached {
    Yes,
    #[default]
    No,
}

/// Whether slow start was running when the limit was lowered.
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
    /// Creates a limit that never exceeds `limit_max`.
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
            round: LatencyRound::default(),
            reached_before: Reached::No,
            seen: Moment::START,
        }
    }

    /// The number of requests that may be in flight now.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the limit is between 1 and 65,535"
    )]
    pub(super) fn limit(&self) -> usize {
        self.in_force() as usize
    }

    /// The bound that sets the limit.
    pub(super) fn bound(&self) -> InFlightBound {
        if self.limit >= self.limit_max {
            InFlightBound::Setting
        } else if self.is_in_slow_start() {
            InFlightBound::SlowStart
        } else {
            InFlightBound::Answers
        }
    }

    /// Notes a request that left, with `in_flight` requests in flight, itself included.
    pub(super) fn sent(&mut self, in_flight: usize) {
        if in_flight >= self.limit() {
            self.round.reached = Reached::Yes;
        }
    }

    /// Notes a success after `took`.
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

    /// Notes a request that left at `sent` and that the API refused or failed because of load.
    pub(super) fn pushed_back(&mut self, sent: Moment, now: Moment) {
        self.seen = now;
        if sent >= self.lowered_at {
            self.round.pushback = Pushback::Yes;
        }
        self.end_round(now);
    }

    /// Starts again after an outage or a pause.
    ///
    /// The limit is low and the usual round trip is measured again, since the API may have changed.
    /// Slow start raises the limit to just below the first refusal.
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
        self.round = LatencyRound::default();
    }

    fn in_force(&self) -> f64 {
        match self.phase {
            Phase::Ordinary(_) => self.limit,
            Phase::Draining | Phase::Measuring => (self.limit / 2.0).max(1.0),
        }
    }

    /// The limit that was in force when the requests left that are answered now. In slow start that
    /// is half.
    fn in_force_a_round_ago(&self) -> f64 {
        if self.has_just_doubled() {
            (self.limit / 2.0).max(1.0)
        } else {
            self.in_force()
        }
    }

    /// Whether slow start raised the limit in this round or the last.
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
                // The first answers of a run or after a pause may be slow, because they wait for
                // new connections.
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
            // If the API's latency is proportional to the requests in flight, it is as usual with
            // this part of them.
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

    /// Makes the measured round trip the usual one.
    fn measured(&mut self, mean_s: f64) {
        self.usual_s = Some(mean_s);
        self.slow_rounds = 0;
        self.phase = Phase::Ordinary(0);
    }

    /// Raises the limit by a step, or by a small one within a step of the last pushback.
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
