//! Answers: what each does to its row, and to what is known of the API.

use std::time::Duration;

use super::availability::DoubtReason;
use super::cause::Cause;
use super::ended::Ending;
use super::judge::{self, MaybeApplied, Meaning, Trouble};
use super::moment::Moment;
use super::order::Purpose;
use super::request::{Departure, Request};
use super::state::{DoubtRound, Priority, Schedule};
use super::stop::StopReason;
use super::ticket::Ticket;
use super::token;
use crate::contract::{Answer, Attempt, Fault, Response};

impl<T: Clone> Schedule<T> {
    /// Takes the result of a request that was sent.
    pub fn finished(&mut self, ticket: Ticket, attempt: Attempt, now: Moment) {
        self.flights.answered(now);
        self.ended_with(ticket, attempt, now);
    }

    /// Fails a request whose timeout is over.
    pub(super) fn timed_out(&mut self, ticket: Ticket, now: Moment) {
        if self.pages.departure(ticket).is_some() {
            return self.page_timed_out(ticket, now);
        }
        let took = self
            .order
            .get(ticket)
            .departure
            .map_or(Duration::ZERO, |departure| now.since(departure.at));
        self.ended_with(
            ticket,
            Attempt {
                answer: Answer::Fault(Fault::Timeout),
                took,
            },
            now,
        );
    }

    /// Takes a request out of those in flight.
    pub(super) fn land(&mut self, ticket: Ticket) -> Departure {
        let departure = self.pages.land(ticket);
        let departure = departure
            .or_else(|| self.order.get_mut(ticket).departure.take())
            .expect("the request left");
        self.flights.ends(ticket, departure.at);
        self.throttle.landed(departure);
        departure
    }

    fn ended_with(&mut self, ticket: Ticket, attempt: Attempt, now: Moment) {
        let departure = self.land(ticket);
        self.learn(&attempt.answer, departure.at, now);
        let held = self.order.get_mut(ticket);
        held.took = attempt.took;
        match held.purpose {
            Purpose::Row => self.row_answered(ticket, attempt.answer, departure, now),
            Purpose::Control(Request::Read) => {
                self.control_read(ticket, &attempt.answer, departure, now);
            }
            Purpose::Control(Request::Write) => {
                self.control_written(ticket, &attempt.answer, departure, now);
            }
        }
        self.statistics.learned_rate = self.throttle.learned_rate();
        self.statistics.learned_in_flight = self.throttle.in_flight_max();
    }

    /// Learns what an answer tells whatever its request: the API's window, and that there was a
    /// connection.
    pub(super) fn learn(&mut self, answer: &Answer, sent: Moment, now: Moment) {
        if let Answer::Response(response) = answer {
            self.throttle.learn(response, sent, now, &mut self.random);
            self.run.not_reached = 0;
        }
        if *answer != Answer::Fault(Fault::NoSockets) {
            self.flights.sockets.served();
        }
    }

    fn row_answered(&mut self, ticket: Ticket, answer: Answer, departure: Departure, now: Moment) {
        let sent = departure.at;
        let cause = Cause::of(&answer);
        let held = self.order.get_mut(ticket);
        let is_read = held.request == Request::Read;
        if !is_read && held.guard.has_failed(&answer) {
            return self.changed_since_read(ticket, departure, now);
        }
        let meaning = if is_read {
            judge::read_before(&answer, self.limits.reads)
        } else {
            judge::write(&answer)
        };
        if !matches!(meaning, Meaning::Applied | Meaning::NoSockets) {
            held.failures.cause = Some(cause);
            if is_read && held.updates == 0 {
                self.order.joins_the_others(ticket);
            }
        }
        match meaning {
            Meaning::Applied if is_read => self.read_ended(ticket, &answer, departure, now),
            Meaning::NoSockets => self.row_not_sent(ticket, now),
            Meaning::Applied => self.applied(ticket, &answer, departure, now),
            Meaning::Refused => self.refused(ticket, rejected(answer), departure, now),
            Meaning::RefusedInDoubt(refusal) => {
                self.refused_in_doubt(ticket, refusal, rejected(answer), departure, now);
            }
            Meaning::NotTheApi(foreign) => self.not_the_api(ticket, foreign, answer, sent, now),
            Meaning::Trouble(trouble) => self.in_trouble(ticket, trouble, cause, sent, now),
            Meaning::Unreachable(_) if self.availability.has_answered() => {
                self.in_trouble(ticket, Trouble::usual(MaybeApplied::No), cause, sent, now);
            }
            Meaning::Unreachable(fault) => self.stop(StopReason::Unreachable { fault }),
            Meaning::Wait(wait) => self.asked_to_wait(ticket, cause, wait, departure, now),
            Meaning::SendAgain(applied) => self.not_reached(ticket, applied, cause, sent, now),
            Meaning::TokenRefused => self.token_refused(ticket, now),
        }
    }

    fn applied(&mut self, ticket: Ticket, answer: &Answer, departure: Departure, now: Moment) {
        let sent = departure.at;
        let (status, country, echo) = match answer {
            Answer::Response(response) => {
                let echo = response.echo.map(|echo| self.limits.echoes.completed(echo));
                (response.status, response.country, echo)
            }
            Answer::Fault(_) => (0, None, None),
        };
        let held = self.order.get(ticket);
        let (failures, cost, took) = (held.failures.failed, held.failures.cost, held.took);
        if matches!(held.failures.doubt_reason, Some(DoubtReason::Refused(_))) {
            self.availability.refusal_was_wrong(now);
        }
        self.token.proven(held.token_generation);
        let decidable =
            self.availability
                .applied(held.customer, &held.row, country, failures, sent, now);
        self.retries.bucket.refill(cost);
        self.let_through(departure, took, now);
        self.end_applied(ticket, Ending::Updated { status, echo });
        self.api_works(sent, now);
        self.settle(decidable, now);
    }

    /// Ends a row whose update was applied, or leaves it to the driver if it went alone.
    fn end_applied(&mut self, ticket: Ticket, updated: Ending) {
        let held = self.order.get_mut(ticket);
        let ending = held.ending.take().unwrap_or(updated);
        if self.is_decided_after_write(ticket) {
            self.order.forget_failures(ticket);
            let held = self.order.get_mut(ticket);
            (held.ending, held.sent) = (Some(ending), 0);
            self.order.await_decision(ticket);
        } else {
            self.end(ticket, ending);
        }
    }

    /// Ends a row that the API refuses.
    pub(super) fn refused(
        &mut self,
        ticket: Ticket,
        ending: Ending,
        departure: Departure,
        now: Moment,
    ) {
        self.token.proven(self.order.get(ticket).token_generation);
        self.throttle.accepted(departure, now);
        self.availability.refused(departure.at, now);
        self.api_works(departure.at, now);
        self.end(ticket, ending);
    }

    /// Notes that the API let a request through.
    pub(super) fn let_through(&mut self, departure: Departure, took: Duration, now: Moment) {
        self.throttle.accepted(departure, now);
        self.flights.concurrency.succeeded(now, took);
        self.run.doubt_round = DoubtRound::Usual;
        if matches!(self.run.priority, Priority::FreshSince(since) if departure.at >= since) {
            self.run.priority = Priority::Retries;
        }
    }

    /// Ends an outage: a write that left at `sent` shows that the API works.
    pub(super) fn api_works(&mut self, sent: Moment, now: Moment) {
        if let Some(lasted) = self.availability.alive(sent, now) {
            self.statistics.down += lasted;
            self.flights.concurrency.begin_again(now);
            self.throttle.was_down();
        }
    }

    fn token_refused(&mut self, ticket: Ticket, now: Moment) {
        self.availability.probe_ended(ticket, now);
        match self
            .token
            .refused(self.order.get(ticket).token_generation, now)
        {
            token::AfterRefusal::SendAgain => self.order.send_again(ticket, now),
            token::AfterRefusal::Stop => self.stop(StopReason::TokenRefused),
        }
    }
}

/// The ending of a row that the API refuses with this answer.
fn rejected(answer: Answer) -> Ending {
    match answer {
        Answer::Response(Response { status, error, .. }) => Ending::Rejected {
            status,
            error: error.map(|error| *error).unwrap_or_default(),
        },
        Answer::Fault(fault) => Ending::Failed {
            cause: Cause::Fault(fault),
        },
    }
}
