//! The numbers of sending in a summary, of one process or of all.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::super::held_back::{Brake, by_known_brake};
use super::super::tally::Latencies;
use super::rounded;
use crate::journal::{Figures, SentFigures};
use crate::schedule::Statistics;

/// The percentages of answers whose latency is told.
const PERCENTS: [f64; 3] = [50.0, 95.0, 99.0];

/// The numbers of sending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendingSummary {
    /// Requests sent.
    pub requests: u64,
    /// Requests per second.
    pub requests_per_second: f64,
    /// Repeated requests, by the result of the request before.
    pub retries: BTreeMap<String, u64>,
    /// Pauses that the API asked for.
    pub pauses: u64,
    /// Seconds that all rows waited in them.
    pub paused_s: f64,
    /// Outages of the API.
    pub outages: u64,
    /// Seconds of outage.
    pub down_s: f64,
    /// Times that an update was read and repeated to find out whether the API works.
    pub controls: u64,
    /// Token refreshes.
    pub token_renewals: u64,
    /// The rate per second that was learned from the API's refusals, if it limited the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_rate_per_second: Option<f64>,
    /// The limit of requests in flight that was learned from them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned_in_flight: Option<usize>,
    /// The most requests in flight at once.
    pub in_flight_max: u64,
    /// The percentage of the time for which each cause held the process back; absent in sums and for
    /// earlier processes.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "known_brakes"
    )]
    pub held_back_by: Option<BTreeMap<Brake, f64>>,
    /// Latencies of all answers.
    pub latency_ms: Option<LatencySummary>,
}

/// Percentiles of the latency, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// The median.
    pub p50: f64,
    /// The 95th percentile.
    pub p95: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// Returns the figures of a process that began at `started` and took this long.
pub(crate) fn figures(
    started: Timestamp,
    took: Duration,
    statistics: &Statistics,
    latencies: &Latencies,
) -> Figures {
    let retries = statistics.retries.iter();
    Figures {
        started,
        ms: ms(took),
        latency_us: percentiles(latencies),
        sent: SentFigures {
            requests: statistics.attempts,
            retries: retries.map(|(cause, n)| (cause.to_string(), *n)).collect(),
            pauses: statistics.pauses,
            paused_ms: ms(statistics.paused),
            outages: statistics.outages,
            down_ms: ms(statistics.down),
            controls: statistics.controls,
            token_refreshes: statistics.token_refreshes,
            in_flight_max: u64::try_from(statistics.in_flight_max).unwrap_or(u64::MAX),
            answers: latencies.answer_times(),
        },
    }
}

impl SendingSummary {
    /// Returns the numbers of a process.
    pub(crate) fn of(figures: &Figures) -> SendingSummary {
        SendingSummary::new(&figures.sent, figures.ms, figures.latency_us)
    }

    /// Returns the numbers of several processes, which took this long in sum.
    pub(super) fn of_all(sent: &SentFigures, ms: u64) -> SendingSummary {
        SendingSummary::new(sent, ms, percentiles(&Latencies::of(&sent.answers)))
    }

    /// Adds what only the process itself knows: what it learned from the API's refusals, and what
    /// held it back.
    pub(crate) fn with_own(
        self,
        statistics: &Statistics,
        held_back: &[(Brake, f64)],
    ) -> SendingSummary {
        let rate = statistics.learned_rate;
        let percents = held_back
            .iter()
            .map(|(brake, share)| (*brake, rounded(share * 100.0)))
            .filter(|(_, percent)| *percent > 0.0);
        SendingSummary {
            learned_rate_per_second: rate.map(|rate| (rate * 100.0).round() / 100.0),
            learned_in_flight: statistics.learned_in_flight,
            held_back_by: Some(percents.collect()),
            ..self
        }
    }

    fn new(sent: &SentFigures, ms: u64, latency_us: Option<[u64; 3]>) -> SendingSummary {
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
            answers: _,
        } = sent;
        SendingSummary {
            requests: *requests,
            requests_per_second: per_second(*requests, ms),
            retries: retries.clone(),
            pauses: *pauses,
            paused_s: seconds(*paused_ms),
            outages: *outages,
            down_s: seconds(*down_ms),
            controls: *controls,
            token_renewals: *token_refreshes,
            learned_rate_per_second: None,
            learned_in_flight: None,
            in_flight_max: *in_flight_max,
            held_back_by: None,
            latency_ms: latency_us.map(|[p50, p95, p99]| LatencySummary {
                p50: seconds(p50),
                p95: seconds(p95),
                p99: seconds(p99),
            }),
        }
    }
}

fn known_brakes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<Brake, f64>>, D::Error> {
    by_known_brake(deserializer).map(Some)
}

fn percentiles(latencies: &Latencies) -> Option<[u64; 3]> {
    let [p50, p95, p99] = PERCENTS.map(|percent| latencies.percentile(percent));
    let us = |took: Duration| u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    Some([us(p50?), us(p95?), us(p99?)])
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Returns a thousandth of a number, to one decimal: seconds of milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "times are shown with one decimal"
)]
pub(super) fn seconds(thousandths: u64) -> f64 {
    rounded(thousandths as f64 / 1000.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is shown with one decimal"
)]
fn per_second(requests: u64, ms: u64) -> f64 {
    if ms == 0 {
        return 0.0;
    }
    rounded(requests as f64 * 1000.0 / ms as f64)
}
