//! Decides what to send when, without I/O and without a clock of its own.
//!
//! A driver offers rows to a [`Schedule`], asks for the next [`Step`], carries it out, and reports what came back:
//!
//! ```text
//! offer(row) → next(now) → Send(ticket, request) | GiveUp | Ended | NeverSent | RefreshToken | Wait(until) | Done | Stopped
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
mod cause;
mod concurrency;
mod controls;
mod ended;
pub mod error_limit;
mod flights;
mod judge;
mod learned_rate;
mod limits_met;
mod moment;
mod not_reached;
mod order;
mod protocol;
mod random;
pub mod rate;
mod refusals;
mod request;
mod retry;
mod retry_tokens;
mod row_failures;
mod rules;
mod sending;
mod server_clock;
mod settling;
#[cfg(test)]
mod simulation;
mod sockets;
mod state;
mod statistics;
mod step;
mod stop;
#[cfg(test)]
mod tests;
mod throttle;
mod ticket;
mod token;
mod trouble;
mod window;

pub use cause::Cause;
pub use ended::{Ended, Ending};
pub use moment::Moment;
pub use random::Random;
pub use request::Request;
pub use retry::{ATTEMPTS_LIMIT, AttemptsError, RetryPolicy};
pub use rules::{History, Rules};
pub use state::Schedule;
pub use statistics::Statistics;
pub use step::{LimitedBy, Step};
pub use stop::StopReason;
pub use ticket::Ticket;
pub use token::{RefreshReason, Refreshed};
