//! Answers to a control: a row that was applied is read and sent once more, to show whether the API
//! works.

use super::availability::Inconclusive;
use super::judge::{self, Meaning, ReadMeaning, Wait};
use super::moment::Moment;
use super::order::Purpose;
use super::request::{Departure, Request};
use super::state::Schedule;
use super::stop::StopReason;
use super::throttle::LimitMet;
use super::ticket::Ticket;
use super::token;
use crate::contract::{Answer, CustomerId};

impl<T: Clone> Schedule<T> {
    /// Whether the ticket's request is a control's read. The row's update follows if it shows every
    /// field as it was sent.
    pub(crate) fn is_control_read(&self, ticket: Ticket) -> bool {
        self.order.get(ticket).purpose == Purpose::Control(Request::Read)
    }

    /// Handles the answer to a control's read.
    pub(super) fn control_read(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        departure: Departure,
        now: Moment,
    ) {
        let customer = self.order.get(ticket).customer;
        match judge::read(answer) {
            ReadMeaning::AsSent => self.control_may_write(ticket, answer),
            // Requests name a country by its id and answers by its name, so compare with the name
            // in the answer to the update.
            ReadMeaning::AsSentButCountry(country)
                if self.availability.control_country(customer) == Some(country) =>
            {
                self.control_may_write(ticket, answer);
            }
            ReadMeaning::AsSentButCountry(_) | ReadMeaning::Otherwise => {
                self.control_is_inconclusive(ticket, Inconclusive::Differs, now);
            }
            ReadMeaning::Nothing => {
                self.control_is_inconclusive(ticket, Inconclusive::NotShown, now);
            }
            ReadMeaning::Wait(wait) if self.control_meets_a_limit(ticket, wait, departure, now) => {
            }
            ReadMeaning::Wait(_) | ReadMeaning::Trouble => {
                self.availability
                    .probe_failed(ticket, now, &mut self.random);
                self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
            }
            ReadMeaning::NoSockets => self.control_not_sent(ticket, now),
            ReadMeaning::SendAgain => {
                self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
            }
            ReadMeaning::TokenRefused => self.control_token_refused(ticket, now),
        }
    }

    fn control_may_write(&mut self, ticket: Ticket, answer: &Answer) {
        self.note_state(ticket, answer);
        self.order.get_mut(ticket).purpose = Purpose::Control(Request::Write);
        self.run.control = Some(ticket);
    }

    /// Handles the answer to a control's update.
    pub(super) fn control_written(
        &mut self,
        ticket: Ticket,
        answer: &Answer,
        departure: Departure,
        now: Moment,
    ) {
        let sent = departure.at;
        if self.order.get(ticket).guard.has_failed(answer) {
            return self.control_is_inconclusive(ticket, Inconclusive::Differs, now);
        }
        match judge::write(answer) {
            Meaning::Applied => {
                let took = self.order.get(ticket).took;
                self.end_control(ticket);
                self.let_through(departure, took, now);
                let decidable = self.availability.control_applied(sent, now);
                self.api_works(sent, now);
                self.settle(decidable, now);
            }
            Meaning::Wait(wait) if self.control_meets_a_limit(ticket, wait, departure, now) => {}
            Meaning::NoSockets => self.control_not_sent(ticket, now),
            Meaning::SendAgain(_) => {
                self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
            }
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
                let transition = self
                    .availability
                    .control_failed(sent, now, &mut self.random);
                self.count_outage(transition);
            }
        }
    }

    /// Whether a limit refused the control, which makes it inconclusive.
    fn control_meets_a_limit(
        &mut self,
        ticket: Ticket,
        wait: Wait,
        departure: Departure,
        now: Moment,
    ) -> bool {
        let limit = self.throttle.refused(departure, wait, now);
        if limit == LimitMet::None {
            return false;
        }
        self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
        self.apply_wait(wait, limit, departure, now);
        true
    }

    fn control_token_refused(&mut self, ticket: Ticket, now: Moment) {
        let refused = self
            .token
            .refused(self.order.get(ticket).token_generation, now);
        self.control_is_inconclusive(ticket, Inconclusive::NotSent, now);
        if refused == token::AfterRefusal::Stop {
            self.stop(StopReason::TokenRefused);
        }
    }

    /// Ends a control that shows nothing about the API.
    pub(super) fn control_is_inconclusive(
        &mut self,
        ticket: Ticket,
        why: Inconclusive,
        now: Moment,
    ) {
        self.availability.probe_ended(ticket, now);
        let customer = self.end_control(ticket);
        self.availability.control_inconclusive(customer, why);
    }

    fn end_control(&mut self, ticket: Ticket) -> CustomerId {
        let customer = self.order.end(ticket).customer;
        self.order.release(customer);
        customer
    }
}
