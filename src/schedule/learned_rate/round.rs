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

#[cfg(test)]
mod tests {
    use super::*;

    fn with(in_flight: usize) -> Departure {
        Departure {
            at: Moment::START,
            in_flight,
            nth: 1,
            refused_beside_others: 0,
        }
    }

    /// A round with these answers, each by the number in flight.
    fn round(accepted: &[usize], refused: &[usize]) -> Round {
        let mut round = Round::new(Moment::START);
        for in_flight in accepted {
            round.accepted(with(*in_flight));
        }
        for in_flight in refused {
            round.refused(with(*in_flight));
        }
        round
    }

    fn ms(ms: u64) -> Moment {
        Moment::after_start(Duration::from_millis(ms))
    }

    #[test]
    fn a_number_in_flight_is_the_reason_if_only_more_are_refused() {
        let check = |accepted: &[usize], refused: &[usize], want: Option<usize>| {
            let found = round(accepted, refused).accepted_in_flight();
            assert_eq!(found, want, "accepted {accepted:?}, refused {refused:?}");
        };
        check(&[1, 2, 3, 4], &[5, 6], Some(4));
        check(&[1, 1], &[2, 2], Some(1));
        check(&[1, 2, 3], &[1], None);
        // As many are accepted with fewer in flight as are refused.
        check(&[1, 2], &[5, 6], Some(4));
        check(&[1], &[5, 6], None);
        // A quarter as many may be accepted with more in flight.
        check(&[1, 1, 1, 1, 5], &[5; 4], Some(4));
        check(&[1, 1, 1, 1, 5, 6], &[5; 4], None);
        check(&[1, 1, 1, 1, 1, 1, 1, 5, 6], &[5; 7], None);
        check(&[1, 1, 1, 1, 1, 1, 1, 5], &[5; 7], Some(4));
        check(&[1, 2, 3], &[], None);
    }

    #[test]
    fn half_of_what_was_accepted_counts_for_the_next_round() {
        for (refused, want) in [(2, Some(4)), (3, None)] {
            let mut round = round(&[1; 4], &[2]);
            round.next(ms(1000));
            (0..refused).for_each(|_| round.refused(with(5)));
            assert_eq!(round.accepted_in_flight(), want, "{refused} refused");
        }
    }

    #[test]
    fn a_round_takes_a_second_and_six_answers() {
        let check = |accepted: usize, refused: usize, left: Moment, want: bool| {
            let round = round(&vec![1; accepted], &vec![2; refused]);
            assert_eq!(round.is_over(left), want, "{accepted} {refused} {left:?}");
        };
        check(6, 0, ms(1000), true);
        check(2, 4, ms(1000), true);
        check(5, 0, ms(1000), false);
        check(2, 3, ms(1000), false);
        check(6, 0, ms(999), false);
    }

    #[test]
    fn a_round_is_full_with_four_fifths_of_what_the_rate_allows() {
        let check = |accepted: usize, refused: usize, want: bool| {
            let round = round(&vec![1; accepted], &vec![2; refused]);
            assert_eq!(round.is_full(5.0, ms(2000)), want, "{accepted} {refused}");
        };
        check(8, 0, true);
        check(4, 4, true);
        check(7, 0, false);
        check(9, 0, true);
    }
}
