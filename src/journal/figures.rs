//! The figures of a process, which its last line in the journal keeps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer_times::AnswerTimes;
use super::entry::milliseconds;

/// The figures of a process that sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The time when the process began. Its first line in the journal is a little later.
    #[serde(with = "milliseconds")]
    pub started: Timestamp,
    /// The time from then to its end, in milliseconds.
    pub ms: u64,
    /// The latency that 50, 95 and 99 % of the answers stayed within, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<[u64; 3]>,
    /// The figures of its requests.
    #[serde(flatten)]
    pub sent: SentFigures,
}

/// The figures of requests, of one process or of several.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SentFigures {
    /// Requests sent.
    pub requests: u64,
    /// Repeated requests, by the result of the request before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub retries: BTreeMap<String, u64>,
    /// Pauses that the API asked for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pauses: u64,
    /// Milliseconds that all rows waited in them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused_ms: u64,
    /// Outages of the API.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outages: u64,
    /// Milliseconds of outage.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub down_ms: u64,
    /// Times that an update was read and repeated to find out whether the API works.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub controls: u64,
    /// Token refreshes.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub token_refreshes: u64,
    /// The most requests in flight at once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub in_flight_max: u64,
    /// The times that answers took.
    #[serde(default, skip_serializing_if = "AnswerTimes::is_empty")]
    pub answers: AnswerTimes,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl SentFigures {
    /// Adds the figures of another process.
    pub(crate) fn add(&mut self, other: &SentFigures) {
        let SentFigures {
            requests,
            retries,
            pauses,
            paused_ms,
            outages,
            down_ms,
            controls,
            token_refreshes,
            in_flight_max,
            answers,
        } = other;
        for (sum, more) in [
            (&mut self.requests, requests),
            (&mut self.pauses, pauses),
            (&mut self.paused_ms, paused_ms),
            (&mut self.outages, outages),
            (&mut self.down_ms, down_ms),
            (&mut self.controls, controls),
            (&mut self.token_refreshes, token_refreshes),
        ] {
            *sum = sum.saturating_add(*more);
        }
        for (cause, more) in retries {
            let sum = self.retries.entry(cause.clone()).or_default();
            *sum = sum.saturating_add(*more);
        }
        self.in_flight_max = self.in_flight_max.max(*in_flight_max);
        self.answers.append(answers);
    }
}
