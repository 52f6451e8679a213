//! What a run says of itself while it goes on: numbers for the progress line, why it is not faster, and a log line for each
//! outage.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{info, warn};

use crate::progress::Progress;
use crate::row::Row;
use crate::schedule::{Moment, Schedule, Slow};

/// Follows a schedule and tells what it does.
#[derive(Debug)]
pub(crate) struct Reporter {
    progress: Arc<Progress>,
    /// Since when the API is down, as far as it was logged.
    down_since: Option<Moment>,
}

impl Reporter {
    pub(crate) fn new(progress: Arc<Progress>) -> Reporter {
        Reporter { progress, down_since: None }
    }

    /// Brings what the user sees up to date.
    pub(crate) fn report(&mut self, schedule: &Schedule<Row>, now: Moment) {
        let retries = schedule.statistics().retries.values().sum();
        self.progress.sending(u64::try_from(schedule.in_flight()).unwrap_or(u64::MAX), retries);
        let slow = schedule.slow();
        self.progress.slow(slow.map_or_else(String::new, |slow| describe(slow, now)));
        self.log_outage(schedule, now);
    }

    /// Logs once that the API went down, and once that it is up again.
    fn log_outage(&mut self, schedule: &Schedule<Row>, now: Moment) {
        let down_since = match schedule.slow() {
            Some(Slow::ApiDown(since, _)) => Some(since),
            _ => None,
        };
        match (self.down_since, down_since) {
            (None, Some(_)) => {
                let causes = schedule.statistics().retries.iter().map(|(cause, n)| format!("{cause} {n}"));
                warn!("the API is down ({}); one row is tried now and then", causes.collect::<Vec<_>>().join(", "));
            }
            (Some(since), None) => info!("the API is up again, after {} s", now.since(since).as_secs()),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.down_since = down_since;
    }
}

/// Why a run is not faster, in words.
fn describe(slow: Slow, now: Moment) -> String {
    match slow {
        Slow::PausedByApi(until) => {
            let until = Timestamp::now() + until.since(now);
            format!("paused by the API until {} UTC", until.strftime("%H:%M:%S"))
        }
        Slow::ApiDown(since, probe) => {
            let (down_s, probe_s) = (now.since(since).as_secs(), probe.since(now).as_secs());
            format!("API down since {down_s} s, next probe in {probe_s} s")
        }
        Slow::LimitedByWindow => "limited by the API's window".to_owned(),
        Slow::LimitedByRate => "limited by --rate".to_owned(),
        Slow::LimitedByConcurrency => String::new(),
        Slow::RetryBudgetEmpty => "retries held back: too few successes".to_owned(),
        Slow::RenewingToken => "renewing the token".to_owned(),
    }
}
