//! The learned rate: the rate that an API accepts when it names no limit, learned from what it
//! refuses.
//!
//! 1. The rate doubles each second until the API refuses. The fastest rate that was accepted for a
//!    whole round is *proven*.
//! 2. Refusals count as a limit once they are more than one in [`EARNED_BY`](search::EARNED_BY)
//!    answers. The rate then falls to the proven one. If that is refused, it falls to halfway
//!    between it and what was accepted a second since the last fall.
//! 3. After a fall one request leaves alone. If it is accepted, the others follow. If it is
//!    refused, the API is *shut*, and single requests check at growing intervals.
//! 4. Before the next step up, [`EARNED_BY`](search::EARNED_BY) accepted requests have to earn each
//!    refusal, and [`REST`](search::REST) has to pass. The steps grow.
//! 5. A named wait postpones the next step by [`NAMED_WAITS`](search::NAMED_WAITS) times its
//!    length.
//! 6. A 503 that names no wait counts only if it looks like a limit's ([`unavailable`]).
//! 7. If only requests with more in flight than any accepted one are refused, the number in flight
//!    is lowered instead of the rate.
//!
//! A request over the limit has to be refused, and a request too few is time lost. A share of one
//! refusal in 80 keeps both small. The constants were chosen by simulation against leaky and token
//! buckets, fixed and sliding windows, stick tables and concurrency limits;
//! `simulation/silent_limits` tests the results.
//!
//! Two limits are not used well. A limit without a burst refuses a request that any jitter makes
//! early: at 1,000 a second, or at 40 with answers of 200 ms, half of it stays unused. The length
//! of a long window shows only after it was spent twice.

mod round;
mod search;
mod unavailable;

use std::time::Duration;

use super::moment::Moment;
use super::request::Departure;
use search::Search;
use unavailable::Unavailable;

pub(super) use search::{BURST_TIME, HeldBy};

/// Requests a second to start with when nothing is known.
pub(super) const FIRST_PER_SECOND: f64 = 10.0;
/// Refusals of a row, with other rows applied in between, after which they say nothing about the
/// rate.
const ROW_REFUSALS_MAX: u32 = 3;
/// The multiple of what was accepted in the last second that may leave while most requests are
/// refused and the reason for a 503 is undecided.
const TRIED_BEYOND_ACCEPTED: f64 = 4.0;
/// The time of failed checks after which a 503 without a wait no longer counts as a limit's.
const SHUT_MAX: Duration = Duration::from_secs(5);

/// A refusal that may be a limit's, and the wait that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many requests: 429.
    TooMany(Option<Duration>),
    /// Overload: 529, or a 503 that names a wait.
    Overloaded(Option<Duration>),
    /// 503 without a wait, by a limit or in trouble.
    Unavailable,
}

/// The cause of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusedBy {
    /// A limit. The row did nothing wrong, and the API is well.
    Limit,
    /// A limit or trouble. The row is not to blame yet.
    Undecided,
    /// Trouble of the API.
    Trouble,
}

/// The rate that the API accepts.
#[derive(Debug)]
pub(super) struct LearnedRate {
    /// The search. `None` before the first refusal, unless there was a rate to start with.
    search: Option<Search>,
    unavailable: Unavailable,
    recent: Recent,
    last_left: Moment,
    /// The processes that share the limit.
    processes: f64,
    /// The part of this process in the rate a second of all, if that is known.
    part: f64,
}

impl LearnedRate {
    /// Starts with a rate a second, or with none before the first refusal.
    pub(super) fn new(first_per_second: Option<f64>) -> LearnedRate {
        LearnedRate {
            search: first_per_second.map(|rate| Search::new(rate, Moment::START)),
            unavailable: Unavailable::default(),
            recent: Recent::default(),
            last_left: Moment::START,
            processes: 1.0,
            part: 0.0,
        }
    }

    /// The limit that holds the next request back, if any.
    pub(super) fn held_by(&self, now: Moment) -> Option<HeldBy> {
        if self.unavailable.is_mostly_refused() {
            let per_second =
                (TRIED_BEYOND_ACCEPTED * self.recent.per_second(now)).max(self.first_per_second());
            let due = self.last_left + Duration::from_secs_f64(1.0 / per_second);
            if due > now {
                return Some(HeldBy::Rate(due));
            }
        }
        self.search.as_ref().and_then(|search| search.held_by(now))
    }

    /// The learned limit of requests in flight.
    pub(super) fn in_flight_max(&self) -> Option<usize> {
        self.search.as_ref().and_then(Search::in_flight_max)
    }

    /// The rate a second, if it is used because the API refused a faster one.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.search.as_ref().and_then(Search::learned)
    }

    /// The rate a second that holds requests back, whether or not one was refused.
    pub(super) fn in_use(&self) -> Option<f64> {
        self.search.as_ref().map(Search::per_second)
    }

    /// Sets the number of processes that share the limit, this one included, and the part of this
    /// one in their rate a second.
    pub(super) fn shared_by(&mut self, processes: f64, part: Option<f64>) {
        (self.processes, self.part) = (processes, part.unwrap_or(0.0));
    }

    fn first_per_second(&self) -> f64 {
        FIRST_PER_SECOND / self.processes
    }

    /// Lowers the rate to one that another process has learned.
    pub(super) fn lower_to(&mut self, per_second: f64, now: Moment) {
        let search = (self.search).get_or_insert_with(|| Search::new(per_second, now));
        search.lower_to(per_second, now);
    }

    /// Notes a request that leaves.
    pub(super) fn leaves(&mut self, departure: Departure) {
        self.last_left = departure.at;
        if let Some(search) = &mut self.search {
            search.leaves(departure);
        }
    }

    /// Notes a request that the API let through.
    pub(super) fn accepted(&mut self, departure: Departure, now: Moment) {
        self.recent.count(now);
        self.unavailable.accepted(departure, now);
        let gain = self.unavailable.gain();
        if let Some(search) = &mut self.search {
            search.accepted(departure, gain, now);
            self.check_lowest_rate(now);
        }
    }

    /// Notes a refusal that may be a limit's.
    pub(super) fn refused(&mut self, departure: Departure, how: Refused, now: Moment) -> RefusedBy {
        let named = match how {
            Refused::TooMany(named) => {
                self.unavailable.api_says_429();
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
        // Rows that were refused often while the reason for a 503 was undecided may be all that is
        // refused now.
        if how != Refused::Unavailable && departure.refused_beside_others >= ROW_REFUSALS_MAX {
            return RefusedBy::Limit;
        }
        let per_second_min = self.unavailable.per_second_min().unwrap_or_default();
        if let Some(search) = &mut self.search {
            search.refused(departure, named, per_second_min, now);
        } else {
            let recent = self.recent.per_second(now);
            let first_per_second = recent.max(self.first_per_second()).max(self.part);
            self.search = Some(Search::after_refusal(first_per_second, per_second_min, now));
        }
        self.check_lowest_rate(now);
        RefusedBy::Limit
    }

    /// Notes that a request is no longer in flight.
    pub(super) fn landed(&mut self, departure: Departure) {
        if let Some(search) = &mut self.search {
            search.landed(departure);
        }
    }

    /// Lets the rate climb again after an outage, if a 503 was taken for a limit's: the outage may
    /// have sent it.
    pub(super) fn was_down(&mut self) {
        if let Some(search) = self
            .search
            .as_mut()
            .filter(|_| self.unavailable.per_second_min().is_some())
        {
            search.forget();
        }
    }

    /// Lets the rate climb again if the lowest rate is refused, although a limit would accept it.
    fn check_lowest_rate(&mut self, now: Moment) {
        if let Some(search) = &mut self.search
            && self.unavailable.is_disproved(search.per_second(), now)
        {
            search.forget();
        }
    }
}

/// Requests that were accepted recently.
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

    /// The approximate number accepted in the last second.
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
