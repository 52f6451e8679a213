//! The protocol between a schedule and its driver: rows go in, steps come out.

use std::time::Duration;

use super::cause::Cause;
use super::decision::Care;
use super::ended::Ended;
use super::limited_by::LimitedBy;
use super::moment::Moment;
use super::state::{Bad, Schedule, Supply};
use super::statistics::Statistics;
use super::step::Step;
use super::stop::StopReason;
use super::ticket::Ticket;
use super::token::{self, Refreshed};
use super::window::WindowPace;
use crate::contract::{CustomerId, FieldSet};

/// Rows held at once: in flight, waiting for a retry, in doubt, or queued behind another row of
/// their customer.
const ROWS_HELD_MAX: usize = 8192;
/// Bytes that held rows may take up.
const BYTES_HELD_MAX: usize = 8 << 20;

impl<T: Clone> Schedule<T> {
    /// Whether another row can be taken.
    pub fn has_room(&self) -> bool {
        let rows = self.order.rows_held() + self.canary.rows_waiting() + self.run.ended.len();
        let bytes = self.order.bytes_held() + self.canary.bytes_waiting();
        self.run.stop.is_none() && rows < ROWS_HELD_MAX && bytes < BYTES_HELD_MAX
    }

    /// Takes a row, which costs `bytes` to hold. Rows are offered in file order.
    pub fn offer(&mut self, customer: CustomerId, row: T, bytes: usize, care: Care) {
        if let Some(reason) = self.limits.exceeded_before.take() {
            self.stop(reason);
        }
        self.hold_or_wait(customer, row, bytes, care);
    }

    /// Takes a row that is never sent. It ends in its turn, see [`Step::NeverSent`].
    pub fn offer_invalid(&mut self, customer: Option<CustomerId>, row: T, bytes: usize) {
        self.hold_or_wait_invalid(customer, row, bytes);
    }

    /// Takes the row that an earlier process of this run directory had applied last.
    pub fn applied_earlier(&mut self, customer: CustomerId, row: T) {
        self.availability.applied_earlier(customer, row);
    }

    /// Declares that no more rows will be offered.
    pub fn close(&mut self) {
        self.run.supply = Supply::Closed;
    }

    /// The row of a ticket.
    pub fn row(&self, ticket: Ticket) -> &T {
        &self.order.get(ticket).row
    }

    /// The number of requests that were sent for the row of a ticket, since its last read.
    pub(crate) fn sent(&self, ticket: Ticket) -> u32 {
        self.order.get(ticket).sent
    }

    /// The time at which the row of a ticket is due to be sent again. The ticket may have ended.
    pub(crate) fn due_again(&self, ticket: Ticket) -> Option<Moment> {
        self.order.due(ticket)
    }

    /// Returns the next step for the driver.
    pub fn next(&mut self, now: Moment) -> Step<T> {
        if let Some(since) = self.run.throttled_since.take() {
            self.availability.postpone(now.since(since));
            self.throttle.postpone(now.since(since));
        }
        if let Some(ticket) = self.flights.overdue(now) {
            self.timed_out(ticket, now);
            return Step::GiveUp(ticket);
        }
        self.check_wait_max(now);
        if let Some(ended) = self.pop_ended() {
            return Step::Ended(ended);
        }
        if self.run.stop.is_some() {
            return self.wind_down(now);
        }
        if let Some(ask) = self.throttle.ask_store(self.flights.len(), now) {
            return Step::AskForRate(ask);
        }
        if self.pages.are_under_way() {
            return self.page_step(now);
        }
        if let Some((row, customer)) = self.order.take_invalid() {
            self.count_ended(Bad::Yes);
            self.canary.invalid_ended();
            self.run.unrecorded += usize::from(customer.is_some());
            return Step::NeverSent(row);
        }
        if let Some(ticket) = self.order.take_known() {
            self.order.await_decision(ticket);
            return Step::Decide(ticket);
        }
        if let Some(step) = self.judge_canary() {
            return step;
        }
        let nothing_is_left = self.order.rows_held() + self.canary.rows_waiting() == 0;
        if self.run.supply == Supply::Closed && nothing_is_left {
            // A control may still be in flight.
            return if self.flights.is_empty() {
                Step::Done
            } else {
                Step::Wait(self.flights.first_timeout())
            };
        }
        if let Some(step) = self.outside_hours(now) {
            return step;
        }
        match self.token.next(now) {
            token::Next::Usable => self.send_or_wait(now),
            token::Next::Refresh(reason) => Step::RefreshToken(reason),
            token::Next::Wait(until) => self.hold_back(until, LimitedBy::TokenRefresh),
        }
    }

    /// Takes the next row that has ended, for a driver that asks for no more steps. See
    /// [`Step::Ended`].
    pub fn pop_ended(&mut self) -> Option<Ended<T>> {
        let ended = self.run.ended.pop_front()?;
        self.run.unrecorded += 1;
        Some(ended)
    }

    /// Notes that the outcome of the customer's last row is recorded: their next row may go.
    pub fn recorded(&mut self, customer: CustomerId) {
        self.run.unrecorded = self.run.unrecorded.saturating_sub(1);
        self.order.release(customer);
    }

    /// Whether rows wait for the customer's outcome to be recorded.
    pub fn has_rows_behind(&self, customer: CustomerId) -> bool {
        self.order.has_rows_behind(customer)
    }

    /// Sets how long the first token is valid, if known.
    pub fn token_lasts(&mut self, lifetime: Option<Duration>, now: Moment) {
        self.token.lasts(lifetime, now);
    }

    /// Notes that the token's file has changed.
    pub fn token_file_changed(&mut self) {
        self.token.file_changed();
    }

    /// Takes the result of [`Step::RefreshToken`].
    pub fn token_refreshed(&mut self, refreshed: Refreshed, now: Moment) {
        if matches!(
            refreshed,
            Refreshed::New { .. } | Refreshed::Replaced { .. }
        ) {
            self.statistics.token_refreshes += 1;
        }
        match self.token.refreshed(refreshed, now, &mut self.random) {
            token::Conclusion::GoOn => {}
            token::Conclusion::LoginNeeded => self.stop(StopReason::LoginNeeded),
        }
    }

    /// Stops the run: nothing more is sent, and what is in flight may still end. The first reason
    /// counts.
    pub fn stop(&mut self, reason: StopReason) {
        self.run.stop.get_or_insert(reason);
    }

    /// The reason for which the run stops, if it does.
    pub fn stopped(&self) -> Option<&StopReason> {
        self.run.stop.as_ref()
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// The time since which requests have been in flight without an answer.
    pub fn silent_since(&self) -> Option<Moment> {
        self.flights.silent_since()
    }

    /// The time since which updates have failed, and none was applied or refused by the API itself;
    /// or since which pages have failed.
    pub fn failing_since(&self) -> Option<Moment> {
        let updates = self.availability.failing_since();
        updates.or_else(|| self.pages.failing_since())
    }

    /// The cause of the last failed update.
    pub fn last_failure(&self) -> Option<Cause> {
        self.run.last_failure
    }

    /// The end of a wait that the API named, if it is still ahead. Nothing needs to be tried before
    /// it.
    pub fn named_wait_ends(&self, now: Moment) -> Option<Moment> {
        self.run
            .too_long_until
            .max(Some(self.throttle.paused_until()))
            .filter(|until| *until > now)
    }

    /// The fields that the API has shown with another value than was sent in all of the first 20
    /// answers that show them.
    pub fn fields_never_as_sent(&self) -> FieldSet {
        self.limits.echoes.never_as_sent()
    }

    /// The limit on the speed of the run, if any.
    pub fn limited_by(&self) -> Option<LimitedBy> {
        self.run.limited_by
    }

    /// The API's window, if it is known at what pace it is renewed.
    pub fn window_pace(&self, now: Moment) -> Option<WindowPace> {
        self.throttle.window_pace(now)
    }

    /// The limit of requests per second, if there is one besides the API's window.
    pub fn per_second_max(&self) -> Option<f64> {
        self.throttle.per_second()
    }

    /// The figures so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Sends nothing more, and gives requests in flight until the end of the grace. Rows in doubt
    /// stay unsent.
    pub(super) fn wind_down(&mut self, now: Moment) -> Step<T> {
        let drained_by = *self.run.drained_by.get_or_insert(now + self.limits.grace);
        match self.flights.oldest() {
            Some(ticket) if drained_by <= now => {
                self.land(ticket);
                Step::GiveUp(ticket)
            }
            Some(_) => Step::Wait(
                self.flights
                    .first_timeout()
                    .into_iter()
                    .chain([drained_by])
                    .min(),
            ),
            None => {
                if let Some(since) = self.availability.down_since() {
                    self.statistics.down += now.since(since);
                    self.availability.close_at_the_end();
                }
                Step::Stopped
            }
        }
    }
}
