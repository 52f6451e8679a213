//! Decides what to send when, without I/O and without a clock of its own.
//!
//! A driver offers rows to a [`Schedule`], asks for the next [`Step`], carries it out, and reports what came back:
//!
//! ```text
//! offer(row) → next(now) → Send(ticket, request) | GiveUp | Ended | NeverSent | RenewToken | Wait(until) | Done | Stopped
//!              finished(ticket, attempt, now)      recorded(customer)
//! ```
//!
//! Every time that matters is in [`Step::Wait`]: the end of a pause, of a timeout, of the grace of a stop, of the longest wait.
//!
//! Each rule has a file: whose turn it is (`order`), how fast requests may leave (`pace`, with the API's `window` and the
//! `learned_rate`), how many at once (`concurrency`, and `sockets` where this machine has no more), what an answer means
//! (`judge`), when a row is sent again (`retry`, `budget`, `trials`), and whether the API works and whose fault a failure is
//! (`availability`). Four files join them: `sending` chooses the request that leaves next, `answers` and `controls` do what an
//! answer asks for, and `settling` ends rows that were in doubt. This file is their protocol.

mod answers;
mod availability;
mod backoff;
mod budget;
mod cause;
mod concurrency;
mod controls;
mod ended;
pub mod error_limit;
mod flights;
mod judge;
mod learned_rate;
mod moment;
mod order;
mod pace;
mod random;
pub mod rate;
mod retry;
mod rules;
mod sending;
mod server_clock;
mod settling;
#[cfg(test)]
mod simulation;
mod sockets;
mod statistics;
mod step;
mod stop;
#[cfg(test)]
mod tests;
mod token;
mod trials;
mod window;

use std::collections::VecDeque;
use std::time::Duration;

use availability::{Availability, Opening};
use budget::RetryBudget;
use concurrency::Concurrency;
use error_limit::ErrorLimit;
use flights::Flights;
use order::Order;
use pace::Pace;
use sockets::Sockets;
use token::TokenState;

pub use cause::Cause;
pub use ended::{Ended, Ending};
pub use moment::Moment;
pub use order::Ticket;
pub use random::Random;
pub use retry::{ATTEMPTS_LIMIT, AttemptsError, RetryPolicy};
pub use rules::{History, Rules};
pub use statistics::Statistics;
pub use step::{Request, Slow, Step};
pub use stop::StopReason;
pub use token::{Renewal, RenewalReason};

use crate::contract::CustomerId;

/// Rows held at once: in flight, waiting for a retry, in doubt, or behind another row of their customer.
const ROWS_HELD_MAX: usize = 8192;
/// Bytes that held rows may take.
const BYTES_HELD_MAX: usize = 8 << 20;

/// Decides what to send when. `T` is whatever the driver needs to send a row; a copy of it has to be cheap, since the row that was
/// applied last is kept.
#[derive(Debug)]
pub struct Schedule<T> {
    order: Order<T>,
    pace: Pace,
    concurrency: Concurrency,
    sockets: Sockets,
    flights: Flights,
    retries: Retries,
    availability: Availability<T>,
    token: TokenState,
    limits: Limits,
    random: Random,
    course: Course<T>,
    statistics: Statistics,
}

/// When rows are sent again.
#[derive(Debug)]
struct Retries {
    policy: RetryPolicy,
    budget: RetryBudget,
}

/// The limits that end a run early.
#[derive(Debug)]
struct Limits {
    error_limit: ErrorLimit,
    history: History,
    /// Why nothing may be sent: rows of earlier processes are too many already.
    exceeded_before: Option<StopReason>,
    wait_max: Duration,
    grace: Duration,
}

/// How far the run is.
#[derive(Debug)]
struct Course<T> {
    supply: Supply,
    /// Rows that have ended and were not handed out yet.
    ended: VecDeque<Ended<T>>,
    /// Rows that were handed out, and whose outcome is not written down.
    unrecorded: usize,
    stop: Option<StopReason>,
    /// When requests in flight are given up after a stop.
    drained_by: Option<Moment>,
    slow: Option<Slow>,
    /// Since when nothing but our own pace holds requests back.
    paced_since: Option<Moment>,
    /// The control whose read has shown that its update can follow.
    control: Option<Ticket>,
    /// After everybody has waited, another customer's row goes before the one that was refused.
    turn: Turn,
    /// Requests in a row that did not reach the API, since a response last came.
    not_reached: usize,
    /// Why an update failed last.
    last_failure: Option<Cause>,
    /// Whether rows in doubt are asked about for the last time.
    round: Round,
    /// The reason to stop that the last answer gives which was not the API's, if all fare alike.
    misdirection: Option<StopReason>,
    /// The end of the wait that the API named and that was too long.
    too_long_until: Option<Moment>,
}

/// Whose turn it is among rows that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Rows to be sent again go first.
    Again,
    /// Rows that were not sent yet go first, until one that left after this time was let through.
    FreshSince(Moment),
}

/// Which round of asking about rows in doubt it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Usual,
    /// The longest wait is over: what the API says now counts.
    Last,
}

/// Whether more rows will be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Supply {
    Open,
    Closed,
}

/// Whether a row ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bad {
    Yes,
    No,
}

impl<T: Clone> Schedule<T> {
    /// A schedule with these rules, continuing after `history`; `seed` determines its jitter.
    pub fn new(rules: Rules, history: History, seed: u64) -> Schedule<T> {
        let Rules {
            rate,
            in_flight_max,
            timeout,
            retry,
            error_limit,
            wait_max,
            grace,
        } = rules;
        let mut schedule = Schedule {
            order: Order::new(),
            pace: Pace::new(rate),
            concurrency: Concurrency::up_to(in_flight_max),
            sockets: Sockets::default(),
            flights: Flights::new(timeout),
            retries: Retries {
                policy: retry,
                budget: RetryBudget::full(),
            },
            availability: Availability::new(history),
            token: TokenState::default(),
            limits: Limits {
                error_limit,
                history,
                exceeded_before: None,
                wait_max,
                grace,
            },
            random: Random::seeded(seed),
            course: Course {
                supply: Supply::Open,
                ended: VecDeque::new(),
                unrecorded: 0,
                stop: None,
                drained_by: None,
                slow: None,
                paced_since: None,
                control: None,
                turn: Turn::Again,
                not_reached: 0,
                last_failure: None,
                round: Round::Usual,
                misdirection: None,
                too_long_until: None,
            },
            statistics: Statistics::default(),
        };
        schedule.limits.exceeded_before = schedule.limits.exceeded();
        if history.not_before > Moment::START {
            schedule.pause_everybody(history.not_before.since_start(), Moment::START);
        }
        schedule
    }

    /// Whether another row can be taken in.
    pub fn has_room(&self) -> bool {
        let rows = self.order.rows_held() + self.course.ended.len();
        self.course.stop.is_none()
            && rows < ROWS_HELD_MAX
            && self.order.bytes_held() < BYTES_HELD_MAX
    }

    /// Takes a row in; `bytes` is what holding it costs. Rows are offered in the order of the file.
    pub fn offer(&mut self, customer: CustomerId, row: T, bytes: usize) {
        if let Some(reason) = self.limits.exceeded_before.take() {
            self.stop(reason);
        }
        self.order.hold(customer, row, bytes);
    }

    /// Takes a row in that is never sent. It ends in its turn, see [`Step::NeverSent`].
    pub fn offer_invalid(&mut self, customer: Option<CustomerId>, row: T, bytes: usize) {
        self.order.hold_invalid(customer, row, bytes);
    }

    /// An earlier process of this run directory had this row applied last.
    pub fn applied_earlier(&mut self, customer: CustomerId, row: T) {
        self.availability.applied_earlier(customer, row);
    }

    /// No more rows will be offered.
    pub fn close(&mut self) {
        self.course.supply = Supply::Closed;
    }

    /// The row of a ticket.
    pub fn row(&self, ticket: Ticket) -> &T {
        &self.order.get(ticket).row
    }

    /// Says what to do now.
    pub fn next(&mut self, now: Moment) -> Step<T> {
        if let Some(since) = self.course.paced_since.take() {
            self.availability.postpone(now.since(since));
            self.pace.postpone(now.since(since));
        }
        if let Some(ticket) = self.flights.overdue(now) {
            self.timed_out(ticket, now);
            return Step::GiveUp(ticket);
        }
        self.watch_the_waits(now);
        if let Some(ended) = self.pop_ended() {
            return Step::Ended(ended);
        }
        if self.course.stop.is_some() {
            return self.wind_down(now);
        }
        if let Some((row, customer)) = self.order.take_invalid() {
            self.count_ended(Bad::Yes);
            self.course.unrecorded += usize::from(customer.is_some());
            return Step::NeverSent(row);
        }
        if self.course.supply == Supply::Closed && self.order.rows_held() == 0 {
            // What is still in flight then is a control.
            return if self.flights.is_empty() {
                Step::Done
            } else {
                Step::Wait(self.flights.first_timeout())
            };
        }
        match self.token.next(now) {
            token::Next::Usable => self.send_or_wait(now),
            token::Next::Renew(reason) => Step::RenewToken(reason),
            token::Next::Wait(until) => self.hold_back(until, Slow::RenewingToken),
        }
    }

    /// Takes the next row that has ended: [`Step::Ended`] for a driver that asks for no more steps.
    pub fn pop_ended(&mut self) -> Option<Ended<T>> {
        let ended = self.course.ended.pop_front()?;
        self.course.unrecorded += 1;
        Some(ended)
    }

    /// The outcome of the customer's last row is written down: their next row may go.
    pub fn recorded(&mut self, customer: CustomerId) {
        self.course.unrecorded = self.course.unrecorded.saturating_sub(1);
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

    /// The token's file was written to.
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
            token::Conclusion::LoginNeeded => self.stop(StopReason::LoginNeeded),
        }
    }

    /// Stops the run: nothing more is sent; what is in flight may still end. The first reason counts.
    pub fn stop(&mut self, reason: StopReason) {
        self.course.stop.get_or_insert(reason);
    }

    /// Why the run stops, if it does.
    pub fn stopped(&self) -> Option<&StopReason> {
        self.course.stop.as_ref()
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.flights.len()
    }

    /// Since when requests have been in flight without any answer.
    pub fn silent_since(&self) -> Option<Moment> {
        self.flights.silent_since()
    }

    /// Since when updates have failed and none was applied or refused by the API itself.
    pub fn failing_since(&self) -> Option<Moment> {
        self.availability.failing_since()
    }

    /// Why an update failed last.
    pub fn last_failure(&self) -> Option<Cause> {
        self.course.last_failure
    }

    /// The end of a wait that the API named, where that is still ahead: before it nothing needs to be tried.
    pub fn named_wait_ends(&self, now: Moment) -> Option<Moment> {
        self.course
            .too_long_until
            .max(Some(self.pace.paused_until()))
            .filter(|until| *until > now)
    }

    /// Why it is not faster.
    pub fn slow(&self) -> Option<Slow> {
        self.course.slow
    }

    /// What it did so far.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Sends nothing more, and gives what is in flight the time of `grace`. Rows in doubt stay unsent.
    fn wind_down(&mut self, now: Moment) -> Step<T> {
        let drained_by = *self
            .course
            .drained_by
            .get_or_insert(now + self.limits.grace);
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
                    self.availability.closed_by_the_end();
                }
                Step::Stopped
            }
        }
    }

    fn end(&mut self, ticket: Ticket, ending: Ending) {
        let held = self.order.end(ticket);
        match ending {
            Ending::Updated { .. } => self.count_ended(Bad::No),
            Ending::Rejected { .. } | Ending::Failed { .. } => {
                self.availability.ended_otherwise(held.customer);
                self.count_ended(Bad::Yes);
            }
        }
        self.course.ended.push_back(Ended {
            row: held.row,
            customer: held.customer,
            ending,
            attempts: held.sent,
            ambiguous: held.trials.ambiguous,
            took: held.took,
        });
    }

    fn count_outage(&mut self, opening: Opening) {
        self.statistics.outages += u64::from(opening == Opening::Opened);
    }

    fn count_ended(&mut self, bad: Bad) {
        let history = &mut self.limits.history;
        history.ended += 1;
        if bad == Bad::Yes {
            history.errors += 1;
            if let Some(reason) = self.limits.exceeded() {
                self.stop(reason);
            }
        }
    }
}

impl Limits {
    /// The reason to stop that rows which ended badly are, where they are too many.
    fn exceeded(&self) -> Option<StopReason> {
        let (History { ended, errors, .. }, limit) = (self.history, self.error_limit);
        limit
            .is_exceeded(ended, errors)
            .then_some(StopReason::ErrorLimit {
                ended,
                errors,
                limit,
            })
    }
}
