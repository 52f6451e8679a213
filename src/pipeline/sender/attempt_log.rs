//! The log of requests: with `-v` those that were not accepted, with `-vv` all. It names rows and
//! customers, and never a value.

use std::time::Duration;

use tracing::{debug, trace};

use crate::contract::{Answer, Attempt, CustomerId};
use crate::row::Row;

/// The log line of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) struct AttemptLog {
    row: u64,
    customer: u64,
    /// Counted from 1.
    attempt: u32,
    took_ms: u128,
    result: Result<u16, &'static str>,
}

impl AttemptLog {
    /// Returns the log line of an attempt at a row, which is the row's `number`th.
    pub(super) fn of(row: &Row, number: u32, attempt: &Attempt) -> AttemptLog {
        AttemptLog {
            row: row.position.row,
            customer: row.id.map(CustomerId::get).unwrap_or_default(),
            attempt: number,
            took_ms: attempt.took.as_millis(),
            result: match &attempt.answer {
                Answer::Response(response) => Ok(response.status),
                Answer::Fault(fault) => Err(fault.name()),
            },
        }
    }

    /// Logs it. `wait` is the time after which the row is sent again, if that is planned.
    pub(super) fn write(self, wait: impl FnOnce() -> Option<Duration>) {
        let AttemptLog {
            row,
            customer,
            attempt,
            took_ms,
            result,
        } = self;
        if let Ok(status @ 200..300) = result {
            trace!(row, customer, attempt, status, took_ms, "answered");
        } else if tracing::enabled!(tracing::Level::DEBUG) {
            let again_in_ms = wait().map(|wait| wait.as_millis());
            match result {
                Ok(status) => debug!(
                    row,
                    customer, attempt, status, took_ms, again_in_ms, "not accepted"
                ),
                Err(fault) => debug!(
                    row,
                    customer, attempt, fault, took_ms, again_in_ms, "no answer"
                ),
            }
        }
    }
}
