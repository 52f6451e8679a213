//! What happens where this machine has no file descriptors or ports left to connect with: a fault of ours, not the API's.
//!
//! The request that could not connect was not sent, so it uses up no attempt and costs no retry budget, and it is no evidence of
//! anything. At most as many requests are in flight from then on as were when it failed, one at least. The machine may get more
//! of what it lacked, so that limit rises by one now and then.

use std::time::Duration;

use super::availability::Void;
use super::{Moment, Schedule, StopReason, Ticket};

/// How long a request that could not connect waits where no other one ends before.
const DELAY: Duration = Duration::from_millis(250);
/// How often the limit rises by one.
const RISE_INTERVAL: Duration = Duration::from_secs(10);

/// The connections that this machine can make.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    /// The most requests in flight, and since when.
    limit: Option<(usize, Moment)>,
    /// The lowest limit so far.
    lowest: Option<usize>,
    /// Since when no request could connect or was on its way.
    missing_since: Option<Moment>,
}

impl Sockets {
    /// A request could not connect; without it `in_flight` are on their way.
    fn ran_out(&mut self, in_flight: usize, now: Moment) {
        let limit = in_flight.min(self.limit(now)).max(1);
        self.limit = Some((limit, now));
        self.lowest = Some(self.lowest.map_or(limit, |lowest| lowest.min(limit)));
        self.missing_since.get_or_insert(now);
    }

    /// A request came to an end that had a connection.
    pub(super) fn served(&mut self) {
        self.missing_since = None;
    }

    /// The most requests in flight now.
    pub(super) fn limit(&self, now: Moment) -> usize {
        let Some((limit, since)) = self.limit else {
            return usize::MAX;
        };
        let steps = now.since(since).as_millis() / RISE_INTERVAL.as_millis();
        limit.saturating_add(usize::try_from(steps).unwrap_or(usize::MAX))
    }
}

impl<T: Clone> Schedule<T> {
    /// The fewest requests that this machine could have in flight, where it lacked descriptors or ports for more.
    pub fn sockets_lacked_beyond(&self) -> Option<usize> {
        self.sockets.lowest
    }

    /// The row's request could not connect. It leaves again when another one has ended, or after a moment.
    pub(super) fn row_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        let held = self.order.get_mut(ticket);
        held.sent = held.sent.saturating_sub(1);
        let (cause, cost) = (
            held.trials.cause.filter(|_| held.sent > 0),
            held.trials.cost,
        );
        if let Some(cause) = cause
            && let Some(retries) = self.statistics.retries.get_mut(&cause)
        {
            *retries = retries.saturating_sub(1);
            self.statistics.retries.retain(|_, retries| *retries > 0);
        }
        if let Some(cost) = cost {
            self.retries.budget.give_back(cost);
        }
        self.order.send_again(ticket, now + DELAY);
    }

    /// The control's request could not connect.
    pub(super) fn control_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        self.control_is_void(ticket, Void::Unsent, now);
    }

    fn ran_out_of_sockets(&mut self, ticket: Ticket, now: Moment) {
        self.sockets.ran_out(self.flights.len(), now);
        self.statistics.attempts = self.statistics.attempts.saturating_sub(1);
        // It tells nothing of the API, but a probe that could not connect would be followed by the next one at once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let missing = self
            .sockets
            .missing_since
            .map_or(Duration::ZERO, |since| now.since(since));
        if missing >= self.limits.wait_max {
            self.stop(StopReason::NoSockets { lasted: missing });
        }
    }
}
