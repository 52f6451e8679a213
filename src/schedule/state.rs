//! The state of a schedule: its parts, its limits, and the progress of the run.

use std::collections::VecDeque;
use std::time::Duration;

use super::availability::{Availability, Transition};
use super::canary::Canary;
use super::cause::Cause;
use super::decision::{Care, ReadNeed};
use super::echo::Echoes;
use super::ended::{Ended, Ending};
use super::error_limit::ErrorLimit;
use super::flights::Flights;
use super::limited_by::LimitedBy;
use super::moment::Moment;
use super::order::Order;
use super::pages::PageReads;
use super::random::Random;
use super::request::Request;
use super::retry::RetryPolicy;
use super::retry_tokens::RetryTokenBucket;
use super::rules::{History, OpenHours, Rules};
use super::statistics::Statistics;
use super::stop::StopReason;
use super::throttle::Throttle;
use super::ticket::Ticket;
use super::token::TokenState;
use crate::contract::CountryNames;

/// A schedule, which decides what to send and when.
///
/// `T` is what the driver needs to send a row. Cloning it should be cheap: the rows that were
/// applied last are kept.
#[derive(Debug)]
pub struct Schedule<T> {
    pub(super) order: Order<T>,
    pub(super) canary: Canary<T>,
    pub(super) pages: PageReads,
    pub(super) throttle: Throttle,
    pub(super) flights: Flights,
    pub(super) retries: Retries,
    pub(super) availability: Availability<T>,
    pub(super) token: TokenState,
    pub(super) limits: Limits,
    pub(super) random: Random,
    pub(super) run: RunState<T>,
    pub(super) statistics: Statistics,
}

/// The rules for sending a row again.
#[derive(Debug)]
pub(super) struct Retries {
    pub(super) policy: RetryPolicy,
    pub(super) bucket: RetryTokenBucket,
}

/// The limits that end a run early.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) error_limit: ErrorLimit,
    pub(super) echoes: Echoes,
    pub(super) history: History,
    /// The reason to stop at the first row, because earlier processes ended too many rows badly.
    pub(super) exceeded_before: Option<StopReason>,
    pub(super) wait_max: Duration,
    pub(super) grace: Duration,
    /// The user's hours; without them, requests may leave at any time.
    pub(super) hours: Option<OpenHours>,
    pub(super) reads: ReadNeed,
}

/// The progress of the run.
#[derive(Debug)]
pub(super) struct RunState<T> {
    pub(super) supply: Supply,
    /// Rows that have ended and that the driver has not taken yet.
    pub(super) ended: VecDeque<Ended<T>>,
    /// Rows that the driver has taken and whose outcome is not recorded yet.
    pub(super) unrecorded: usize,
    pub(super) stop: Option<StopReason>,
    /// The time after a stop at which requests in flight are given up.
    pub(super) drained_by: Option<Moment>,
    pub(super) limited_by: Option<LimitedBy>,
    /// The time since which only our own pace has held requests back.
    pub(super) throttled_since: Option<Moment>,
    /// The control whose read matched, so that its update may follow.
    pub(super) control: Option<Ticket>,
    /// The rows that go first. After a wait, another customer's row goes before the one that was
    /// refused.
    pub(super) priority: Priority,
    /// Consecutive requests that did not reach the API, since the last response.
    pub(super) not_reached: usize,
    /// The cause of the last failed update.
    pub(super) last_failure: Option<Cause>,
    /// The round of rechecks.
    pub(super) doubt_round: DoubtRound,
    /// The reason to stop that the last foreign answer gives, if every row gets such an answer.
    pub(super) misdirection: Option<StopReason>,
    /// The end of a named wait that is longer than the longest wait.
    pub(super) too_long_until: Option<Moment>,
    /// The care that rows need which would go alone.
    pub(super) instead_of_alone: Care,
    /// The kind of the last request that was refused.
    pub(super) refused: Request,
}

/// The rows that go first among those that may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    /// Rows to be sent again go first.
    Retries,
    /// Rows that were not sent yet go first, until one that left after this time is let through.
    FreshSince(Moment),
}

/// The round of rechecks that the rows in doubt are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DoubtRound {
    Usual,
    /// The last one: the longest wait is over, so the API's answers count as they are.
    Last,
}

/// Whether more rows will be offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Supply {
    Open,
    Closed,
}

/// Whether a row ended badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    Yes,
    No,
}

impl<T: Clone> Schedule<T> {
    /// Creates a schedule that continues after `history`. `seed` determines its jitter.
    pub fn new(rules: Rules, history: History, seed: u64) -> Schedule<T> {
        let Rules {
            rate,
            sharing,
            in_flight_max,
            timeout,
            retry,
            error_limit,
            echo,
            wait_max,
            grace,
            reads,
        } = rules;
        let mut schedule = Schedule {
            order: Order::new(),
            canary: Canary::none(),
            pages: PageReads::none(),
            throttle: Throttle::new(rate, sharing),
            flights: Flights::new(in_flight_max, timeout),
            retries: Retries {
                policy: retry,
                bucket: RetryTokenBucket::full(),
            },
            availability: Availability::new(history),
            token: TokenState::default(),
            limits: Limits {
                error_limit,
                echoes: Echoes::new(echo),
                history,
                exceeded_before: None,
                wait_max,
                grace,
                hours: None,
                reads,
            },
            random: Random::seeded(seed),
            run: RunState {
                supply: Supply::Open,
                ended: VecDeque::new(),
                unrecorded: 0,
                stop: None,
                drained_by: None,
                limited_by: None,
                throttled_since: None,
                control: None,
                priority: Priority::Retries,
                not_reached: 0,
                last_failure: None,
                doubt_round: DoubtRound::Usual,
                misdirection: None,
                too_long_until: None,
                instead_of_alone: Care::Alone,
                refused: Request::Write,
            },
            statistics: Statistics::default(),
        };
        schedule.limits.exceeded_before = schedule.limits.exceeded();
        if history.not_before > Moment::START {
            schedule.pause_all(history.not_before.since_start(), Moment::START);
        }
        schedule
    }

    /// Compares countries with these names as well.
    #[must_use]
    pub(crate) fn with_countries(mut self, countries: CountryNames) -> Schedule<T> {
        self.limits.echoes.set_countries(countries);
        self
    }

    /// Ends a row, and counts how it ended.
    pub(super) fn end(&mut self, ticket: Ticket, ending: Ending) {
        let held = self.order.end(ticket);
        self.canary.row_ended(&ending);
        match ending {
            Ending::Updated { echo, .. } => {
                self.count_ended(Bad::No);
                if let Some(reason) = self.limits.echoes.applied(echo) {
                    self.stop(reason);
                }
            }
            Ending::Unchanged => self.count_ended(Bad::No),
            Ending::Rejected { .. }
            | Ending::Conflict { .. }
            | Ending::Unsendable { .. }
            | Ending::Failed { .. } => {
                self.availability.ended_unapplied(held.customer);
                self.count_ended(Bad::Yes);
            }
        }
        self.run.ended.push_back(Ended {
            row: held.row,
            customer: held.customer,
            ending,
            attempts: held.updates,
            ambiguous: held.failures.ambiguous,
            took: held.took,
        });
    }

    /// Counts an outage if the breaker opened.
    pub(super) fn count_outage(&mut self, transition: Transition) {
        self.statistics.outages += u64::from(transition == Transition::Opened);
    }

    /// Counts a row that ended, and stops the run if too many ended badly.
    pub(super) fn count_ended(&mut self, bad: Bad) {
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
    /// The reason to stop, if too many rows have ended badly.
    pub(super) fn exceeded(&self) -> Option<StopReason> {
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
