//! Decides what to send when, without I/O and without a clock of its own.
//!
//! Whoever drives a [`Schedule`] offers rows, asks for the next [`Step`], carries it out, and reports what came back:
//!
//! ```text
//! offer(row) → next(now) → Send(ticket) | Wait(until) | RenewToken | Done | Stopped      finished(ticket, attempt, now)
//! ```
//!
//! Each rule has a file: whose turn it is (`order`), how fast requests may leave (`pace`, with the API's `window`), how many at
//! once (`concurrency`), what an answer means (`verdict`, and for all rows together `streak`), when a row is sent again (`retry`,
//! `budget`), and whether the API is up (`health`). `answers` says what an answer does to all of
//! them. This file joins them.

mod answers;
mod backoff;
mod budget;
mod cause;
mod concurrency;
mod ended;
pub mod error_limit;
mod health;
mod moment;
mod order;
mod pace;
mod random;
pub mod rate;
mod retry;
mod rules;
mod server_clock;
#[cfg(test)]
mod simulation;
mod statistics;
mod step;
mod stop;
mod streak;
mod token;
mod verdict;
mod window;

use std::collections::VecDeque;
use std::time::Duration;

use budget::RetryBudget;
use concurrency::Concurrency;
use error_limit::ErrorLimit;
use health::{Health, Permission};
use order::Order;
use pace::{Brake, Pace};
use streak::{Refusals, Streak};
use token::TokenState;

pub use cause::Cause;
pub use ended::{Ended, Ending};
pub use moment::Moment;
pub use order::Ticket;
pub use random::Random;
pub use retry::{ATTEMPTS_LIMIT, AttemptsError, RetryPolicy};
pub use rules::{History, Rules};
pub use statistics::Statistics;
pub use step::{Slow, Step};
pub use stop::StopReason;
pub use token::{Renewal, RenewalReason};

use crate::contract::CustomerId;

/// Rows held at once: in flight, waiting for a retry, or behind another row of their customer.
const ROWS_HELD_MAX: usize = 8192;
/// Bytes that held rows may take.
const BYTES_HELD_MAX: usize = 8 << 20;

/// Decides what to send when. `T` is whatever the driver needs to send a row.
#[derive(Debug)]
pub struct Schedule<T> {
    order: Order<T>,
    pace: Pace,
    concurrency: Concurrency,
    retry: RetryPolicy,
    budget: RetryBudget,
    health: Health,
    streak: Streak<Ended<T>>,
    token: TokenState,
    error_limit: ErrorLimit,
    history: History,
    wait_max: Duration,
    random: Random,
    in_flight: usize,
    supply: Supply,
    ended: VecDeque<Ended<T>>,
    invalid: VecDeque<T>,
    stop: Option<StopReason>,
    slow: Option<Slow>,
    /// Whether an update has succeeded in this process: a name or certificate that worked once is no wrong setting.
    succeeded: bool,
    statistics: Statistics,
}

/// Whether more rows will be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Supply {
    Open,
    Closed,
}

impl<T> Schedule<T> {
    /// A schedule with these rules, continuing after `history`; `seed` determines its jitter.
    pub fn new(rules: Rules, history: History, seed: u64) -> Schedule<T> {
        let refusals = match rules.error_limit {
            ErrorLimit::None => Refusals::AreExpected,
            ErrorLimit::Count(_) | ErrorLimit::Share(_) => Refusals::StopTheRun,
        };
        Schedule {
            order: Order::new(),
            pace: Pace::new(rules.rate),
            concurrency: Concurrency::up_to(rules.in_flight_max),
            retry: rules.retry,
            budget: RetryBudget::full(),
            health: Health::up(),
            streak: Streak::new(refusals, history.answered > 0),
            token: TokenState::default(),
            error_limit: rules.error_limit,
            history,
            wait_max: rules.wait_max,
            random: Random::seeded(seed),
            in_flight: 0,
            supply: Supply::Open,
            ended: VecDeque::new(),
            invalid: VecDeque::new(),
            stop: None,
            slow: None,
            succeeded: false,
            statistics: Statistics::default(),
        }
    }

    /// Whether another row can be taken in.
    pub fn has_room(&self) -> bool {
        self.stop.is_none() && self.order.rows_held() < ROWS_HELD_MAX && self.order.bytes_held() < BYTES_HELD_MAX
    }

    /// Takes a row in; `bytes` is what holding it costs. Rows are offered in the order of the file.
    pub fn offer(&mut self, customer: CustomerId, row: T, bytes: usize) {
        self.order.hold(customer, row, bytes);
    }

    /// No more rows will be offered.
    pub fn close(&mut self) {
        self.supply = Supply::Closed;
    }

    /// Takes a row in that is never sent. It ends in its turn, see [`Schedule::pop_invalid`].
    pub fn offer_invalid(&mut self, row: T, bytes: usize) {
        self.order.hold_invalid(row, bytes);
    }

    /// The row of a ticket.
    pub fn row(&self, ticket: Ticket) -> &T {
        &self.order.get(ticket).row
    }

    /// What to do now. [`Schedule::pop_ended`] and [`Schedule::pop_invalid`] come first.
    pub fn next(&mut self, now: Moment) -> Step {
        self.stop_where_too_long(now);
        if self.stop.is_some() {
            return self.wind_down(now);
        }
        while let Some(row) = self.order.take_invalid() {
            self.count_ended(Bad::Yes);
            self.invalid.push_back(row);
        }
        if !self.invalid.is_empty() {
            return Step::Wait(Some(now));
        }
        if self.is_stuck_behind_withheld() {
            let rows = self.streak.release();
            self.end_all(rows);
            return Step::Wait(Some(now));
        }
        if self.supply == Supply::Closed && self.order.rows_held() == 0 {
            return Step::Done;
        }
        match self.token.next(now) {
            token::Next::Usable => {}
            token::Next::Renew(reason) => return Step::RenewToken(reason),
            token::Next::Wait(until) => return self.hold_back(until, Slow::RenewingToken),
        }
        match self.send_or_wait(now) {
            Step::Wait(until) => Step::Wait([until, self.token.wake_at()].into_iter().flatten().min()),
            step => step,
        }
    }

    /// Takes the next row that has ended.
    pub fn pop_ended(&mut self) -> Option<Ended<T>> {
        self.ended.pop_front()
    }

    /// Takes the next invalid row whose turn has come.
    pub fn pop_invalid(&mut self) -> Option<T> {
        self.invalid.pop_front()
    }

    /// The outcome of the customer's last row is written down: their next row may go.
    pub fn recorded(&mut self, customer: CustomerId) {
        self.order.release(customer);
    }

    /// Whether rows wait for the customer's outcome to be written down.
    pub fn has_rows_behind(&self, customer: CustomerId) -> bool {
        self.order.has_rows_behind(customer)
    }

    /// The token that the run begins with is good for this long, if that is known.
    pub fn token_lasts(&mut self, lifetime: Option<Duration>, now: Moment) {
        self.token.lasts(lifetime, now);
    }

    /// Somebody has written to the token's file.
    pub fn token_file_changed(&mut self) {
        self.token.file_changed();
    }

    /// What came of [`Step::RenewToken`].
    pub fn token_renewed(&mut self, renewal: Renewal, now: Moment) {
        if matches!(renewal, Renewal::New { .. } | Renewal::Replaced { .. }) {
            self.statistics.token_renewals += 1;
        }
        match self.token.renewed(renewal, now, &mut self.random) {
            token::Conclusion::GoOn => {}
            token::Conclusion::Refused => self.stop(StopReason::TokenRefused),
            token::Conclusion::LoginNeeded => self.stop(StopReason::LoginNeeded),
        }
    }

    /// Stops the run: nothing more is sent; what is in flight may still end. The first reason counts.
    pub fn stop(&mut self, reason: StopReason) {
        self.stop.get_or_insert(reason);
    }

    /// Why the run stops, if it does.
    pub fn stopped(&self) -> Option<&StopReason> {
        self.stop.as_ref()
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Why it is not faster.
    pub fn slow(&self) -> Option<Slow> {
        self.slow
    }

    /// What it did so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Sends nothing more. Outcomes that were withheld for a suspicion that did not stop the run are the rows' own.
    fn wind_down(&mut self, now: Moment) -> Step {
        if self.in_flight > 0 {
            return Step::Wait(None);
        }
        if let Some(since) = self.health.down_since() {
            self.statistics.down += now.since(since);
            self.health = Health::up();
        }
        let rows = self.streak.release();
        self.end_all(rows);
        Step::Stopped
    }

    /// Nothing can happen any more but the release of withheld outcomes.
    fn is_stuck_behind_withheld(&self) -> bool {
        let waits_for_rows = self.supply == Supply::Open && self.has_room();
        let has_work = self.in_flight > 0 || self.order.has_ready() || self.order.again_at().is_some();
        self.streak.has_withheld() && !has_work && !waits_for_rows
    }

    fn send_or_wait(&mut self, now: Moment) -> Step {
        let again_at = self.order.again_at();
        let permission = self.health.permission(now);
        let has_candidate =
            self.order.has_ready() || again_at.is_some_and(|due| due <= now || permission == Permission::Probe);
        match permission {
            Permission::NotBefore(at) => return self.hold_back(Some(at), self.api_down(now)),
            Permission::NotBeforeAnswer => return self.hold_back(None, self.api_down(now)),
            Permission::Any | Permission::Probe => {}
        }
        if !has_candidate {
            self.slow = (again_at.is_some() && self.budget.is_empty()).then_some(Slow::RetryBudgetEmpty);
            return Step::Wait(again_at);
        }
        if self.in_flight >= self.concurrency.limit() {
            return self.hold_back(None, Slow::LimitedByConcurrency);
        }
        match self.pace.take_permit(now, self.in_flight, self.rows_left()) {
            Err(Brake::Pause(until)) => self.hold_back(Some(until), Slow::PausedByApi(until)),
            Err(Brake::Exhausted(until)) => self.hold_back(Some(until), Slow::LimitedByWindow),
            Err(Brake::Window(until)) => self.hold_back(until, Slow::LimitedByWindow),
            Err(Brake::Rate(until)) => self.hold_back(Some(until), Slow::LimitedByRate),
            Ok(()) => self.send(permission, now),
        }
    }

    /// Rows that are not in flight, once all have been offered.
    fn rows_left(&self) -> Option<u64> {
        let rows = self.order.rows_held().saturating_sub(self.in_flight);
        (self.supply == Supply::Closed).then(|| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    fn send(&mut self, permission: Permission, now: Moment) -> Step {
        let ticket = match permission {
            Permission::Probe => self.order.take_probe(),
            Permission::Any | Permission::NotBefore(_) | Permission::NotBeforeAnswer => self.order.take_again(now),
        };
        let ticket = ticket.or_else(|| self.order.take_ready()).expect("there is a candidate");
        self.order.get_mut(ticket).attempts += 1;
        self.order.get_mut(ticket).token_generation = self.token.generation();
        self.in_flight += 1;
        self.health.sent();
        self.concurrency.sent(self.in_flight);
        self.statistics.attempts += 1;
        self.statistics.in_flight_max = self.statistics.in_flight_max.max(self.in_flight);
        if permission == Permission::Any {
            self.slow = None;
        }
        Step::Send(ticket)
    }

    fn hold_back(&mut self, until: Option<Moment>, slow: Slow) -> Step {
        self.slow = Some(slow);
        Step::Wait(until)
    }

    fn api_down(&self, now: Moment) -> Slow {
        Slow::ApiDown(self.health.down_since().unwrap_or(now), self.health.next_probe().unwrap_or(now))
    }

    fn stop_where_too_long(&mut self, now: Moment) {
        if let Some(since) = self.health.down_since() {
            let lasted = now.since(since);
            if lasted > self.wait_max {
                self.stop(StopReason::Outage { lasted });
            }
        }
        if let Some(lasted) = self.token.unavailable_for(now)
            && lasted > self.wait_max
        {
            self.stop(StopReason::TokenUnavailable { lasted });
        }
    }

    fn end_all(&mut self, rows: Vec<Ended<T>>) {
        for row in rows {
            self.count_ended(match row.ending {
                Ending::Updated { .. } => Bad::No,
                Ending::Rejected { .. } | Ending::Failed { .. } => Bad::Yes,
            });
            self.ended.push_back(row);
        }
    }

    fn count_ended(&mut self, bad: Bad) {
        self.history.ended += 1;
        if bad == Bad::Yes {
            self.history.errors += 1;
            let History { ended, errors, .. } = self.history;
            if self.error_limit.is_exceeded(ended, errors) {
                self.stop(StopReason::ErrorLimit { ended, errors, limit: self.error_limit });
            }
        }
    }
}

/// Whether a row ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    Yes,
    No,
}
