//! Decides whether a 503 that names no wait is a limit's, as nginx sends by default, or a sign of
//! trouble.
//!
//! The answer itself does not show it, but the answers around it do:
//!
//! - If an eighth of the rows get one for their first request while others are accepted, it may be
//!   a limit's, and it uses up no row's attempts.
//! - If that lasts, it is taken for a limit's and lowers the rate, but never below half of what was
//!   accepted in that time, which every limit lets through.
//! - If such a low rate is refused, it is not a limit's, and is not taken for one for some minutes.
//! - If nothing is accepted for a while, it is an outage.
//! - If the API has ever answered 429, a 503 is never its limit's.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::request::Departure;

/// Answers to rows' first requests that are judged together.
const BLOCK: u32 = 24;
/// Refusals among them that may be a limit's.
const REFUSED_OF_BLOCK: u32 = 3;
/// Refusals from which on they use up no row's attempts, although nothing is decided yet.
const REFUSED_TOGETHER: u32 = 2;
/// The time within which a limit accepts a request again. An outage does not.
const ACCEPTED_AGAIN_WITHIN: Duration = Duration::from_secs(2);
/// The time for which refusals have to last to be taken for a limit's.
const UNDECIDED_MAX: Duration = Duration::from_secs(5);
/// The same if more than two thirds are refused.
const UNDECIDED_MAX_OF_MANY: Duration = Duration::from_secs(1);
/// A limit refuses at least one request in this many all the time.
const REFUSED_ONE_OF: u32 = 8;
/// The fewest requests that are accepted meanwhile.
const ACCEPTED_MIN: u32 = 5;
/// The part of what was accepted that every limit lets through.
const FLOOR_PART: f64 = 0.5;
/// Answers at the lowest rate, and the refusals among them that no limit explains.
const ANSWERS_AT_FLOOR: u32 = 16;
const REFUSED_AT_FLOOR: u32 = 5;
/// The time after that for which a 503 is trouble.
const DISPROVED_FOR: Duration = Duration::from_mins(5);
/// The gain of an accepted request while a 503 counts as a limit's, because trouble is counted with
/// it.
const GAIN: f64 = 1.5;

/// The opinion on a 503 that names no wait.
#[derive(Debug, Default)]
pub(super) struct Unavailable {
    opinion: Opinion,
    /// Answers to rows' first requests, and the refusals among them.
    answers: u32,
    refused: u32,
    /// Refusals since the last accepted request.
    consecutive: Option<ConsecutiveRefusals>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Opinion {
    /// It does not look like a limit's.
    #[default]
    Trouble,
    /// It may be a limit's.
    Undecided {
        since: Moment,
        accepted: u32,
        refused: u32,
    },
    /// It is a limit's, and the rate does not fall below `per_second_min`. The counts are answers
    /// at that rate.
    Limit {
        per_second_min: f64,
        accepted: u32,
        refused: u32,
    },
    /// It is not a limit's before this time, as the answers around it have shown.
    Disproved { until: Moment },
    /// It is not a limit's: the API answers 429.
    Never,
}

/// Consecutive refusals.
#[derive(Debug, Clone, Copy)]
struct ConsecutiveRefusals {
    /// The time at which the first of them left.
    left: Moment,
    first_requests: u32,
}

impl Unavailable {
    /// Whether a 503 is a limit's, or may be.
    pub(super) fn may_be_limit(&self, now: Moment) -> bool {
        match self.opinion {
            Opinion::Disproved { .. } | Opinion::Never => false,
            // By the time that enough of them decide, rows must not have used up their attempts.
            Opinion::Trouble if self.refused < REFUSED_TOGETHER => false,
            Opinion::Trouble | Opinion::Undecided { .. } => self
                .consecutive
                .is_none_or(|refusals| now.since(refusals.left) <= ACCEPTED_AGAIN_WITHIN),
            Opinion::Limit { .. } => true,
        }
    }

    /// Whether most requests are refused while nothing is decided.
    pub(super) fn is_mostly_refused(&self) -> bool {
        matches!(self.opinion, Opinion::Undecided { accepted, refused, .. } if refused > accepted)
    }

    /// The lowest rate a second, if a 503 is a limit's.
    pub(super) fn per_second_min(&self) -> Option<f64> {
        match self.opinion {
            Opinion::Limit { per_second_min, .. } => Some(per_second_min),
            Opinion::Trouble
            | Opinion::Undecided { .. }
            | Opinion::Disproved { .. }
            | Opinion::Never => None,
        }
    }

    /// The factor by which an accepted request earns refusals.
    pub(super) fn gain(&self) -> f64 {
        if self.per_second_min().is_some() {
            GAIN
        } else {
            1.0
        }
    }

    /// Notes a 429: the API's limit does not answer 503.
    pub(super) fn api_says_429(&mut self) {
        self.opinion = Opinion::Never;
    }

    /// Notes an accepted request.
    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.answers += u32::from(departure.is_first());
        if let Some(refusals) = self
            .consecutive
            .filter(|refusals| departure.at > refusals.left)
        {
            self.consecutive = None;
            if departure.at.since(refusals.left) <= ACCEPTED_AGAIN_WITHIN {
                self.answers += refusals.first_requests;
                self.refused += refusals.first_requests;
            }
        }
        match &mut self.opinion {
            Opinion::Undecided { accepted, .. } | Opinion::Limit { accepted, .. } => *accepted += 1,
            Opinion::Disproved { until } if now >= *until => {
                self.opinion = Opinion::Trouble;
                self.begin_block();
            }
            Opinion::Trouble if self.refused >= REFUSED_OF_BLOCK => {
                self.opinion = Opinion::Undecided {
                    since: now,
                    accepted: 0,
                    refused: 0,
                };
                self.begin_block();
            }
            Opinion::Trouble | Opinion::Disproved { .. } | Opinion::Never => {}
        }
        self.end_block(now);
    }

    /// Notes a request that was refused with a 503 that names no wait.
    pub(super) fn refused(&mut self, departure: Departure) {
        let refusals = self.consecutive.get_or_insert(ConsecutiveRefusals {
            left: departure.at,
            first_requests: 0,
        });
        refusals.left = refusals.left.min(departure.at);
        refusals.first_requests += u32::from(departure.is_first());
        if let Opinion::Undecided { refused, .. } | Opinion::Limit { refused, .. } =
            &mut self.opinion
        {
            *refused += 1;
        }
    }

    /// Whether a 503 turns out not to be a limit's, because the lowest rate is refused as well.
    pub(super) fn is_disproved(&mut self, per_second: f64, now: Moment) -> bool {
        let Opinion::Limit {
            per_second_min,
            accepted,
            refused,
        } = &mut self.opinion
        else {
            return false;
        };
        if per_second > *per_second_min || *accepted + *refused >= ANSWERS_AT_FLOOR {
            let is_disproved = per_second <= *per_second_min && *refused >= REFUSED_AT_FLOOR;
            (*accepted, *refused) = (0, 0);
            if is_disproved {
                self.opinion = Opinion::Disproved {
                    until: now + DISPROVED_FOR,
                };
            }
            return is_disproved;
        }
        false
    }

    fn end_block(&mut self, now: Moment) {
        if let Opinion::Undecided {
            since,
            accepted,
            refused,
        } = self.opinion
        {
            let lasted = now.since(since);
            let is_many = refused > 2 * accepted && accepted >= ACCEPTED_MIN;
            if lasted
                >= if is_many {
                    UNDECIDED_MAX_OF_MANY
                } else {
                    UNDECIDED_MAX
                }
            {
                let per_second_min = FLOOR_PART * f64::from(accepted) / lasted.as_secs_f64();
                let is_limit =
                    accepted >= ACCEPTED_MIN && REFUSED_ONE_OF * refused >= accepted + refused;
                self.opinion = if is_limit {
                    Opinion::Limit {
                        per_second_min,
                        accepted: 0,
                        refused: 0,
                    }
                } else {
                    Opinion::Trouble
                };
                return self.begin_block();
            }
        }
        if self.answers >= BLOCK {
            self.begin_block();
        }
    }

    fn begin_block(&mut self) {
        (self.answers, self.refused) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    /// An opinion, and the time of the answers that lead to it.
    #[derive(Default)]
    struct Run {
        unavailable: Unavailable,
        now: Moment,
    }

    impl Run {
        /// A row's first request, or its second one, which is answered at once.
        fn leaves(&mut self, nth: u32, after: Duration) -> Departure {
            self.now = self.now + after;
            Departure {
                at: self.now,
                in_flight: 1,
                nth,
                refused_beside_others: 0,
            }
        }

        fn accepts(&mut self, n: u32) {
            for _ in 0..n {
                let departure = self.leaves(1, MS(1));
                self.unavailable.accepted(departure, self.now);
            }
        }

        fn refuses(&mut self, n: u32) {
            for _ in 0..n {
                let departure = self.leaves(1, MS(1));
                self.unavailable.refused(departure);
            }
        }

        /// Each of these refusals is followed by a request that is accepted.
        fn refuses_beside_accepted(&mut self, n: u32) {
            for _ in 0..n {
                self.refuses(1);
                self.accepts(1);
            }
        }

        fn may_be_limit(&self) -> bool {
            self.unavailable.may_be_limit(self.now)
        }

        /// A run in which it has just become undecided.
        fn undecided() -> Run {
            let mut run = Run::default();
            run.refuses_beside_accepted(3);
            run
        }

        /// A run in which so many were refused and accepted in so much time, while it was
        /// undecided.
        fn after(refused: u32, accepted: u32, lasted: Duration) -> Run {
            let mut run = Run::undecided();
            let since = run.now;
            run.refuses(refused);
            run.accepts(accepted - 1);
            let departure = run.leaves(1, lasted.saturating_sub(run.now.since(since)));
            run.unavailable.accepted(departure, run.now);
            run
        }
    }

    #[test]
    fn two_refusals_beside_accepted_requests_may_be_a_limits() {
        for (refusals, want) in [(0, false), (1, false), (2, true), (3, true)] {
            let mut run = Run::default();
            run.refuses_beside_accepted(refusals);
            assert_eq!(run.may_be_limit(), want, "{refusals} refusals");
        }
    }

    #[test]
    fn two_refusals_are_of_the_same_24_answers() {
        for (accepted, want) in [(19, true), (20, false), (21, false)] {
            let mut run = Run::default();
            run.refuses_beside_accepted(1);
            run.accepts(accepted);
            run.refuses_beside_accepted(1);
            assert_eq!(run.may_be_limit(), want, "{accepted} accepted in between");
        }
    }

    #[test]
    fn only_first_requests_are_counted() {
        let mut run = Run::default();
        for _ in 0..10 {
            let departure = run.leaves(2, MS(1));
            run.unavailable.refused(departure);
            run.accepts(1);
        }
        assert!(!run.may_be_limit());
        let mut run = Run::default();
        run.refuses_beside_accepted(1);
        for _ in 0..30 {
            let departure = run.leaves(2, MS(1));
            run.unavailable.accepted(departure, run.now);
        }
        run.refuses_beside_accepted(1);
        assert!(run.may_be_limit(), "both are of the same block");
    }

    #[test]
    fn a_limit_accepts_a_later_request_within_two_seconds() {
        for (later, counted) in [(0, 1), (1, 2), (2000, 2), (2001, 1)] {
            let mut run = Run::default();
            run.refuses_beside_accepted(1);
            run.refuses(1);
            let departure = run.leaves(1, MS(later));
            run.unavailable.accepted(departure, run.now);
            assert_eq!(run.unavailable.refused, counted, "{later} ms later");
        }
    }

    #[test]
    fn refusals_alone_are_an_outage_after_two_seconds() {
        for (later, want) in [(MS(2000), true), (MS(2001), false)] {
            let mut run = Run::undecided();
            run.refuses(1);
            let now = run.now + later;
            assert_eq!(run.unavailable.may_be_limit(now), want, "{later:?}");
        }
    }

    #[test]
    fn most_are_refused_if_more_are_than_are_accepted_since_it_is_undecided() {
        for (refused, accepted, want) in [(1, 1, false), (2, 1, true), (2, 2, false)] {
            let mut run = Run::undecided();
            run.refuses(refused);
            run.accepts(accepted);
            assert_eq!(
                run.unavailable.is_mostly_refused(),
                want,
                "{refused} refused, {accepted} accepted"
            );
        }
    }

    /// The lowest rate is half of what was accepted meanwhile.
    #[test]
    fn an_eighth_that_is_refused_for_five_seconds_is_a_limits_and_most_of_them_for_one() {
        let check = |refused: u32, accepted: u32, lasted: Duration, want: Option<f64>| {
            let run = Run::after(refused, accepted, lasted);
            let found = run.unavailable.per_second_min();
            let message =
                format!("{refused} refused, {accepted} accepted in {lasted:?}: {found:?}");
            assert_eq!(found.is_some(), want.is_some(), "{message}");
            let difference = found.unwrap_or_default() - want.unwrap_or_default();
            assert!(difference.abs() < 1e-9, "{message}");
            let gain = if want.is_some() { GAIN } else { 1.0 };
            assert!((run.unavailable.gain() - gain).abs() < 1e-9, "{message}");
        };
        check(5, 35, MS(5000), Some(3.5));
        check(5, 36, MS(5000), None);
        check(1, 5, MS(5000), Some(0.5));
        check(1, 4, MS(5000), None);
        check(5, 35, MS(4999), None);
        check(11, 5, MS(1000), Some(2.5));
        check(10, 5, MS(1000), None);
        check(11, 5, MS(999), None);
        check(9, 4, MS(1000), None);
    }

    #[test]
    fn a_decision_begins_with_new_counts() {
        // It was no limit's, and the refusals before do not count any more.
        let mut run = Run::after(5, 36, MS(5000));
        assert!(!run.may_be_limit());
        run.refuses_beside_accepted(1);
        assert!(!run.may_be_limit());
        run.refuses_beside_accepted(1);
        assert!(run.may_be_limit());
    }

    #[test]
    fn five_refusals_in_sixteen_answers_at_the_lowest_rate_are_no_limits() {
        let check = |refused: u32, accepted: u32, per_second: f64, want: bool| {
            let mut run = Run::after(5, 35, MS(5000));
            run.refuses(refused);
            run.accepts(accepted);
            let found = run.unavailable.is_disproved(per_second, run.now);
            assert_eq!(
                found, want,
                "{refused} refused, {accepted} accepted at {per_second}"
            );
            assert_eq!(run.may_be_limit(), !want);
        };
        check(5, 11, 3.5, true);
        check(4, 12, 3.5, false);
        check(5, 10, 3.5, false);
        check(16, 0, 3.5, true);
        check(5, 11, 3.6, false);
    }

    #[test]
    fn answers_at_a_higher_rate_say_nothing_about_the_lowest() {
        let mut run = Run::after(5, 35, MS(5000));
        run.refuses(15);
        assert!(!run.unavailable.is_disproved(3.6, run.now));
        run.refuses(1);
        assert!(!run.unavailable.is_disproved(3.5, run.now), "one answer");
    }

    #[test]
    fn what_is_disproved_may_be_a_limits_again_after_five_minutes() {
        let mut run = Run::after(5, 35, MS(5000));
        run.refuses(16);
        assert!(run.unavailable.is_disproved(3.5, run.now));
        let until = run.now + DISPROVED_FOR;
        run.now = until - MS(10);
        run.refuses_beside_accepted(3);
        assert!(!run.may_be_limit());
        run.now = until - MS(1);
        run.accepts(1);
        assert_eq!(run.now, until);
        assert!(!run.may_be_limit(), "and what was counted before is over");
        run.refuses_beside_accepted(2);
        assert!(run.may_be_limit());
    }

    #[test]
    fn an_api_that_says_429_never_says_503_for_its_limit() {
        let mut run = Run::undecided();
        run.unavailable.api_says_429();
        run.refuses_beside_accepted(10);
        assert!(!run.may_be_limit());
    }
}
