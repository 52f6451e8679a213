//! The numbers of sending for the metrics. The sender counts for itself and hands a copy over a few
//! times a second, so that an answer costs no lock.

use std::sync::Arc;

use crate::contract::{Attempt, Fault};
use crate::results::held_back::BrakeTimes;
use crate::results::metrics::{AttemptCounts, Metrics, SendingMetrics};
use crate::row::Row;
use crate::schedule::{Moment, Request, Schedule};

/// The cause of a request that got no answer in time.
pub(super) const TIMEOUT: &str = Fault::Timeout.name();
/// The cause of a request that the end of the run left without an answer.
pub(super) const CUT_OFF: &str = "cut_off";

/// Counts requests for the metrics.
#[derive(Debug)]
pub(super) struct Meter {
    metrics: Arc<Metrics>,
    attempts: AttemptCounts,
}

impl Meter {
    pub(super) fn new(metrics: Arc<Metrics>) -> Meter {
        Meter {
            metrics,
            attempts: AttemptCounts::default(),
        }
    }

    /// Counts a request that was answered or failed.
    pub(super) fn answered(&mut self, request: Request, attempt: &Attempt) {
        self.attempts.record(request, attempt);
    }

    /// Counts a request that was given up for this cause.
    pub(super) fn given_up(&mut self, request: Request, cause: &'static str) {
        self.attempts.record_unanswered(request, cause);
    }

    /// Hands over the numbers of now. The rows that have ended held this many bytes of input.
    pub(super) fn hand_over(
        &self,
        schedule: &Schedule<Row>,
        in_flight: usize,
        times: &BrakeTimes,
        bytes_read: u64,
        now: Moment,
    ) {
        let waiting = times.all().iter();
        self.metrics.set_sending(SendingMetrics {
            attempts: self.attempts.clone(),
            in_flight: u64::try_from(in_flight).unwrap_or(u64::MAX),
            in_flight_max: u64::try_from(schedule.in_flight_max(now).0).unwrap_or(u64::MAX),
            waiting: waiting
                .filter_map(|(brake, time)| Some(((*brake)?, *time)))
                .collect(),
            token_refreshes: schedule.statistics().token_refreshes,
            bytes_read,
        });
    }
}
