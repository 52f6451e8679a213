//! A 503 that names no wait: a limit's (nginx says so by default), or the API's trouble?
//!
//! Nothing in it tells, so its company does. Where an eighth of the rows meet one at first sight while others are accepted, it may
//! be a limit's, and no row pays for it. Where that lasts, it is taken for one, and the rate is lowered; but never below half of
//! what was accepted meanwhile, which every limit has to let through. Where such a low rate is refused too, it is none after all,
//! and is not taken for one again for some minutes. Where nothing is accepted for a while it is an outage, and where the API has
//! ever said 429, a 503 is never its limit's.

use std::time::Duration;

use super::super::moment::Moment;
use super::super::request::Departure;

/// Answers to first requests of rows that are looked at together.
const BLOCK: u32 = 24;
/// So many refused among them may be a limit's.
const REFUSED_OF_BLOCK: u32 = 3;
/// From so many on no row pays, though nobody knows yet.
const REFUSED_TOGETHER: u32 = 2;
/// A limit accepts one again within this time, an outage does not.
const STREAK_MAX: Duration = Duration::from_secs(2);
/// The time for which it has to last to be taken for a limit.
const UNDECIDED_MAX: Duration = Duration::from_secs(5);
/// The same where more than two thirds are refused.
const UNDECIDED_MAX_OF_MANY: Duration = Duration::from_secs(1);
/// It is none where fewer than one of so many were refused all the time.
const REFUSED_ONE_OF: u32 = 8;
/// The fewest that have to be accepted meanwhile.
const ACCEPTED_MIN: u32 = 5;
/// Every limit lets this part of what was accepted through.
const FLOOR_PART: f64 = 0.5;
/// Answers at the lowest rate, and the refused ones among them that no limit explains.
const ANSWERS_AT_FLOOR: u32 = 16;
const REFUSED_AT_FLOOR: u32 = 5;
/// After that it is trouble for so long.
const DISPROVED_FOR: Duration = Duration::from_mins(5);
/// While such a 503 counts, trouble is counted with it: an accepted request earns more.
const GAIN: f64 = 1.5;

/// Whether a 503 that names no wait is a limit's.
#[derive(Debug, Default)]
pub(super) struct Unavailable {
    opinion: Opinion,
    /// Answers to first requests of rows, and those of them that were refused.
    answers: u32,
    refused: u32,
    /// Those that were refused since the last one was accepted.
    streak: Option<Streak>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Opinion {
    /// It does not look like one.
    #[default]
    Trouble,
    /// It may be one.
    Undecided {
        since: Moment,
        accepted: u32,
        refused: u32,
    },
    /// It is one, and the rate is never lower than this; answers at that rate.
    Limit {
        per_second_min: f64,
        accepted: u32,
        refused: u32,
    },
    /// It is none until then, as its company has shown.
    Disproved { until: Moment },
    /// It is none, since the API says 429.
    Never,
}

/// Requests that were refused one after the other.
#[derive(Debug, Clone, Copy)]
struct Streak {
    /// When the first of them left.
    left: Moment,
    first_requests: u32,
}

impl Unavailable {
    /// Whether it is a limit's, or may be.
    pub(super) fn may_be_limit(&self, now: Moment) -> bool {
        match self.opinion {
            Opinion::Disproved { .. } | Opinion::Never => false,
            // Rows must not have used up their attempts by the time that enough of them tell.
            Opinion::Trouble if self.refused < REFUSED_TOGETHER => false,
            Opinion::Trouble | Opinion::Undecided { .. } => self
                .streak
                .is_none_or(|streak| now.since(streak.left) <= STREAK_MAX),
            Opinion::Limit { .. } => true,
        }
    }

    /// Whether most requests are refused while that is found out.
    pub(super) fn is_mostly_refused(&self) -> bool {
        matches!(self.opinion, Opinion::Undecided { accepted, refused, .. } if refused > accepted)
    }

    /// The lowest rate a second, once it is taken for a limit's.
    pub(super) fn per_second_min(&self) -> Option<f64> {
        match self.opinion {
            Opinion::Limit { per_second_min, .. } => Some(per_second_min),
            Opinion::Trouble
            | Opinion::Undecided { .. }
            | Opinion::Disproved { .. }
            | Opinion::Never => None,
        }
    }

    /// By how much an accepted request pays for refusals.
    pub(super) fn gain(&self) -> f64 {
        if self.per_second_min().is_some() {
            GAIN
        } else {
            1.0
        }
    }

    /// The API says 429 where it limits.
    pub(super) fn limit_says_so(&mut self) {
        self.opinion = Opinion::Never;
    }

    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.answers += u32::from(departure.is_first());
        if let Some(streak) = self.streak.filter(|streak| departure.at > streak.left) {
            self.streak = None;
            if departure.at.since(streak.left) <= STREAK_MAX {
                self.answers += streak.first_requests;
                self.refused += streak.first_requests;
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

    pub(super) fn refused(&mut self, departure: Departure) {
        let streak = self.streak.get_or_insert(Streak {
            left: departure.at,
            first_requests: 0,
        });
        streak.left = streak.left.min(departure.at);
        streak.first_requests += u32::from(departure.is_first());
        if let Opinion::Undecided { refused, .. } | Opinion::Limit { refused, .. } =
            &mut self.opinion
        {
            *refused += 1;
        }
    }

    /// Whether it turns out to be none, since the lowest rate is refused as well.
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
