//! A round of answers, which shows whether requests are refused for the number in flight.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::request::Departure;

/// The shortest duration of a round.
const LENGTH_MIN: Duration = Duration::from_secs(1);
/// The fewest answers in a round.
const ANSWERS_MIN: u32 = 6;
/// The part of what the rate allows that a full round sends. With less, something else held
/// requests back.
const FULL_PART: f64 = 0.8;

/// The answers of a round.
#[derive(Debug)]
pub(super) struct Round {
    started: Moment,
    accepted: u32,
    refused: u32,
    /// The fewest requests in flight at a refusal.
    refused_with: usize,
    /// Accepted requests, by the number in flight.
    accepted_with: Vec<u32>,
}

impl Round {
    pub(super) fn new(started: Moment) -> Round {
        Round {
            started,
            accepted: 0,
            refused: 0,
            refused_with: usize::MAX,
            accepted_with: Vec::new(),
        }
    }

    /// Counts an accepted request.
    pub(super) fn accepted(&mut self, departure: Departure) {
        self.accepted += 1;
        let index = departure.in_flight;
        if self.accepted_with.len() <= index {
            self.accepted_with.resize(index + 1, 0);
        }
        if let Some(count) = self.accepted_with.get_mut(index) {
            *count += 1;
        }
    }

    /// Counts a refused request.
    pub(super) fn refused(&mut self, departure: Departure) {
        self.refused += 1;
        self.refused_with = self.refused_with.min(departure.in_flight);
    }

    /// Whether the answer to a request that left at `left` ends the round.
    pub(super) fn is_over(&self, left: Moment) -> bool {
        left.since(self.started) >= LENGTH_MIN && self.accepted + self.refused >= ANSWERS_MIN
    }

    /// Whether the round sent what this rate allows, up to a request that left at `left`.
    pub(super) fn is_full(&self, per_second: f64, left: Moment) -> bool {
        let allowed = per_second * left.since(self.started).as_secs_f64();
        f64::from(self.accepted + self.refused) >= FULL_PART * allowed
    }

    /// The most requests in flight that are accepted, if refusals come only with more.
    pub(super) fn accepted_in_flight(&self) -> Option<usize> {
        let split = self.refused_with.min(self.accepted_with.len());
        let (below, at_or_above) = self.accepted_with.split_at(split);
        let (below, at_or_above) = (below.iter().sum::<u32>(), at_or_above.iter().sum::<u32>());
        let is_reason =
            self.refused_with > 1 && at_or_above <= self.refused / 4 && below >= self.refused;
        (is_reason && self.refused > 0).then(|| self.refused_with - 1)
    }

    /// Starts the next round. Half of what is known about the number in flight is kept.
    pub(super) fn next(&mut self, started: Moment) {
        (self.started, self.accepted, self.refused, self.refused_with) =
            (started, 0, 0, usize::MAX);
        for count in &mut self.accepted_with {
            *count /= 2;
        }
    }
}
