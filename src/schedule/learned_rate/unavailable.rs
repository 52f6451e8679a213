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
