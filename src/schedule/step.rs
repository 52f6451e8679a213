//! The schedule's side of the protocol: the next step.

use super::canary::{AfterCanary, CanaryVerdict};
use super::ended::Ended;
use super::moment::Moment;
use super::pages::{PageRequest, PagesEnd};
use super::request::Request;
use super::shared_rate::exchange::Ask;
use super::ticket::Ticket;
use super::token::RefreshReason;

/// The next step for the driver.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// Send this request for the ticket's row, and report with
    /// [`Schedule::finished`](super::Schedule::finished).
    Send(Ticket, Request),
    /// Decide about the ticket's row, whose customer is known already, and report with
    /// [`Schedule::decided`](super::Schedule::decided).
    Decide(Ticket),
    /// Send this request of the reading of pages, and report with
    /// [`Schedule::page_finished`](super::Schedule::page_finished).
    SendPage(Ticket, PageRequest),
    /// No more pages are read, and rows may be offered.
    PagesEnded(PagesEnd),
    /// Give up the ticket's request: its timeout is over, or the grace of a stop is. It is not
    /// reported.
    GiveUp(Ticket),
    /// This row has ended. Its customer's next row waits for
    /// [`Schedule::recorded`](super::Schedule::recorded).
    Ended(Ended<T>),
    /// An invalid row whose turn has come. It is never sent. If its customer is known, their next
    /// row waits for [`Schedule::recorded`](super::Schedule::recorded).
    NeverSent(T),
    /// This is the verdict on the canary, and the run goes on like this.
    Judged(CanaryVerdict, AfterCanary),
    /// Get another token while rows are sent, and report with
    /// [`Schedule::token_refreshed`](super::Schedule::token_refreshed).
    RefreshToken(RefreshReason),
    /// Ask the store of the shared rate while rows are sent, and report with
    /// [`Schedule::rate_answered`](super::Schedule::rate_answered) or
    /// [`Schedule::rate_store_lost`](super::Schedule::rate_store_lost).
    AskForRate(Ask),
    /// Wait until this time, or for an event: an answer, a new row, a recorded outcome.
    Wait(Option<Moment>),
    /// Every row has ended.
    Done,
    /// The run stopped early and nothing is in flight any more.
    Stopped,
}
