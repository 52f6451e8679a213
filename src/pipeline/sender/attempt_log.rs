//! The log of requests: with `-v` those that were not accepted, with `-vv` all. It names rows and
//! customers, and never a value.

use tracing::{debug, trace};

use crate::contract::{Answer, Attempt, CustomerId};
use crate::row::Row;

/// Logs an attempt at a row. It is the row's `number`th, counted from 1.
pub(super) fn log(row: &Row, number: u32, attempt: &Attempt) {
    let customer = row.id.map(CustomerId::get).unwrap_or_default();
    let (row, took_ms) = (row.position.row, attempt.took.as_millis());
    match &attempt.answer {
        Answer::Response(response) => {
            let status = response.status;
            if (200..300).contains(&status) {
                trace!(row, customer, attempt = number, status, took_ms, "answered");
            } else {
                debug!(
                    row,
                    customer,
                    attempt = number,
                    status,
                    took_ms,
                    "not accepted"
                );
            }
        }
        Answer::Fault(fault) => {
            let fault = fault.name();
            debug!(row, customer, attempt = number, fault, took_ms, "no answer");
        }
    }
}
