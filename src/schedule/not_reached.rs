//! Requests that did not reach the API, or most likely did not. They leave again, and say nothing of the API.

use std::time::Duration;

use super::availability::Inconclusive;
use super::cause::Cause;
use super::judge::{MaybeApplied, Trouble};
use super::moment::Moment;
use super::state::Schedule;
use super::stop::StopReason;
use super::ticket::Ticket;

/// How long a request that could not connect waits where no other one ends before.
const DELAY: Duration = Duration::from_millis(250);
/// A row leaves again at once so often where its request was not processed. From then on that is trouble.
const NOT_PROCESSED_MAX: u32 = 2;
/// The same where a kept connection was closed without an answer.
const UNANSWERED_MAX: u32 = 1;
/// More requests than this, and than twice the limit of those in flight, that do not reach the API in a row are trouble: no
/// connections that are closed and replaced explain them.
const NOT_REACHED_MAX: usize = 32;

impl<T: Clone> Schedule<T> {
    /// The request did not reach the API, or most likely did not. The row leaves again as soon as a permit allows, which uses up
    /// no attempt and tells nothing of the API. How often is counted over all of the row's attempts, so that the bound holds
    /// whatever happens in between.
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
        // It tells nothing, but where each probe ends like this the next one must not leave at once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        if self.run.stop.is_none() {
            self.order.send_again(ticket, now);
        }
    }

    /// The fewest requests that this machine could have in flight, where it lacked descriptors or ports for more.
    pub fn sockets_lacked_beyond(&self) -> Option<usize> {
        self.flights.sockets.lowest()
    }

    /// The row's request could not connect. It leaves again when another one has ended, or after a moment.
    pub(super) fn row_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        let held = self.order.get_mut(ticket);
        held.sent = held.sent.saturating_sub(1);
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

    /// The control's request could not connect.
    pub(super) fn control_not_sent(&mut self, ticket: Ticket, now: Moment) {
        self.ran_out_of_sockets(ticket, now);
        self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
    }

    fn ran_out_of_sockets(&mut self, ticket: Ticket, now: Moment) {
        self.flights.sockets.ran_out(self.flights.len(), now);
        self.statistics.attempts = self.statistics.attempts.saturating_sub(1);
        // It tells nothing of the API, but a probe that could not connect would be followed by the next one at once.
        self.availability
            .probe_failed(ticket, now, &mut self.random);
        let missing = self.flights.sockets.missing_for(now);
        if missing >= self.limits.wait_max {
            self.stop(StopReason::NoSockets { lasted: missing });
        }
    }
}
