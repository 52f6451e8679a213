//! Decides what to send and when, without I/O and without a clock of its own.
//!
//! A driver offers rows to a [`Schedule`], asks for the next [`Step`], carries it out, and reports
//! the result:
//!
//! ```text
//! offer(row) → next(now) → Send(ticket, request)   → finished(ticket, attempt, now)
//!                          GiveUp(ticket)            (decided(ticket, decision), if it is awaited)
//!                          Ended | NeverSent       → recorded(customer)
//!                          Decide(ticket)          → decided(ticket, decision)
//!                          Judged(verdict, after)
//!                          SendPage(ticket, page)  → page_finished(ticket, attempt, shown, now)
//!                          PagesEnded(end)
//!                          RefreshToken(reason)    → token_refreshed(refreshed, now)
//!                          AskForRate(ask)         → rate_answered(reply, asked, now) | rate_store_lost(now)
//!                          Wait(until) | Done | Stopped
//! ```
//!
//! [`Step::Wait`] names every time that matters: the end of a pause, of a timeout, of the grace of
//! a stop, of the longest wait. The protocol is in `protocol`, and what a schedule consists of is
//! in `state`.
//!
//! | question | files |
//! |---|---|
//! | Whose turn is it? | `order`, `sending` |
//! | How fast may requests leave? | `throttle`, with the API's `window` and the `learned_rate` |
//! | How is a rate shared with other processes? | `shared_rate`, with `sharing` |
//! | How many may be in flight? | `flights`, with `concurrency` and `sockets` |
//! | What does an answer mean? | `judge` |
//! | What does it do? | `answers`, with `refusals`, `trouble`, `limits_met`, `not_reached` and `controls` |
//! | Are values shown as they were sent? | `echo` |
//! | When is a row sent again? | `retry`, `retry_tokens`, `row_failures` |
//! | Does the API work, and whose fault is a failure? | `availability` |
//! | How do rows in doubt end? | `settling` |
//! | Which customers are sent to before all others, and how did that go? | `canary`, `judging` |
//! | When may requests leave by the user's hours? | `hours` |
//! | Which rows are read first, and who decides about them? | `care` |
//! | Is a customer still as it was read? | `guard`, with `changed` |
//! | Are whole pages of customers read before the rows? | `paging`, with `pages` |
//! | Is the token valid? | `token` |

mod answers;
mod availability;
mod backoff;
mod canary;
mod care;
mod cause;
pub(crate) mod change_limit;
mod changed;
mod concurrency;
mod controls;
mod decision;
mod echo;
mod ended;
pub mod error_limit;
mod flights;
mod guard;
mod hours;
mod judge;
mod judging;
mod learned_rate;
mod limited_by;
mod limiter;
mod limits_met;
mod moment;
mod not_reached;
mod order;
mod pages;
mod paging;
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
pub(crate) mod shared_rate;
mod sharing;
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

pub(crate) use backoff::{Backoff, Jitter};
pub(crate) use canary::{
    AfterCanary, CanaryHistory, CanaryRows, CanaryRules, CanaryThen, CanaryVerdict, EarlierVerdict,
};
pub(crate) use cause::Cause;
pub(crate) use decision::Decision;
pub use decision::{Care, ReadNeed};
pub(crate) use ended::{ChangeSign, Ended, Ending};
pub(crate) use judge::is_missing;
pub(crate) use limited_by::{InFlightBound, LimitedBy};
pub use moment::Moment;
pub(crate) use pages::{
    PageCheck, PageFacts, PageRequest, PageRules, PageShown, PagesEnd, ReadWay,
};
pub use random::Random;
pub(crate) use request::Request;
pub(crate) use retry::ATTEMPTS_LIMIT;
pub use retry::RetryPolicy;
pub(crate) use rules::OpenHours;
pub use rules::{History, RateSharing, Rules};
pub(crate) use shared_rate::{RateShare, RateStanding};
pub use state::Schedule;
pub(crate) use statistics::Statistics;
pub use step::Step;
pub(crate) use stop::StopReason;
pub(crate) use ticket::Ticket;
pub(crate) use token::{RefreshReason, Refreshed};
pub(crate) use window::WindowPace;
