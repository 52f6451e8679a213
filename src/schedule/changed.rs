//! Rows whose customer was changed after the read, or may have been.
//!
//! An update that may have been applied has changed the customer, so its tag is never used again: the
//! customer is read once more. Its failures go on counting, so that it ends like any other row.

use super::guard::Guard;
use super::moment::Moment;
use super::request::{Departure, Request};
use super::state::Schedule;
use super::ticket::Ticket;
use crate::contract::Answer;

impl<T: Clone> Schedule<T> {
    /// Whether the update of the row of a ticket was refused because its customer was changed after
    /// the read. The driver decides ([`Schedule::decided`]). The ticket may have ended.
    pub fn was_changed(&self, ticket: Ticket) -> bool {
        self.order.is_undecided(ticket) && {
            let held = self.order.get(ticket);
            held.guard == Guard::Spent && held.request == Request::Write
        }
    }

    /// Whether an update of the row of a ticket failed, and may have been applied.
    pub fn may_be_applied(&self, ticket: Ticket) -> bool {
        self.order.get(ticket).failures.ambiguous
    }

    /// Notes the state that the answer to a read names. Returns whether the row was read again for
    /// an update that failed.
    pub(super) fn note_state(&mut self, ticket: Ticket, answer: &Answer) -> ReadAgain {
        let held = self.order.get_mut(ticket);
        match std::mem::replace(&mut held.guard, Guard::of(answer)) {
            Guard::Spent => ReadAgain::Yes,
            Guard::None | Guard::Tag => ReadAgain::No,
        }
    }

    /// Leaves a row to the driver whose customer was changed after the read.
    pub(super) fn changed_since_read(&mut self, ticket: Ticket, departure: Departure, now: Moment) {
        let held = self.order.get_mut(ticket);
        held.guard = Guard::Spent;
        held.ending = None;
        let took = held.took;
        self.token.proven(self.order.get(ticket).token_generation);
        self.throttle.accepted(departure, now);
        self.flights.concurrency.succeeded(now, took);
        // A server in front of the API may have answered, so it says nothing about the API.
        self.availability.probe_ended(ticket, now);
        self.order.await_decision(ticket);
    }

    /// Notes that an update of the row failed and may have been applied. Its customer is read again
    /// before the next one.
    pub(super) fn spend_tag(&mut self, ticket: Ticket) {
        let held = self.order.get_mut(ticket);
        if held.guard == Guard::Tag && held.request == Request::Write {
            held.guard = Guard::Spent;
            held.request = Request::Read;
            held.ending = None;
        }
    }
}

/// Whether a row was read again for an update that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadAgain {
    Yes,
    No,
}
