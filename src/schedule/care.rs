//! Rows whose customer is read before their update leaves, and the driver's decisions about them.
//!
//! Both requests are one life of the row: its customer's later rows wait for its end, and each
//! request takes a permit and has attempts of its own.

use super::changed::ReadAgain;
use super::decision::{Care, Decision, ReadNeed};
use super::moment::Moment;
use super::order::{Place, Purpose};
use super::request::{Departure, Request};
use super::state::{Priority, Schedule};
use super::ticket::Ticket;
use crate::contract::Answer;

impl<T: Clone> Schedule<T> {
    /// Whether the driver has to decide about the row of a ticket ([`Schedule::decided`]). The
    /// ticket may have ended.
    pub fn awaits_decision(&self, ticket: Ticket) -> bool {
        self.order.is_undecided(ticket)
    }

    /// The kind of the last request of the row of a ticket, or of its next one.
    pub fn request(&self, ticket: Ticket) -> Request {
        match self.order.get(ticket).purpose {
            Purpose::Row => self.order.get(ticket).request,
            Purpose::Control(request) => request,
        }
    }

    /// Whether an update of the row of a ticket was applied.
    pub fn is_updated(&self, ticket: Ticket) -> bool {
        let held = self.order.get(ticket);
        held.updates > 0 && held.ending.is_some()
    }

    /// Whether the row of a ticket goes alone.
    pub fn is_alone(&self, ticket: Ticket) -> bool {
        self.order.alone() == Some(ticket)
    }

    /// Whether the customer of the row of a ticket was known before its turn.
    pub fn is_known(&self, ticket: Ticket) -> bool {
        self.order.get(ticket).care == Care::Known
    }

    /// Changes the row of a ticket before its update leaves.
    pub fn row_mut(&mut self, ticket: Ticket) -> &mut T {
        &mut self.order.get_mut(ticket).row
    }

    /// Sets the care that rows need instead of [`Care::Alone`].
    pub fn go_together(&mut self, care: Care) {
        self.run.instead_of_alone = care;
        if let Some(ticket) = self.order.alone() {
            self.order.joins_the_others(ticket);
        }
    }

    /// Takes the driver's decision about a row whose customer was read, or whose update was applied
    /// while it went alone.
    pub fn decided(&mut self, ticket: Ticket, decision: Decision) {
        assert!(self.order.decided(ticket), "a decision is made once");
        match decision {
            Decision::Write(ending) => {
                let held = self.order.get_mut(ticket);
                (held.request, held.ending) = (Request::Write, ending);
                self.order.send_decided(ticket);
            }
            Decision::Read => {
                self.order.get_mut(ticket).request = Request::Read;
                self.order.send_decided(ticket);
            }
            Decision::Again => {
                let held = self.order.get_mut(ticket);
                (held.request, held.ending) = (Request::Read, None);
                self.order.send_decided(ticket);
            }
            Decision::Later => {
                self.order.joins_the_others(ticket);
                self.order.put_back(ticket, Place::Behind);
            }
            Decision::End(ending) => self.end(ticket, ending),
            Decision::Applied => {
                let applied = self.order.get_mut(ticket).ending.take();
                self.end(ticket, applied.expect("an applied update has an ending"));
            }
            Decision::Drop => {
                let customer = self.order.end(ticket).customer;
                self.order.release(customer);
            }
        }
    }

    /// Takes back a request that was to leave. The run is about to stop.
    pub fn withdraw(&mut self, ticket: Ticket) {
        self.land(ticket);
        self.statistics.attempts = self.statistics.attempts.saturating_sub(1);
    }

    /// The care that a row needs now.
    fn care(&self, ticket: Ticket) -> Care {
        match self.order.get(ticket).care {
            Care::Alone => self.run.instead_of_alone,
            care @ (Care::None | Care::Read | Care::Known) => care,
        }
    }

    /// The next request of a row that leaves. A row that goes alone goes so from its first read on.
    pub(super) fn request_of(&mut self, ticket: Ticket) -> Request {
        let care = self.care(ticket);
        let held = self.order.get_mut(ticket);
        match (care, held.request) {
            (Care::None, Request::Read) if held.updates == 0 => held.request = Request::Write,
            (Care::Alone, Request::Read) if self.order.alone().is_none() => {
                self.order.goes_alone(ticket);
            }
            _ => {}
        }
        self.order.get(ticket).request
    }

    /// Whether the row goes to the driver once its update is applied.
    pub(super) fn is_decided_after_write(&self, ticket: Ticket) -> bool {
        self.care(ticket) == Care::Alone
    }

    /// Whether a row that failed has to wait for the one that goes alone. It is put back among the
    /// rows that were not sent yet.
    pub(super) fn waits_for_the_lone_row(&mut self, ticket: Ticket) -> bool {
        let held = self.order.get(ticket);
        let is_behind = held.purpose == Purpose::Row
            && held.updates == 0
            && self.care(ticket) == Care::Alone
            && self.order.alone().is_some_and(|alone| alone != ticket);
        if is_behind {
            self.order.put_back(ticket, Place::Before);
        }
        is_behind
    }

    /// Notes that a read, which left at `sent`, was answered, where nothing else is sent.
    pub(super) fn only_reads_work(&mut self, sent: Moment, now: Moment) {
        let decidable = self.availability.shown(sent, now);
        self.api_works(sent, now);
        self.settle(decidable, now);
        self.believe_refusals();
    }

    /// Leaves the row to the driver: its read was answered.
    pub(super) fn read_ended(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        departure: Departure,
        now: Moment,
    ) {
        let read_again = self.note_state(ticket, answer);
        let held = self.order.get(ticket);
        let (cost, took) = (held.failures.cost, held.took);
        self.token.proven(held.token_generation);
        self.retries.bucket.refill(cost);
        self.throttle.accepted(departure, now);
        self.flights.concurrency.succeeded(now, took);
        if matches!(self.run.priority, Priority::FreshSince(since) if departure.at >= since) {
            self.run.priority = Priority::Retries;
        }
        // If an update follows, the read says nothing about whether the API is back.
        self.availability.probe_ended(ticket, now);
        if self.limits.reads == ReadNeed::Only {
            self.only_reads_work(departure.at, now);
        }
        // Failures of an update go on counting, or one that always fails would be sent for ever.
        if read_again == ReadAgain::No {
            self.order.forget_failures(ticket);
            self.order.get_mut(ticket).sent = 0;
        }
        self.order.await_decision(ticket);
    }
}
