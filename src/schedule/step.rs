//! What a schedule says: what to do next, and why it is not more.

use super::ended::Ended;
use super::moment::Moment;
use super::request::Request;
use super::ticket::Ticket;
use super::token::RefreshReason;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// Send this request for the ticket's row, and report with [`Schedule::finished`](super::Schedule::finished).
    Send(Ticket, Request),
    /// Give up the ticket's request, which is not reported any more: its timeout is over, or the run is.
    GiveUp(Ticket),
    /// This row has ended. Its customer's next row waits for [`Schedule::recorded`](super::Schedule::recorded).
    Ended(Ended<T>),
    /// The turn of this invalid row has come, which is never sent. Where its customer is known, their next row waits for
    /// [`Schedule::recorded`](super::Schedule::recorded).
    NeverSent(T),
    /// Get another token while rows are sent on, and report with [`Schedule::token_refreshed`](super::Schedule::token_refreshed).
    RefreshToken(RefreshReason),
    /// Nothing to do before this time, or before something happens: an answer, a new row, an outcome written down.
    Wait(Option<Moment>),
    /// Every row has ended.
    Done,
    /// The run stopped early and nothing is in flight any more.
    Stopped,
}

/// Why it is not faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedBy {
    /// The API asked to wait until then.
    Pause(Moment),
    /// The API is down since the first time; the next probe is due at the second, or under way.
    Outage(Moment, Option<Moment>),
    /// The rows that are left are in doubt: the API refused or failed them, and another write has to tell whose fault it is.
    Doubts,
    /// The API's window.
    Window,
    /// The user's rate, or the modest one of `auto`.
    Rate,
    /// The rate that was learned from what the API refuses.
    LearnedRate,
    /// As many requests are in flight as the API bears.
    Concurrency,
    /// Too many retries for too few successes.
    RetryTokens,
    /// The token is being renewed.
    TokenRefresh,
}
