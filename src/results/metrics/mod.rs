//! The metrics of a run, as Prometheus reads them.
//!
//! The threads of a run count into [`Metrics`]. A [`Snapshot`] of it is written as text
//! (`exposition`). All labels are words of this program or status codes of the API: no customer, no
//! value, no name of a file or host.

mod attempts;
mod earlier;
mod exposition;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

pub(crate) use self::attempts::AttemptCounts;
pub(crate) use self::exposition::{CONTENT_TYPE, text};
pub(crate) use self::snapshot::SendingMetrics;
use self::snapshot::{Completion, Snapshot};
use crate::journal::{Outcome, Shard};

/// The metrics of a process, which any thread may read.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// The part of the rows that the process sends, which all metrics then name.
    shard: Option<Shard>,
    /// Rows whose outcome this process has recorded.
    rows: OutcomeCounters,
    /// Rows of the run directory.
    run_rows: OutcomeCounters,
    /// Changed a few times a second at most.
    sending: Mutex<SendingMetrics>,
    /// The last success of an earlier process, in Unix seconds.
    earlier_success: OnceLock<u64>,
    completion: OnceLock<Completion>,
}

/// A counter for each outcome.
#[derive(Debug)]
struct OutcomeCounters(BTreeMap<Outcome, AtomicU64>);

impl Metrics {
    /// Creates the metrics of a process that sends the rows of this shard, or all rows.
    pub(crate) fn of_shard(shard: Option<Shard>) -> Metrics {
        Metrics {
            shard,
            ..Metrics::default()
        }
    }

    /// Sets the rows of the run directory that earlier processes recorded.
    pub(crate) fn set_earlier_rows(&self, count: impl Fn(Outcome) -> u64) {
        for (outcome, counter) in &self.run_rows.0 {
            counter.store(count(*outcome), Ordering::Relaxed);
        }
    }

    /// Counts a row whose outcome was recorded. `earlier` is the outcome that an earlier process
    /// had recorded for it.
    pub(crate) fn record_row(&self, outcome: Outcome, earlier: Option<Outcome>) {
        self.rows.add(outcome);
        self.run_rows.add(outcome);
        if let Some(earlier) = earlier {
            self.run_rows.subtract(earlier);
        }
    }

    /// Sets the numbers of sending.
    pub(crate) fn set_sending(&self, sending: SendingMetrics) {
        *self.sending() = sending;
    }

    /// Takes over the time of the last success from the text of an earlier process. Only the first
    /// one counts.
    pub(crate) fn take_over(&self, text: &str) {
        if let Some(at) = earlier::last_success(text) {
            self.earlier_success.get_or_init(|| at);
        }
    }

    /// Sets the end of the process, at this time in Unix seconds. Only the first one counts.
    pub(crate) fn complete(&self, at: u64, exit_code: u8) {
        self.completion.get_or_init(|| Completion { at, exit_code });
    }

    /// Returns the metrics now, in Unix seconds.
    pub(crate) fn snapshot(&self, now: u64) -> Snapshot {
        let completion = self.completion.get().copied();
        let own_success = completion.filter(|completion| completion.exit_code == 0);
        let own_success = own_success.map(|completion| completion.at);
        Snapshot {
            now,
            shard: self.shard,
            rows: self.rows.counts(),
            run_rows: self.run_rows.counts(),
            sending: self.sending().clone(),
            last_success: own_success.or(self.earlier_success.get().copied()),
            completion,
        }
    }

    fn sending(&self) -> MutexGuard<'_, SendingMetrics> {
        // The value is replaced as a whole, so a thread that panicked with the lock left it intact.
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OutcomeCounters {
    fn add(&self, outcome: Outcome) {
        if let Some(counter) = self.0.get(&outcome) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn subtract(&self, outcome: Outcome) {
        if let Some(counter) = self.0.get(&outcome) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn counts(&self) -> BTreeMap<Outcome, u64> {
        let counts = self.0.iter();
        counts
            .map(|(outcome, counter)| (*outcome, counter.load(Ordering::Relaxed)))
            .collect()
    }
}

impl Default for OutcomeCounters {
    fn default() -> OutcomeCounters {
        let all = Outcome::ALL.into_iter();
        OutcomeCounters(all.map(|outcome| (outcome, AtomicU64::new(0))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_directory_have_their_last_outcome() {
        let metrics = Metrics::default();
        let earlier = BTreeMap::from([(Outcome::Updated, 7), (Outcome::Failed, 2)]);
        metrics.set_earlier_rows(|outcome| earlier.get(&outcome).copied().unwrap_or_default());
        metrics.record_row(Outcome::Updated, Some(Outcome::Failed));
        metrics.record_row(Outcome::Invalid, None);
        let Snapshot { rows, run_rows, .. } = metrics.snapshot(0);
        let of = |counts: &BTreeMap<Outcome, u64>| {
            [Outcome::Updated, Outcome::Failed, Outcome::Invalid].map(|outcome| counts[&outcome])
        };
        assert_eq!((of(&rows), of(&run_rows)), ([1, 0, 1], [8, 1, 1]));
    }

    #[test]
    fn the_last_success_is_the_own_one_or_an_earlier_one() {
        let check = |earlier: &str, exit_code: Option<u8>, want: Option<u64>| {
            let metrics = Metrics::default();
            metrics.take_over(earlier);
            if let Some(exit_code) = exit_code {
                metrics.complete(200, exit_code);
            }
            let got = metrics.snapshot(300).last_success;
            assert_eq!(got, want, "{earlier}, {exit_code:?}");
        };
        let earlier = "custsync_last_success_timestamp_seconds 100\n";
        check("", None, None);
        check("", Some(1), None);
        check("", Some(0), Some(200));
        check(earlier, None, Some(100));
        check(earlier, Some(1), Some(100));
        check(earlier, Some(0), Some(200));
    }
}
