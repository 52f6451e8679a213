//! What a run shows while it goes on: plain numbers that any thread may read.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers of a run that goes on.
#[derive(Debug, Default)]
pub struct RunProgress {
    ended_bytes: AtomicU64,
    ended: AtomicU64,
    bad: AtomicU64,
    in_flight: AtomicU64,
    retries: AtomicU64,
    /// Why it is not faster; changed a few times a second at most.
    slow: Mutex<String>,
}

/// The numbers at one time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgressSnapshot {
    /// Bytes of input that the rows that have ended take up.
    pub ended_bytes: u64,
    /// Rows that have ended.
    pub ended: u64,
    /// Rows that ended invalid, rejected or failed.
    pub bad: u64,
    /// Requests in flight.
    pub in_flight: u64,
    /// Attempts that had to be repeated.
    pub retries: u64,
    /// Why it is not faster; empty where nothing holds it back.
    pub slow: String,
}

impl RunProgress {
    /// Rows that take up so many bytes of input have ended.
    pub fn record_ended(&self, rows: u64, bytes: u64) {
        self.ended.fetch_add(rows, Ordering::Relaxed);
        self.ended_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A row ended invalid, rejected or failed.
    pub fn record_failure(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// How sending goes.
    pub fn set_sending(&self, in_flight: u64, retries: u64) {
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.retries.store(retries, Ordering::Relaxed);
    }

    /// Why it is not faster.
    pub fn set_slow(&self, why: String) {
        // Text is whole or not there: a thread that panicked while it held the lock left it as it was.
        *self
            .slow
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = why;
    }

    /// The numbers now.
    pub fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot {
            ended_bytes: self.ended_bytes.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
            bad: self.bad.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            slow: self
                .slow
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone(),
        }
    }
}
