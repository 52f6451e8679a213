//! What happens to a request that could not connect, as this machine has no file descriptors or ports left.

use std::time::Duration;

use super::availability::Void;
use super::moment::Moment;
use super::state::Schedule;
use super::stop::StopReason;
use super::ticket::Ticket;

/// How long a request that could not connect waits where no other one ends before.
const DELAY: Duration = Duration::from_millis(250);
impl<T: Clone> Schedule<T> {
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
