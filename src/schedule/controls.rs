//! What an answer to a control does: a row that was applied is read and sent once more, to tell whether the API works.

use super::availability::Void;
use super::judge::{self, Meaning, ReadMeaning, Wait};
use super::moment::Moment;
use super::order::Part;
use super::pace::Limit;
use super::request::{Departure, Request};
use super::state::Schedule;
use super::stop::StopReason;
use super::ticket::Ticket;
use super::token;
use crate::contract::{Answer, CustomerId};

impl<T: Clone> Schedule<T> {
    pub(super) fn control_read(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        departure: Departure,
        now: Moment,
    ) {
        let customer = self.order.get(ticket).customer;
        match judge::read(answer) {
            ReadMeaning::AsSent => self.control_may_write(ticket),
            // Requests name a country by its id and answers by its name, so the answer to the update tells what it was.
            ReadMeaning::AsSentButCountry(country)
                if self.availability.control_country(customer) == Some(country) =>
            {
                self.control_may_write(ticket);
            }
            ReadMeaning::AsSentButCountry(_) | ReadMeaning::Otherwise => {
                self.control_is_void(ticket, Void::Differs, now);
            }
            ReadMeaning::Nothing => self.control_is_void(ticket, Void::InVain, now),
            ReadMeaning::Wait(wait) if self.control_meets_a_limit(ticket, wait, departure, now) => {
            }
            ReadMeaning::Wait(_) | ReadMeaning::Trouble => {
                self.availability
                    .probe_failed(ticket, now, &mut self.random);
                self.control_is_void(ticket, Void::Unsent, now);
            }
            ReadMeaning::NoSockets => self.control_not_sent(ticket, now),
            ReadMeaning::SendAgain => self.control_is_void(ticket, Void::Unsent, now),
            ReadMeaning::TokenRefused => self.control_token_refused(ticket, now),
        }
    }

    fn control_may_write(&mut self, ticket: Ticket) {
        self.order.get_mut(ticket).part = Part::Control(Request::Write);
        self.course.control = Some(ticket);
    }

    pub(super) fn control_written(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        departure: Departure,
        now: Moment,
    ) {
        let sent = departure.at;
        match judge::write(answer) {
            Meaning::Applied => {
                let took = self.order.get(ticket).took;
                self.end_control(ticket);
                self.let_through(departure, took, now);
                let told = self.availability.control_applied(sent, now);
                self.api_works(sent, now);
                self.settle(told, now);
            }
            Meaning::Wait(wait) if self.control_meets_a_limit(ticket, wait, departure, now) => {}
            Meaning::NoSockets => self.control_not_sent(ticket, now),
            Meaning::SendAgain(_) => self.control_is_void(ticket, Void::Unsent, now),
            Meaning::TokenRefused => self.control_token_refused(ticket, now),
            Meaning::Refused
            | Meaning::RefusedInDoubt(_)
            | Meaning::NotTheApi(_)
            | Meaning::Trouble(_)
            | Meaning::Wait(_)
            | Meaning::Unreachable(_) => {
                self.availability
                    .probe_failed(ticket, now, &mut self.random);
                self.end_control(ticket);
                let opening = self
                    .availability
                    .control_failed(sent, now, &mut self.random);
                self.count_outage(opening);
            }
        }
    }

    /// Whether a limit refused the control, which then tells nothing.
    fn control_meets_a_limit(
        &mut self,
        ticket: Ticket,
        wait: Wait,
        departure: Departure,
        now: Moment,
    ) -> bool {
        let limit = self.pace.refused(departure, wait, now);
        if limit == Limit::None {
            return false;
        }
        self.control_is_void(ticket, Void::Unsent, now);
        self.everybody_waits(wait, limit, departure, now);
        true
    }

    fn control_token_refused(&mut self, ticket: Ticket, now: Moment) {
        let refused = self
            .token
            .refused(self.order.get(ticket).token_generation, now);
        self.control_is_void(ticket, Void::Unsent, now);
        if refused == token::Refusal::Final {
            self.stop(StopReason::TokenRefused);
        }
    }

    /// The control tells nothing.
    pub(super) fn control_is_void(&mut self, ticket: Ticket, why: Void, now: Moment) {
        self.availability.probe_ended(ticket, now);
        let customer = self.end_control(ticket);
        self.availability.control_void(customer, why);
    }

    fn end_control(&mut self, ticket: Ticket) -> CustomerId {
        let customer = self.order.end(ticket).customer;
        self.order.release(customer);
        customer
    }
}
