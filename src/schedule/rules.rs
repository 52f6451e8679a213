//! The input of a schedule: its rules, and what earlier processes saw.

use std::num::NonZeroU32;
use std::time::Duration;

use super::decision::ReadNeed;
use super::error_limit::ErrorLimit;
use super::moment::Moment;
use super::rate::Rate;
use super::retry::RetryPolicy;
use crate::contract::EchoCheck;

/// The rules of a schedule.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The user's rate.
    pub rate: Rate,
    /// The processes that share the rate.
    pub sharing: RateSharing,
    /// The most requests in flight.
    pub in_flight_max: u16,
    /// The time that a request may take, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// The number of attempts for a row.
    pub retry: RetryPolicy,
    /// The number of rows that may end badly.
    pub error_limit: ErrorLimit,
    /// The use of the echo check.
    pub echo: EchoCheck,
    /// The longest time in which the API may let nothing through, by a named wait or an outage.
    pub wait_max: Duration,
    /// The time that requests in flight have to finish once the run stops.
    pub grace: Duration,
    /// Whether rows whose customer cannot be read may leave.
    pub reads: ReadNeed,
}

/// The processes that share the rate, or what the API's headers allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateSharing {
    /// This process alone.
    Alone,
    /// This many processes without a store. The part of one is a fraction of what the API's headers
    /// allow and of the rate `auto`; a rate of the user's is its own.
    Processes(NonZeroU32),
    /// The members of a store, with the name of this one: lower-case hexadecimal digits.
    Member(String),
}

/// The user's hours (`--hours`): the time in which requests may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenHours {
    /// The time from which on they may; the start of the run, if they may at once.
    pub(crate) opens: Moment,
    /// The time from which on they may not any more.
    pub(crate) closes: Moment,
}

/// The results of earlier processes of the same run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Rows that have ended.
    pub ended: u64,
    /// Those that ended invalid, rejected or failed.
    pub errors: u64,
    /// Rows that ended with an answer of the API.
    pub answered: u64,
    /// The end of a wait that the API had named.
    pub not_before: Moment,
}

impl History {
    /// Rows that were updated.
    pub(super) fn updated(self) -> u64 {
        self.ended.saturating_sub(self.errors)
    }
}
