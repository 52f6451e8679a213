//! The reasons for which a run stops before the end of its input.

use std::fmt;
use std::time::Duration;

use super::canary::CanaryVerdict;
use super::cause::Cause;
use super::change_limit::{ChangeKind, ChangeLimit};
use super::error_limit::ErrorLimit;
use super::request::Request;
use crate::contract::{Fault, FieldSet};
use crate::text::grouped;

/// The reason for which a run stops. Rows without an outcome stay unsent, and the same command
/// continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// Too many rows ended badly (`--max-errors`).
    ErrorLimit {
        /// Rows that ended.
        ended: u64,
        /// Those that ended invalid, rejected or failed.
        errors: u64,
        /// The limit.
        limit: ErrorLimit,
    },
    /// Too much has changed since the last run (`--max-changes`).
    TooManyChanges {
        /// The kind of change.
        kind: ChangeKind,
        /// The number of changes.
        count: u64,
        /// The customers in the state.
        customers: u64,
        /// The limit.
        limit: ChangeLimit,
    },
    /// Rows in a row were applied, and the API shows other values than were sent (`--echo reject`).
    EchoDiffers {
        /// The number of rows.
        rows: u32,
        /// The fields that differ in at least one of them.
        fields: FieldSet,
    },
    /// The canary's customers were sent to (`--canary`), and no other was.
    Canary {
        /// The verdict.
        verdict: CanaryVerdict,
    },
    /// The user's hours have ended (`--hours`).
    HoursEnded,
    /// The API did not answer for longer than `--max-wait`.
    Outage {
        /// The time for which it was down.
        lasted: Duration,
        /// The cause of the last failed update.
        cause: Option<Cause>,
    },
    /// The API refused rows and applied none for longer than `--max-wait`, and there was no control
    /// to show whether it works.
    OnlyRefusals {
        /// The time for which it applied none.
        lasted: Duration,
        /// The number of refused rows.
        rows: usize,
    },
    /// This machine had no file descriptors or ports to connect with for longer than `--max-wait`.
    NoSockets {
        /// The time for which it had none.
        lasted: Duration,
    },
    /// The store of the shared rate was out of reach or closed for longer than `--max-wait`.
    NoRateStore {
        /// The time for which requests waited for it.
        lasted: Duration,
    },
    /// The API named a wait longer than `--max-wait`.
    WaitTooLong {
        /// The wait, from the first refusal to its end.
        wait: Duration,
    },
    /// 2xx answers that are not the API's, but a login page's or a proxy's.
    UnexpectedAnswers {
        /// The status of the last one.
        status: u16,
        /// The kind of answer.
        what: Unexpected,
    },
    /// The API redirects.
    Redirected {
        /// The status of the last one.
        status: u16,
        /// The host that it points to.
        host: Option<String>,
    },
    /// The first answers were all 404.
    AllNotFound {
        /// The number of answers.
        answers: usize,
    },
    /// The API refuses the token, also after it was read again.
    TokenRefused,
    /// The login has ended: its refresh token is refused.
    LoginNeeded,
    /// The token endpoint did not hand out a token for longer than `--max-wait`.
    TokenUnavailable {
        /// The time for which rows waited for it.
        lasted: Duration,
    },
    /// The API refuses the permission (403).
    Forbidden {
        /// The number of consecutive answers.
        answers: usize,
        /// The kind of the requests.
        request: Request,
    },
    /// The customers cannot be read, and must not be updated without.
    NoReads {
        /// The status of the last answer.
        status: u16,
    },
    /// The API clears the fields that an update leaves out.
    LeftOutIsLost,
    /// An answer that every row would meet.
    EveryRowWouldFail {
        /// The status of that answer.
        status: u16,
    },
    /// The host's name is unknown, TLS fails, or the proxy does not let requests through, before
    /// any success.
    Unreachable {
        /// The fault. The API's route describes it in words.
        fault: Fault,
    },
    /// The input cannot be read any further.
    InputUnusable,
    /// The input cannot be read any further for the moment.
    InputUnavailable,
    /// The input was replaced while it was read.
    InputReplaced,
    /// The input is not the one that the run directory belongs to.
    InputChanged {
        /// The first row of the range that differs.
        first_row: u64,
        /// The last row of the range that differs.
        last_row: u64,
    },
    /// The input has another request for a row than the plan.
    PlanDiffers {
        /// The row.
        row: u64,
    },
    /// The plan cannot be read or written any more.
    PlanUnusable {
        /// The reason.
        message: String,
    },
    /// Too many rows are to be sent again from an input that can be read only once.
    CannotCompare,
    /// Outcomes can no longer be recorded.
    JournalUnwritable,
    /// The state cannot be read or written any more.
    StateUnusable {
        /// The reason.
        message: String,
    },
    /// Images of customers can no longer be kept.
    ImagesUnwritable,
    /// Images of customers cannot be read any more.
    ImagesUnreadable,
    /// The reads of customers, by which rows are compared, can no longer be kept or read back.
    ReadsUnusable,
    /// SIGHUP.
    HungUp,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
}

/// The difference between a 2xx answer and the API's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unexpected {
    /// The body does not show the update.
    AnotherBody,
    /// The body shows another customer than the request's.
    OtherCustomer,
    /// The body is longer than what is read.
    TooLong,
}

impl StopReason {
    /// Whether the run directory belongs to another input, so that nothing in it may change.
    pub fn is_about_another_input(&self) -> bool {
        matches!(
            self,
            StopReason::InputChanged { .. } | StopReason::CannotCompare
        )
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StopReason::ErrorLimit { ended, errors, limit } => {
                write!(f, "{errors} of {ended} rows ended badly, more than --max-errors {limit}")
            }
            StopReason::TooManyChanges {
                kind,
                count,
                customers,
                limit,
            } => {
                let (count, customers) = (grouped(*count), grouped(*customers));
                match kind {
                    ChangeKind::Changed => write!(
                        f,
                        "rows that have changed: {count}, for a state of {customers} customers, more than --max-changes {limit}; nothing was sent"
                    ),
                    ChangeKind::New => write!(
                        f,
                        "rows of new customers: {count}, for a state of {customers} customers, more than --max-changes {limit}; nothing was sent"
                    ),
                    ChangeKind::Absent => write!(
                        f,
                        "{count} of the state's {customers} customers are absent, more than --max-changes {limit}; nothing was sent"
                    ),
                }
            }
            StopReason::StateUnusable { message } | StopReason::PlanUnusable { message } => {
                f.write_str(message)
            }
            StopReason::EchoDiffers { rows, fields } => write!(
                f,
                "{rows} rows in a row were applied, and the API shows other values than were sent: {} (--echo reject; --echo warn goes on)",
                fields.names().collect::<Vec<_>>().join(", ")
            ),
            StopReason::Canary { verdict } => write!(
                f,
                "the canary is {verdict}; no other customer was sent to (--canary-then go goes on)"
            ),
            StopReason::HoursEnded => f.write_str("the hours in which requests may leave have ended (--hours)"),
            StopReason::Outage { lasted, cause } => {
                write!(f, "the API has been down for {} s, longer than --max-wait", lasted.as_secs())?;
                cause.map_or(Ok(()), |cause| write!(f, "; the last failure was {cause}"))
            }
            StopReason::OnlyRefusals { lasted, rows } => write!(
                f,
                "the API has refused {rows} rows and applied none for {} s, longer than --max-wait, and nothing tells whether it works (--max-errors none lets refused rows end rejected)",
                lasted.as_secs()
            ),
            StopReason::NoSockets { lasted } => write!(
                f,
                "this machine had no file descriptors or ports left to connect with for {} s (ulimit -n)",
                lasted.as_secs()
            ),
            StopReason::NoRateStore { lasted } => write!(
                f,
                "the store of the shared rate gave no slot for {} s, longer than --max-wait: see that it works (--rate-file, --rate-redis)",
                lasted.as_secs()
            ),
            StopReason::WaitTooLong { wait } => {
                write!(f, "the API asks to wait for {} s, longer than --max-wait", wait.as_secs())
            }
            StopReason::UnexpectedAnswers { status, what } => {
                let what = match what {
                    Unexpected::AnotherBody => "something else than the API's JSON: a login page or a proxy?",
                    Unexpected::OtherCustomer => "another customer than the one that was sent: a cache or a proxy?",
                    Unexpected::TooLong => "more than 64 KiB, of which nothing is believed: another server?",
                };
                write!(f, "the server answers {status} with {what} (--base-url)")
            }
            StopReason::Redirected { status, host: Some(host) } => write!(
                f,
                "the server answers {status} and points to {host}; redirects are never followed (is --base-url right?)"
            ),
            StopReason::Redirected { status, host: None } => {
                write!(f, "the server answers {status}; redirects are never followed (is --base-url right?)")
            }
            StopReason::AllNotFound { answers } => write!(
                f,
                "the first {answers} answers were all 404: is --base-url or --tenant wrong? (--max-errors none sends on)"
            ),
            StopReason::TokenRefused => {
                f.write_str("the API refuses the token (401): get a new one and run this again")
            }
            StopReason::LoginNeeded => {
                f.write_str("the token cannot be renewed, the login has ended: log in again, and run this again")
            }
            StopReason::TokenUnavailable { lasted } => {
                write!(f, "no token could be had for {} s, longer than --max-wait", lasted.as_secs())
            }
            StopReason::Forbidden { answers, request: Request::Write } => write!(
                f,
                "the API refuses the permission (403, {answers} in a row): the token lacks the scope, or --tenant is wrong"
            ),
            StopReason::Forbidden { answers, request: Request::Read } => write!(
                f,
                "the API refuses to show customers (403, {answers} in a row): the token lacks the scope for reading, or --tenant is wrong"
            ),
            StopReason::NoReads { status } => write!(
                f,
                "the server answers {status} to GET, and this needs to read each customer first: is --base-url right?"
            ),
            StopReason::LeftOutIsLost => f.write_str(
                "the API clears the fields that an update leaves out: send rows with all fields (--complete, in another run directory), or name all columns in the file",
            ),
            StopReason::EveryRowWouldFail { status } => {
                write!(f, "the server answers {status}, which every row would meet: is --base-url right?")
            }
            StopReason::Unreachable { fault } => write!(f, "the API cannot be reached ({})", fault.name()),
            StopReason::InputUnusable => f.write_str("the input cannot be read on; rows that ended before are recorded, and are not sent again"),
            StopReason::InputUnavailable => f.write_str("the input cannot be read on for the moment; rows that ended before are recorded, and are not sent again"),
            StopReason::InputReplaced => f.write_str("the input is another one now; rows that ended before are recorded"),
            StopReason::InputChanged { first_row, last_row } => write!(
                f,
                "the input is not the one that was sent before: it differs in rows {first_row} to {last_row}; nothing was sent"
            ),
            StopReason::PlanDiffers { row } => write!(
                f,
                "the input has changed since it was compared with the plan: row {row} has another request, and is not sent; rows that ended before are recorded"
            ),
            StopReason::CannotCompare => f.write_str(
                "too many rows are to be sent again from an input that can be read only once: save it to a file; nothing was sent",
            ),
            StopReason::JournalUnwritable => f.write_str("outcomes cannot be recorded any more"),
            StopReason::ImagesUnwritable => f.write_str("images of customers cannot be kept any more, and nothing is sent without them"),
            StopReason::ImagesUnreadable => f.write_str("images of customers cannot be read any more"),
            StopReason::ReadsUnusable => f.write_str("what was read of customers cannot be kept any more"),
            StopReason::HungUp => f.write_str("hung up"),
            StopReason::Interrupted => f.write_str("interrupted"),
            StopReason::Terminated => f.write_str("terminated"),
        }
    }
}
