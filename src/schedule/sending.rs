//! The request that leaves next, and what holds it back.

use super::availability::{DOUBTS_MAX, Permission};
use super::limited_by::{InFlightBound, LimitedBy};
use super::moment::Moment;
use super::order::Purpose;
use super::rate::Rate;
use super::request::{Departure, Request};
use super::row_failures::{AttemptKind, RowFailures};
use super::state::{DoubtRound, Priority, Schedule, Supply};
use super::step::Step;
use super::stop::StopReason;
use super::throttle::ThrottledBy;
use super::ticket::Ticket;
use crate::contract::CustomerId;

/// The request that leaves next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Candidate {
    /// The oldest row that was not sent yet.
    Fresh,
    /// The newest row that was not sent yet.
    Newest,
    /// The row that the driver decided on first.
    Decided,
    /// The first row to be sent again.
    Retry,
    /// The update of a control whose read matched.
    ControlWrite(Ticket),
    /// The read of a control.
    Control,
    /// The row in doubt that has waited longest for a recheck.
    Doubt,
    /// None before this time or, without one, before an event.
    None(Option<Moment>, Option<LimitedBy>),
}

/// Whether the first row to be sent again may leave.
enum Due {
    Now,
    NotBefore(Moment),
    /// There are no retry tokens for it before this time.
    NoTokens(Moment),
    NoRow,
}

impl<T: Clone> Schedule<T> {
    /// Sends the next request, or waits for what holds it back.
    pub(super) fn send_or_wait(&mut self, now: Moment) -> Step<T> {
        let transition = self.availability.judge(now, &mut self.random);
        self.count_outage(transition);
        let candidate = match (self.run.control, self.availability.permission(now)) {
            (Some(ticket), _) => Candidate::ControlWrite(ticket),
            (None, Permission::NotBefore(at)) => {
                Candidate::None(Some(at), Some(self.api_down(now)))
            }
            (None, Permission::NotBeforeAnswer) => Candidate::None(None, Some(self.api_down(now))),
            (None, Permission::Probe) => self.probe(now),
            (None, Permission::Granted) => self.candidate(now),
        };
        if self.run.stop.is_some() {
            return self.wind_down(now);
        }
        if let Candidate::None(until, limited_by) = candidate {
            self.run.limited_by = limited_by.or_else(|| self.limited_by_rows());
            return self.wait(until);
        }
        let (in_flight_max, bound) = self.in_flight_max(now);
        if self.flights.len() >= in_flight_max {
            return self.hold_back(None, LimitedBy::InFlight(in_flight_max, bound));
        }
        match self.permit_or_wait(self.rows_left(), now) {
            Some(wait) => wait,
            None => self.send(candidate, now),
        }
    }

    /// Takes the permit for one request, or returns the wait for what holds it back. `rows_left`
    /// counts rows that are not in flight, if known.
    pub(super) fn permit_or_wait(
        &mut self,
        rows_left: Option<u64>,
        now: Moment,
    ) -> Option<Step<T>> {
        let throttled_by = match self.throttle.acquire(now, self.flights.len(), rows_left) {
            Ok(()) => return None,
            Err(throttled_by) => throttled_by,
        };
        Some(match throttled_by {
            ThrottledBy::Pause(until) => self.hold_back(Some(until), LimitedBy::Pause(until)),
            ThrottledBy::Exhausted(until) if until.since(now) > self.limits.wait_max => {
                self.run.too_long_until = Some(until);
                self.stop(StopReason::WaitTooLong {
                    wait: until.since(now),
                });
                self.wind_down(now)
            }
            ThrottledBy::Exhausted(until) => self.hold_back(Some(until), LimitedBy::Window),
            ThrottledBy::Window(until) => self.hold_back_throttled(until, LimitedBy::Window, now),
            ThrottledBy::Rate(until) => {
                self.hold_back_throttled(Some(until), self.limited_by_rate(), now)
            }
            ThrottledBy::SharedRate(until) | ThrottledBy::NoRateStore(until) => {
                self.hold_back_for_slot(until, now)
            }
            ThrottledBy::LearnedRate(until) => {
                self.hold_back_throttled(Some(until), LimitedBy::LearnedRate, now)
            }
            ThrottledBy::Shut(until) => self.hold_back(until, LimitedBy::LearnedRate),
        })
    }

    /// The most requests that may be in flight now, and the bound that says so.
    pub(crate) fn in_flight_max(&self, now: Moment) -> (usize, InFlightBound) {
        let learned = self.throttle.in_flight_max();
        let learned = learned.map(|requests| (requests, InFlightBound::Refusals));
        let usual = self.flights.limit(now);
        let canary = self.canary.in_flight_max();
        let canary = canary.map(|requests| (requests, InFlightBound::Canary));
        let bounds = [canary, Some(usual), learned].into_iter().flatten();
        bounds
            .min_by_key(|(requests, _)| *requests)
            .unwrap_or(usual)
    }

    fn limited_by_rate(&self) -> LimitedBy {
        match self.throttle.rate() {
            Rate::Limited(rate) => LimitedBy::Rate(rate),
            Rate::Auto | Rate::Unlimited => LimitedBy::NoNamedLimit,
        }
    }

    /// The limit if no row may leave although nothing holds requests back.
    fn limited_by_rows(&self) -> Option<LimitedBy> {
        if self.order.first_retry_at().is_some() || self.availability.has_doubts() {
            None
        } else if self.order.rows_held() > self.flights.len() {
            Some(LimitedBy::Order)
        } else if self.canary.holds_others() {
            Some(LimitedBy::Canary)
        } else {
            (self.run.supply == Supply::Open).then_some(LimitedBy::Input)
        }
    }

    /// Rows that are not in flight, once all rows have been offered.
    fn rows_left(&self) -> Option<u64> {
        let rows = self.order.rows_held().saturating_sub(self.flights.len());
        let are_known = self.run.supply == Supply::Closed && !self.canary.holds_others();
        are_known.then(|| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    /// Waits until this time, and notes the limit that holds requests back.
    pub(super) fn hold_back(&mut self, until: Option<Moment>, limited_by: LimitedBy) -> Step<T> {
        self.run.limited_by = Some(limited_by);
        self.wait(until)
    }

    /// Holds a request back by our own pace, which is not time spent waiting for the API.
    pub(super) fn hold_back_throttled(
        &mut self,
        until: Option<Moment>,
        limited_by: LimitedBy,
        now: Moment,
    ) -> Step<T> {
        if self.flights.is_empty() {
            self.run.throttled_since = Some(now);
        }
        self.hold_back(until, limited_by)
    }

    /// Waits until this time, but not beyond any deadline.
    pub(super) fn wait(&self, until: Option<Moment>) -> Step<T> {
        // The API's silence is not timed while our own pace holds all requests back, nor in the
        // last round.
        let is_timed =
            self.run.throttled_since.is_none() && self.run.doubt_round == DoubtRound::Usual;
        let unsuccessful_since = self.availability.unsuccessful_since().filter(|_| is_timed);
        let longest_ends = |since: Option<Moment>| since.map(|since| since + self.limits.wait_max);
        let deadlines = [
            until,
            longest_ends(unsuccessful_since),
            self.flights.first_timeout(),
            self.availability.wake_at(),
            self.token.wake_at(),
            self.limits.hours.map(|hours| hours.closes),
            longest_ends(self.token.unavailable_since()),
            self.throttle.store_wake_at(),
            longest_ends(self.throttle.waits_for_store_since()),
        ];
        Step::Wait(deadlines.into_iter().flatten().min())
    }

    /// The request that leaves next while the breaker is closed.
    fn candidate(&mut self, now: Moment) -> Candidate {
        if self.availability.needs_control() && self.control_due(now) == Some(now) {
            return Candidate::Control;
        }
        let has_fresh = self.order.has_ready();
        // While rows fail without a sign of life, rows that have not failed say more.
        let fresh_first = matches!(self.run.priority, Priority::FreshSince(_))
            || self.availability.failing_since().is_some();
        if self.availability.doubts() >= DOUBTS_MAX {
            return self.only_doubts_are_left(now);
        }
        if self.order.has_decided() {
            return Candidate::Decided;
        }
        if has_fresh && fresh_first {
            return Candidate::Fresh;
        }
        match self.retry_due(now) {
            Due::Now => Candidate::Retry,
            Due::NotBefore(_) | Due::NoTokens(_) | Due::NoRow if has_fresh => Candidate::Fresh,
            Due::NotBefore(at) => Candidate::None(Some(at), None),
            Due::NoTokens(at) => Candidate::None(Some(at), Some(LimitedBy::RetryTokens)),
            Due::NoRow => self.only_doubts_are_left(now),
        }
    }

    /// The request that checks whether the API is back.
    fn probe(&mut self, now: Moment) -> Candidate {
        let control_due = self.control_due(now);
        // Rows that were not sent yet may be as bad as those that failed, so probes alternate with
        // a control.
        if control_due == Some(now) && self.availability.is_controls_turn() {
            return Candidate::Control;
        }
        if self.order.has_decided() {
            return Candidate::Decided;
        }
        if self.order.has_ready() {
            return Candidate::Newest;
        }
        if control_due == Some(now) {
            return Candidate::Control;
        }
        if self.order.first_retry_at().is_some() {
            return Candidate::Retry;
        }
        if self.availability.has_doubts() {
            return Candidate::Doubt;
        }
        Candidate::None(control_due, Some(self.api_down(now)))
    }

    /// The next step once only rows in doubt are left: a control, a recheck, or the breaker.
    fn only_doubts_are_left(&mut self, now: Moment) -> Candidate {
        let may_change = !self.flights.is_empty() || self.order.has_unwritten();
        if !self.availability.has_doubts() || may_change {
            return Candidate::None(None, None);
        }
        if self.all_are_held() && self.stop_if_all_answers_are_alike() {
            return Candidate::None(None, None);
        }
        let wait = |at| Candidate::None(at, Some(LimitedBy::Doubts));
        if self.run.doubt_round == DoubtRound::Last {
            return Candidate::Doubt;
        }
        let control_due = self.control_due(now);
        if control_due == Some(now) {
            return Candidate::Control;
        }
        if self.availability.has_reliable_control()
            && (control_due.is_some() || self.run.unrecorded > 0)
        {
            // Without a due time, the customer's outcome is about to be recorded.
            return wait(control_due);
        }
        if self.availability.all_doubts_are_api_answers() {
            let recheck_at = self.availability.recheck_at();
            return match recheck_at {
                Some(at) if at > now => wait(control_due.into_iter().chain(recheck_at).min()),
                Some(_) | None => Candidate::Doubt,
            };
        }
        let transition = self.availability.open_now(now, &mut self.random);
        self.count_outage(transition);
        Candidate::None(self.availability.next_probe(), Some(self.api_down(now)))
    }

    /// The time at which a control may be sent: `now` if it may leave at once, `None` if there is
    /// none.
    fn control_due(&self, now: Moment) -> Option<Moment> {
        self.control_customer()
            .map(|_| self.availability.control_due_at().max(now))
    }

    /// The customer for a control: the last one who was updated and has no later row under way.
    fn control_customer(&self) -> Option<CustomerId> {
        self.availability
            .control_customers()
            .find(|customer| self.order.is_idle(*customer))
    }

    /// Whether the first row to be sent again may leave.
    ///
    /// A row's last attempt waits for a sign of life since its last failure. Until then the row is
    /// in doubt.
    fn retry_due(&mut self, now: Moment) -> Due {
        while let (Some(ticket), Some(at)) = (self.order.first_retry(), self.order.first_retry_at())
        {
            if at > now {
                return Due::NotBefore(at);
            }
            if self.waits_for_the_lone_row(ticket) {
                self.order.take_retry();
                continue;
            }
            let failures = &self.order.get(ticket).failures;
            if self.waits_for_a_sign_of_life(failures) {
                self.order.take_retry();
                self.doubt_last_attempt(ticket);
                continue;
            }
            return match failures
                .cost
                .map(|cost| self.retries.bucket.due_at(cost, now))
            {
                Some(at) if at > now => Due::NoTokens(at),
                Some(_) | None => Due::Now,
            };
        }
        Due::NoRow
    }

    fn waits_for_a_sign_of_life(&self, failures: &RowFailures) -> bool {
        let is_last = failures.counted > 0 && failures.counted + 1 >= failures.attempts_max;
        let was_alive = failures
            .failed_at
            .is_none_or(|failed| self.availability.was_alive_since(failed));
        failures.next_attempt == AttemptKind::Counted && is_last && !was_alive
    }

    fn send(&mut self, candidate: Candidate, now: Moment) -> Step<T> {
        let ticket = match candidate {
            Candidate::Fresh => self.order.take_ready(),
            Candidate::Newest => self.order.take_newest(),
            Candidate::Decided => self.order.take_decided(),
            Candidate::Retry => self.order.take_retry(),
            Candidate::ControlWrite(ticket) => {
                self.run.control = None;
                Some(ticket)
            }
            Candidate::Control => self.begin_control(now),
            Candidate::Doubt => self.recheck_a_doubt(),
            Candidate::None(..) => None,
        };
        let ticket = ticket.expect("the candidate is there");
        let generation = self.token.generation();
        let in_flight = self.flights.len() + 1;
        let request = self.request_of(ticket);
        let held = self.order.get_mut(ticket);
        held.token_generation = generation;
        let request = match held.purpose {
            Purpose::Control(request) => request,
            Purpose::Row => {
                held.sent += 1;
                held.updates += u32::from(request == Request::Write);
                if let Some(cause) = held.failures.cause.filter(|_| held.sent > 1) {
                    *self.statistics.retries.entry(cause).or_default() += 1;
                }
                if let Some(cost) = held.failures.cost {
                    self.retries.bucket.acquire(cost, now);
                }
                request
            }
        };
        // A control repeats a row that was applied, so it is never a first request.
        let nth = if held.purpose == Purpose::Row {
            held.sent
        } else {
            2
        };
        let refused_beside_others = held.failures.waits.beside_others;
        let departure = Departure {
            at: now,
            in_flight,
            nth,
            refused_beside_others,
        };
        held.departure = Some(departure);
        self.throttle.leaves(departure);
        self.flights.leaves(ticket, now);
        self.availability.sent(ticket);
        self.flights.concurrency.sent(self.flights.len());
        self.statistics.attempts += 1;
        self.statistics.in_flight_max = self.statistics.in_flight_max.max(self.flights.len());
        if self.availability.down_since().is_none() {
            self.run.limited_by = None;
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

    fn recheck_a_doubt(&mut self) -> Option<Ticket> {
        let doubt = self.availability.take_next_doubt()?;
        let failures = &mut self.order.get_mut(doubt.ticket).failures;
        failures.next_attempt = AttemptKind::Recheck;
        failures.rechecks = doubt.next_recheck();
        Some(doubt.ticket)
    }

    fn api_down(&self, now: Moment) -> LimitedBy {
        let since = self
            .availability
            .failing_since()
            .or(self.availability.down_since())
            .unwrap_or(now);
        LimitedBy::Outage(since, self.availability.next_probe())
    }

    /// Stops a run whose rows all get the same refusal before the API has ever answered as itself.
    /// Returns whether it stops.
    fn stop_if_all_answers_are_alike(&mut self) -> bool {
        if self.availability.has_answered() {
            return false;
        }
        let first = self.availability.first_answers();
        if first.forbidden > 0
            && first.not_found + first.others == 0
            && self.missing_permission_stops()
        {
            self.stop(StopReason::Forbidden {
                answers: first.forbidden,
                request: self.run.refused,
            });
        } else if self.availability.all_doubts_are_foreign() {
            self.stop_misdirected();
        }
        self.run.stop.is_some()
    }
}
