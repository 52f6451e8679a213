//! The progress of a run, as plain numbers that any thread may read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of a run that is under way.
#[derive(Debug, Default)]
pub(crate) struct RunProgress {
    ended_bytes: AtomicU64,
    ended: AtomicU64,
    earlier_bytes: AtomicU64,
    earlier: AtomicU64,
    bad: AtomicU64,
    in_flight: AtomicU64,
    retries: AtomicU64,
    /// The reason why it is not faster; changed a few times a second at most.
    limited_by: Mutex<String>,
}

/// The numbers at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ProgressSnapshot {
    /// Bytes of input in rows that this process has ended.
    pub ended_bytes: u64,
    /// Rows that this process has ended.
    pub ended: u64,
    /// Bytes of input in rows that earlier processes had settled.
    pub earlier_bytes: u64,
    /// Rows that earlier processes had settled, as far as the input was read.
    pub earlier: u64,
    /// Rows that this process has ended invalid, rejected or failed.
    pub bad: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// The reason why it is not faster; empty if nothing holds it back.
    pub limited_by: String,
}

impl RunProgress {
    /// Records rows that have ended, with their size in the input.
    pub(crate) fn record_ended(&self, rows: u64, bytes: u64) {
        self.ended.fetch_add(rows, Ordering::Relaxed);
        self.ended_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Records a row that an earlier process had settled, with its size in the input.
    pub(crate) fn record_earlier(&self, bytes: u64) {
        self.earlier.fetch_add(1, Ordering::Relaxed);
        self.earlier_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Records a row that ended invalid, rejected or failed.
    pub(crate) fn record_failure(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets the requests in flight and the attempts that were repeated.
    pub(crate) fn set_sending(&self, in_flight: u64, retries: u64) {
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.retries.store(retries, Ordering::Relaxed);
    }

    /// Sets the reason why it is not faster.
    pub(crate) fn set_limited_by(&self, why: String) {
        // The text is replaced as a whole, so a thread that panicked with the lock left it intact.
        *self
            .limited_by
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = why;
    }

    /// Returns the numbers now.
    pub(crate) fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot {
            ended_bytes: self.ended_bytes.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
            earlier_bytes: self.earlier_bytes.load(Ordering::Relaxed),
            earlier: self.earlier.load(Ordering::Relaxed),
            bad: self.bad.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            limited_by: self
                .limited_by
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone(),
        }
    }
}
