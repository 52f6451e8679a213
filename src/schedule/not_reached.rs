//! Requests that did not reach the API, or most likely did not. Their rows are sent again, and the
//! API is not blamed.

use std::time::Duration;

use super::availability::Inconclusive;
use super::cause::Cause;
use super::judge::{MaybeApplied, Trouble};
use super::moment::Moment;
use super::request::Request;
use super::state::Schedule;
use super::stop::StopReason;
use super::ticket::Ticket;

/// The wait of a request that could not connect, unless another request ends before.
const DELAY: Duration = Duration::from_millis(250);
/// The times that a row is sent again at once after its request was not processed. The next one is
/// trouble.
const NOT_PROCESSED_MAX: u32 = 2;
/// The same for a reused connection that was closed without an answer.
const UNANSWERED_MAX: u32 = 1;
/// The number of consecutive requests that may fail to reach the API, or twice the concurrency
/// limit if that is more. Closed and replaced connections do not explain more than that.
const NOT_REACHED_MAX: usize = 32;

impl<T: Clone> Schedule<T> {
    /// Sends a row again whose request did not reach the API, or most likely did not.
    ///
    /// It leaves as soon as a permit allows. This uses up no attempt and is no evidence about the
    /// API. The bounds count all of the row's attempts, whatever other answers come in between.
    pub(super) fn not_reached(
        &mut self,
        ticket: Ticket,
        applied: MaybeApplied,
        cause: Cause,
        sent: Moment,
        now: Moment,
    ) {
        let failures = &mut self.order.get_mut(ticket).failures;
        let (times, times_max) = match applied {
            MaybeApplied::No => (&mut failures.not_reached.not_processed, NOT_PROCESSED_MAX),
            MaybeApplied::Yes => (&mut failures.not_reached.unanswered, UNANSWERED_MAX),
        };
        *times += 1;
        self.run.not_reached += 1;
        let is_explained =
            self.run.not_reached <= NOT_REACHED_MAX.max(2 * self.flights.concurrency.limit());
        if *times > times_max || !is_explained {
            return self.in_trouble(ticket, Trouble::usual(applied), cause, sent, now);
        }
        failures.ambiguous |= applied == MaybeApplied::Yes;
        failures.cost = None;
        if applied == MaybeApplied::Yes {
            self.spend_tag(ticket);
        }
        // This is no evidence, but it delays the next probe: probes that all end like this must not
        // follow each other at once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        if self.run.stop.is_none() {
            self.order.send_again(ticket, now);
        }
    }

    /// The fewest requests that this machine could have in flight, if it ran out of descriptors or
    /// ports.
    pub fn sockets_lacked_beyond(&self) -> Option<usize> {
        self.flights.sockets.lowest()
    }

    /// Sends a row again whose request could not connect, when another request has ended or after a
    /// short delay.
    pub(super) fn row_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        let held = self.order.get_mut(ticket);
        held.sent = held.sent.saturating_sub(1);
        held.updates -= u32::from(held.request == Request::Write);
        let (cause, cost) = (
            held.failures.cause.filter(|_| held.sent > 0),
            held.failures.cost,
        );
        if let Some(cause) = cause
            && let Some(retries) = self.statistics.retries.get_mut(&cause)
        {
            *retries = retries.saturating_sub(1);
            self.statistics.retries.retain(|_, retries| *retries > 0);
        }
        if let Some(cost) = cost {
            self.retries.bucket.give_back(cost);
        }
        self.order.send_again(ticket, now + DELAY);
    }

    /// Gives up a control whose request could not connect.
    pub(super) fn control_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
    }

    fn ran_out_of_sockets(&mut self, ticket: Ticket, now: Moment) {
        self.flights.sockets.ran_out(self.flights.len(), now);
        self.statistics.attempts = self.statistics.attempts.saturating_sub(1);
        // This is no evidence about the API, but without a delay the next probe would follow at
        // once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let missing = self.flights.sockets.missing_for(now);
        if missing >= self.limits.wait_max {
            self.stop(StopReason::NoSockets { lasted: missing });
        }
    }
}
