//! Requests in flight: when each left and is given up, and how many there may be.

use std::collections::BTreeSet;
use std::time::Duration;

use super::concurrency::Concurrency;
use super::limited_by::InFlightBound;
use super::moment::Moment;
use super::sockets::Sockets;
use super::ticket::Ticket;

/// The requests in flight, by the time at which they left.
#[derive(Debug)]
pub(super) struct Flights {
    timeout: Duration,
    by_time: BTreeSet<(Moment, Ticket)>,
    /// The time of the last answer.
    answered_at: Option<Moment>,
    /// The limit that the API's latency sets.
    pub(super) concurrency: Concurrency,
    /// The limit that this machine's sockets set.
    pub(super) sockets: Sockets,
}

impl Flights {
    pub(super) fn new(in_flight_max: u16, timeout: Duration) -> Flights {
        Flights {
            timeout,
            by_time: BTreeSet::new(),
            answered_at: None,
            concurrency: Concurrency::up_to(in_flight_max),
            sockets: Sockets::default(),
        }
    }

    /// Adds a request that leaves now.
    pub(super) fn leaves(&mut self, ticket: Ticket, now: Moment) {
        self.by_time.insert((now, ticket));
    }

    /// Removes a request that left at `sent`.
    pub(super) fn ends(&mut self, ticket: Ticket, sent: Moment) {
        self.by_time.remove(&(sent, ticket));
    }

    /// Notes that an answer came.
    pub(super) fn answered(&mut self, now: Moment) {
        self.answered_at = Some(now);
    }

    pub(super) fn len(&self) -> usize {
        self.by_time.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_time.is_empty()
    }

    /// The most requests that may be in flight now, and the bound that says so.
    pub(super) fn limit(&self, now: Moment) -> (usize, InFlightBound) {
        let (limit, sockets) = (self.concurrency.limit(), self.sockets.limit(now));
        if sockets < limit {
            (sockets, InFlightBound::Sockets)
        } else {
            (limit, self.concurrency.bound())
        }
    }

    /// The request that left first.
    pub(super) fn oldest(&self) -> Option<Ticket> {
        self.by_time.first().map(|(_, ticket)| *ticket)
    }

    /// The oldest request, if its timeout is over.
    pub(super) fn overdue(&self, now: Moment) -> Option<Ticket> {
        self.oldest()
            .filter(|_| self.first_timeout().is_some_and(|at| at <= now))
    }

    /// The time at which the first timeout is over.
    pub(super) fn first_timeout(&self) -> Option<Moment> {
        self.by_time.first().map(|(sent, _)| *sent + self.timeout)
    }

    /// The time since which requests have been in flight without an answer.
    pub(super) fn silent_since(&self) -> Option<Moment> {
        self.by_time.first().map(|(sent, _)| {
            self.answered_at
                .map_or(*sent, |answered| answered.max(*sent))
        })
    }
}
