//! Which request leaves next, and what holds it back.

use super::availability::{DOUBTS_MAX, Gate};
use super::moment::Moment;
use super::order::Part;
use super::pace::Brake;
use super::request::{Departure, Request};
use super::state::{Round, Schedule, Supply, Turn};
use super::step::{Slow, Step};
use super::stop::StopReason;
use super::ticket::Ticket;
use super::trials::{Phase, Trials};
use crate::contract::CustomerId;

/// The request that may leave next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    /// The oldest row that was not sent yet.
    Fresh,
    /// The newest one.
    Newest,
    /// The first row that waits to be sent again.
    Again,
    /// The update of a control whose read went well.
    ControlWrite(Ticket),
    /// The read of a control.
    Control,
    /// The row in doubt that has waited the longest.
    Doubt,
    /// None, before this time or before something happens.
    None(Option<Moment>, Option<Slow>),
}

/// Whether a row is due to be sent again.
enum Due {
    Now,
    NotBefore(Moment),
    /// The retry budget is empty until then.
    Unpaid(Moment),
    NoRow,
}

impl<T: Clone> Schedule<T> {
    pub(super) fn send_or_wait(&mut self, now: Moment) -> Step<T> {
        let opening = self.availability.judge(now, &mut self.random);
        self.count_outage(opening);
        let candidate = match (self.course.control, self.availability.gate(now)) {
            (Some(ticket), _) => Candidate::ControlWrite(ticket),
            (None, Gate::NotBefore(at)) => Candidate::None(Some(at), Some(self.api_down(now))),
            (None, Gate::NotBeforeAnswer) => Candidate::None(None, Some(self.api_down(now))),
            (None, Gate::Probe) => self.probe(now),
            (None, Gate::Closed) => self.candidate(now),
        };
        if self.course.stop.is_some() {
            return self.wind_down(now);
        }
        if let Candidate::None(until, slow) = candidate {
            self.course.slow = slow;
            return self.wait(until);
        }
        let learned = self.pace.in_flight_max().unwrap_or(usize::MAX);
        if self.flights.len() >= self.flights.limit(now).min(learned) {
            return self.hold_back(None, Slow::LimitedByConcurrency);
        }
        match self
            .pace
            .take_permit(now, self.flights.len(), self.rows_left())
        {
            Err(Brake::Pause(until)) => self.hold_back(Some(until), Slow::PausedByApi(until)),
            Err(Brake::Exhausted(until)) if until.since(now) > self.limits.wait_max => {
                self.course.too_long_until = Some(until);
                self.stop(StopReason::WaitTooLong {
                    wait: until.since(now),
                });
                self.wind_down(now)
            }
            Err(Brake::Exhausted(until)) => self.hold_back(Some(until), Slow::LimitedByWindow),
            Err(Brake::Window(until)) => self.keep_pace(until, Slow::LimitedByWindow, now),
            Err(Brake::Rate(until)) => self.keep_pace(Some(until), Slow::LimitedByRate, now),
            Err(Brake::LearnedRate(until)) => {
                self.keep_pace(Some(until), Slow::LimitedByLearnedRate, now)
            }
            Err(Brake::Shut(until)) => self.hold_back(until, Slow::LimitedByLearnedRate),
            Ok(()) => self.send(candidate, now),
        }
    }

    /// Rows that are not in flight, once all have been offered.
    fn rows_left(&self) -> Option<u64> {
        let rows = self.order.rows_held().saturating_sub(self.flights.len());
        (self.course.supply == Supply::Closed).then(|| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    pub(super) fn hold_back(&mut self, until: Option<Moment>, slow: Slow) -> Step<T> {
        self.course.slow = Some(slow);
        self.wait(until)
    }

    /// Our own pace holds a request back, which is no wait for the API.
    fn keep_pace(&mut self, until: Option<Moment>, slow: Slow, now: Moment) -> Step<T> {
        if self.flights.is_empty() {
            self.course.paced_since = Some(now);
        }
        self.hold_back(until, slow)
    }

    /// Waits until then, but not beyond any of the deadlines.
    fn wait(&self, until: Option<Moment>) -> Step<T> {
        // The API's silence is not timed while our own pace holds everything back, nor once it has been long enough.
        let is_timed = self.course.paced_since.is_none() && self.course.round == Round::Usual;
        let unwell_since = self.availability.unwell_since().filter(|_| is_timed);
        let longest_ends = |since: Option<Moment>| since.map(|since| since + self.limits.wait_max);
        let deadlines = [
            until,
            longest_ends(unwell_since),
            self.flights.first_timeout(),
            self.availability.wake_at(),
            self.token.wake_at(),
            longest_ends(self.token.unavailable_since()),
        ];
        Step::Wait(deadlines.into_iter().flatten().min())
    }

    /// The request that leaves next while nothing speaks against the API.
    fn candidate(&mut self, now: Moment) -> Candidate {
        if self.availability.asks_for_a_control() && self.control_due(now) == Some(now) {
            return Candidate::Control;
        }
        let has_fresh = self.order.has_ready();
        // Nothing speaks for the API while rows fail: other rows tell more than those that have failed.
        let fresh_first = matches!(self.course.turn, Turn::FreshSince(_))
            || self.availability.failing_since().is_some();
        if self.availability.doubts() >= DOUBTS_MAX {
            return self.only_doubts_are_left(now);
        }
        if has_fresh && fresh_first {
            return Candidate::Fresh;
        }
        match self.row_due_again(now) {
            Due::Now => Candidate::Again,
            Due::NotBefore(_) | Due::Unpaid(_) | Due::NoRow if has_fresh => Candidate::Fresh,
            Due::NotBefore(at) => Candidate::None(Some(at), None),
            Due::Unpaid(at) => Candidate::None(Some(at), Some(Slow::RetryBudgetEmpty)),
            Due::NoRow => self.only_doubts_are_left(now),
        }
    }

    /// The request that asks whether the API is back.
    fn probe(&mut self, now: Moment) -> Candidate {
        let control_due = self.control_due(now);
        // Rows that were not sent yet may be as bad as those that failed, so a control takes turns with them.
        if control_due == Some(now) && self.availability.is_controls_turn() {
            return Candidate::Control;
        }
        if self.order.has_ready() {
            return Candidate::Newest;
        }
        if control_due == Some(now) {
            return Candidate::Control;
        }
        if self.order.again_at().is_some() {
            return Candidate::Again;
        }
        if self.availability.has_doubts() {
            return Candidate::Doubt;
        }
        Candidate::None(control_due, Some(self.api_down(now)))
    }

    /// No row may leave but those in doubt: what may tell about them.
    fn only_doubts_are_left(&mut self, now: Moment) -> Candidate {
        if !self.availability.has_doubts() || !self.flights.is_empty() {
            return Candidate::None(None, None);
        }
        if self.course.supply == Supply::Closed && self.stop_where_all_fare_alike() {
            return Candidate::None(None, None);
        }
        let wait = |at| Candidate::None(at, Some(Slow::InDoubt));
        if self.course.round == Round::Last {
            return Candidate::Doubt;
        }
        let control_due = self.control_due(now);
        if control_due == Some(now) {
            return Candidate::Control;
        }
        if self.availability.has_reliable_control()
            && (control_due.is_some() || self.course.unrecorded > 0)
        {
            // Without a time, its customer's outcome is about to be written down.
            return wait(control_due);
        }
        if self.availability.all_doubts_spoke() {
            let asked_again_at = self.availability.ask_again_at();
            return match asked_again_at {
                Some(at) if at > now => wait(control_due.into_iter().chain(asked_again_at).min()),
                Some(_) | None => Candidate::Doubt,
            };
        }
        let opening = self.availability.open_now(now, &mut self.random);
        self.count_outage(opening);
        Candidate::None(self.availability.next_probe(), Some(self.api_down(now)))
    }

    /// From when on a control may be sent, `now` where it may at once; nothing where there is none.
    fn control_due(&self, now: Moment) -> Option<Moment> {
        self.control_customer()
            .map(|_| self.availability.control_due_at().max(now))
    }

    /// The customer that a control would be about: the last one who was updated and has no later row under way.
    fn control_customer(&self) -> Option<CustomerId> {
        self.availability
            .control_customers()
            .find(|customer| self.order.is_idle(*customer))
    }

    /// Whether the first row that waits to be sent again may leave. A row's last attempt waits for a sign of life since its last
    /// failure: until then it is in doubt.
    fn row_due_again(&mut self, now: Moment) -> Due {
        while let (Some(ticket), Some(at)) = (self.order.first_again(), self.order.again_at()) {
            if at > now {
                return Due::NotBefore(at);
            }
            let trials = &self.order.get(ticket).trials;
            if self.waits_for_a_sign_of_life(trials) {
                self.order.take_again();
                self.doubt_last_attempt(ticket);
                continue;
            }
            return match trials
                .cost
                .map(|cost| self.retries.budget.due_at(cost, now))
            {
                Some(at) if at > now => Due::Unpaid(at),
                Some(_) | None => Due::Now,
            };
        }
        Due::NoRow
    }

    fn waits_for_a_sign_of_life(&self, trials: &Trials) -> bool {
        let is_last = trials.counted > 0 && trials.counted + 1 >= trials.limit;
        let has_lived = trials
            .failed_at
            .is_none_or(|failed| self.availability.has_lived_since(failed));
        trials.phase == Phase::Usual && is_last && !has_lived
    }

    fn send(&mut self, candidate: Candidate, now: Moment) -> Step<T> {
        let ticket = match candidate {
            Candidate::Fresh => self.order.take_ready(),
            Candidate::Newest => self.order.take_newest(),
            Candidate::Again => self.order.take_again(),
            Candidate::ControlWrite(ticket) => {
                self.course.control = None;
                Some(ticket)
            }
            Candidate::Control => self.begin_control(now),
            Candidate::Doubt => self.ask_about_a_doubt(),
            Candidate::None(..) => None,
        };
        let ticket = ticket.expect("the candidate is there");
        let generation = self.token.generation();
        let in_flight = self.flights.len() + 1;
        let held = self.order.get_mut(ticket);
        held.token_generation = generation;
        let request = match held.part {
            Part::Control(request) => request,
            Part::Row => {
                held.sent += 1;
                if let Some(cause) = held.trials.cause.filter(|_| held.sent > 1) {
                    *self.statistics.retries.entry(cause).or_default() += 1;
                }
                if let Some(cost) = held.trials.cost {
                    self.retries.budget.pay(cost, now);
                }
                Request::Write
            }
        };
        // A control repeats what was applied.
        let nth = if held.part == Part::Row { held.sent } else { 2 };
        let refused_beside_others = held.trials.waits.beside_others;
        let departure = Departure {
            at: now,
            in_flight,
            nth,
            refused_beside_others,
        };
        held.departure = Some(departure);
        self.pace.leaves(departure);
        self.flights.leaves(ticket, now);
        self.availability.sent(ticket);
        self.flights.concurrency.sent(self.flights.len());
        self.statistics.attempts += 1;
        self.statistics.in_flight_max = self.statistics.in_flight_max.max(self.flights.len());
        if self.availability.down_since().is_none() {
            self.course.slow = None;
        }
        Step::Send(ticket, request)
    }

    fn begin_control(&mut self, now: Moment) -> Option<Ticket> {
        let customer = self.control_customer()?;
        let row = self.availability.control_row(customer)?;
        let ticket = self.order.hold_control(customer, row);
        self.availability
            .control_begins(ticket, now, &mut self.random);
        self.statistics.controls += 1;
        Some(ticket)
    }

    fn ask_about_a_doubt(&mut self) -> Option<Ticket> {
        let doubt = self.availability.take_next_doubt()?;
        let trials = &mut self.order.get_mut(doubt.ticket).trials;
        trials.phase = Phase::AskedAgain;
        trials.asked_again = doubt.asked_once_more();
        Some(doubt.ticket)
    }

    fn api_down(&self, now: Moment) -> Slow {
        let since = self
            .availability
            .failing_since()
            .or(self.availability.down_since())
            .unwrap_or(now);
        Slow::ApiDown(since, self.availability.next_probe())
    }

    /// Stops where every row there is fares alike, before the API has ever answered as itself. Whether it does.
    fn stop_where_all_fare_alike(&mut self) -> bool {
        if self.availability.has_answered() {
            return false;
        }
        let first = self.availability.first_answers();
        if first.forbidden > 0 && first.not_found + first.others == 0 && self.refusals_may_stop() {
            self.stop(StopReason::Forbidden {
                answers: first.forbidden,
            });
        } else if self.availability.all_doubts_are_strange() {
            self.stop_misdirected();
        }
        self.course.stop.is_some()
    }
}
