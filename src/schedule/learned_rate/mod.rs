//! The rate that an API takes which names no limit, learned from what it refuses.
//!
//! 1. The rate doubles each second until the API refuses. The fastest rate that got through a whole round is *proven*.
//! 2. Refusals count as a limit once they come faster than one in [`EARNED_BY`](search::EARNED_BY) answers. Then the rate falls back to the proven
//!    one; where that itself is refused, to halfway between it and what was accepted a second since the last fall.
//! 3. After a fall one request leaves alone. Accepted, the others follow; refused, the API is shut, and one request asks at
//!    ever longer intervals.
//! 4. Each refusal has to be earned by [`EARNED_BY`](search::EARNED_BY) accepted requests, and [`REST`](search::REST) has to pass, before the next step up. The
//!    steps grow.
//! 5. A named wait postpones the next step by [`NAMED_WAITS`](search::NAMED_WAITS) times its length. A 503 that names none counts only where it looks
//!    like a limit ([`unavailable`]), and refusals that only meet requests with more in flight than any accepted one lower the
//!    number in flight instead of the rate.
//!
//! Each request over a limit is one that the API has to refuse, and each below it is time lost: a share of one refusal in 80
//! is the price at which both stay small. The constants were chosen by simulation against leaky and token buckets, fixed and
//! sliding windows, stick tables and limits of requests at once (`simulation/silent_limits` holds the rule to its figures).
//! What it cannot do: a limit without any burst refuses a request that is early by any jitter, so at 1,000 a second, or at 40 with
//! answers of 200 ms, half of it stays unused; and the length of a long window shows only after it was spent twice.

mod round;
mod search;
mod unavailable;

use std::time::Duration;

use super::moment::Moment;
use super::request::Departure;
use search::Search;
use unavailable::Unavailable;

pub(super) use search::{BURST_TIME, Hold};

/// Requests a second to begin with where nothing is known.
pub(super) const FIRST_PER_SECOND: f64 = 10.0;
/// A row that was refused so often while others were applied is what the API dislikes, and tells nothing of a limit.
const REFUSALS_THAT_TELL: u32 = 3;
/// While most requests are refused and nobody knows whether a 503 is a limit's, no more than so many times what was accepted in
/// the last second leaves.
const TRIED_BEYOND_ACCEPTED: f64 = 4.0;
/// Once the lone request has asked in vain for so long, a 503 that names no wait is no longer taken for a limit's.
const SHUT_MAX: Duration = Duration::from_secs(5);

/// How a request was refused that may have met a limit, and the wait that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// As too many: 429.
    TooMany(Option<Duration>),
    /// For load: 529, or a 503 that names a wait.
    Overloaded(Option<Duration>),
    /// 503 without a wait: a limit's, or trouble.
    Unavailable,
}

/// RefusedBy a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedBy {
    /// A limit's: the row did nothing wrong, and the API is well.
    Limit,
    /// A limit's, or trouble: the row is not to blame yet.
    Undecided,
    /// The API is in trouble.
    Trouble,
}

/// The rate that the API takes.
#[derive(Debug)]
pub(super) struct LearnedRate {
    /// Nothing before the first refusal, where there was no rate to begin with.
    search: Option<Search>,
    unavailable: Unavailable,
    recent: Recent,
    last_left: Moment,
}

impl LearnedRate {
    /// Begins with a rate a second, or only when something is refused.
    pub(super) fn new(first_per_second: Option<f64>) -> LearnedRate {
        LearnedRate {
            search: first_per_second.map(|rate| Search::new(rate, Moment::START)),
            unavailable: Unavailable::default(),
            recent: Recent::default(),
            last_left: Moment::START,
        }
    }

    /// What holds the next request back, if anything does.
    pub(super) fn hold(&self, now: Moment) -> Option<Hold> {
        if self.unavailable.is_mostly_refused() {
            let per_second =
                (TRIED_BEYOND_ACCEPTED * self.recent.per_second(now)).max(FIRST_PER_SECOND);
            let due = self.last_left + Duration::from_secs_f64(1.0 / per_second);
            if due > now {
                return Some(Hold::Rate(due));
            }
        }
        self.search.as_ref().and_then(|search| search.hold(now))
    }

    /// The limit of requests in flight that was learned.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        self.search.as_ref().and_then(Search::in_flight_max)
    }

    /// The rate a second that is sent at because the API refused a faster one.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.search.as_ref().and_then(Search::learned)
    }

    /// Counts a request that leaves.
    pub(super) fn leaves(&mut self, departure: Departure) {
        self.last_left = departure.at;
        if let Some(search) = &mut self.search {
            search.leaves(departure);
        }
    }

    /// The API let a request through.
    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.recent.count(now);
        self.unavailable.accepted(departure, now);
        let gain = self.unavailable.gain();
        if let Some(search) = &mut self.search {
            search.accepted(departure, gain, now);
            self.look_at_the_lowest_rate(now);
        }
    }

    /// The API refused a request that may have met a limit.
    pub(super) fn refused(&mut self, departure: Departure, how: Refused, now: Moment) -> RefusedBy {
        let named = match how {
            Refused::TooMany(named) => {
                self.unavailable.limit_says_so();
                named
            }
            Refused::Overloaded(named) => named,
            Refused::Unavailable => {
                self.unavailable.refused(departure);
                let shut_since = self.search.as_ref().and_then(Search::shut_since);
                if !self.unavailable.may_be_limit(now)
                    || shut_since.is_some_and(|since| now.since(since) > SHUT_MAX)
                {
                    return RefusedBy::Trouble;
                }
                if self.unavailable.per_second_min().is_none() {
                    return RefusedBy::Undecided;
                }
                None
            }
        };
        // Rows that met many a 503 while nobody knew whose it was may be all that is refused now.
        if how != Refused::Unavailable && departure.refused_beside_others >= REFUSALS_THAT_TELL {
            return RefusedBy::Limit;
        }
        let per_second_min = self.unavailable.per_second_min().unwrap_or_default();
        if let Some(search) = &mut self.search {
            search.refused(departure, named, per_second_min, now);
        } else {
            let first_per_second = self.recent.per_second(now).max(FIRST_PER_SECOND);
            self.search = Some(Search::after_refusal(first_per_second, per_second_min, now));
        }
        self.look_at_the_lowest_rate(now);
        RefusedBy::Limit
    }

    /// A request is no longer in flight, whatever came of it.
    pub(super) fn landed(&mut self, departure: Departure) {
        if let Some(search) = &mut self.search {
            search.landed(departure);
        }
    }

    /// The API was down. Where 503 was taken for a limit's, it may have been that: the rate climbs again.
    pub(super) fn was_down(&mut self) {
        if let Some(search) = self
            .search
            .as_mut()
            .filter(|_| self.unavailable.per_second_min().is_some())
        {
            search.forget();
        }
    }

    /// Where 503 was taken for a limit's, the lowest rate has to be accepted.
    fn look_at_the_lowest_rate(&mut self, now: Moment) {
        if let Some(search) = &mut self.search
            && self.unavailable.is_disproved(search.per_second(), now)
        {
            search.forget();
        }
    }
}

/// Requests that were accepted lately.
#[derive(Debug, Default)]
struct Recent {
    second: u64,
    accepted: u32,
    accepted_before: u32,
}

impl Recent {
    fn count(&mut self, now: Moment) {
        let second = now.since_start().as_secs();
        match second - self.second {
            0 => {}
            1 => (self.accepted_before, self.accepted) = (self.accepted, 0),
            _ => (self.accepted_before, self.accepted) = (0, 0),
        }
        self.second = second;
        self.accepted = self.accepted.saturating_add(1);
    }

    /// DoubtReason how many were accepted in the last second.
    fn per_second(&self, now: Moment) -> f64 {
        let (this, before) = match now.since_start().as_secs() - self.second {
            0 => (self.accepted, self.accepted_before),
            1 => (0, self.accepted),
            _ => (0, 0),
        };
        let gone = f64::from(now.since_start().subsec_nanos()) / 1e9;
        f64::from(this) + f64::from(before) * (1.0 - gone)
    }
}

#[cfg(test)]
mod tests;
