//! What a schedule says: what to do next, and why it is not more.

#[cfg(doc)]
use super::Schedule;
use super::{Moment, RenewalReason, Ticket};

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send this row, and report with [`Schedule::finished`].
    Send(Ticket),
    /// Nothing to do before this time, or before something happens: an answer, a new row, an outcome written down.
    Wait(Option<Moment>),
    /// Get another token while rows are sent on, and report with [`Schedule::token_renewed`].
    RenewToken(RenewalReason),
    /// Every row has ended.
    Done,
    /// The run stopped early and nothing is in flight any more.
    Stopped,
}

/// Why it is not faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slow {
    /// The API asked to wait until then.
    PausedByApi(Moment),
    /// The API is down since the first time; the next probe is due at the second.
    ApiDown(Moment, Moment),
    /// The API's window.
    LimitedByWindow,
    /// The user's rate, or the modest one of `auto`.
    LimitedByRate,
    /// As many requests are in flight as the API bears.
    LimitedByConcurrency,
    /// Too many retries for too few successes.
    RetryBudgetEmpty,
    /// The token is being renewed.
    RenewingToken,
}
