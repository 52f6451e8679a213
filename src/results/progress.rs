//! The progress of a run, as plain numbers that any thread may read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::held_back::HeldBack;
use crate::schedule::WindowPace;

/// The numbers of a run that is under way.
#[derive(Debug, Default)]
pub(crate) struct RunProgress {
    /// The rows that earlier processes settled.
    earlier: EarlierRows,
    total: OnceLock<u64>,
    ended_bytes: AtomicU64,
    ended: AtomicU64,
    earlier_bytes: AtomicU64,
    bad: AtomicU64,
    /// Changed a few times a second at most.
    sending: Mutex<SendingProgress>,
}

/// Rows that earlier processes of the run directory settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EarlierRows {
    /// All of them.
    pub rows: u64,
    /// Those that ended badly.
    pub bad: u64,
}

/// The progress of sending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SendingProgress {
    /// Requests in flight.
    pub in_flight: u64,
    /// Attempts that were repeated.
    pub retries: u64,
    /// The cause that holds it back; `None` if nothing does.
    pub held_back: Option<HeldBack>,
    /// The API's window, if it is known.
    pub window: Option<WindowPace>,
    /// Whether no more is sent because the run stops.
    pub is_ending: bool,
}

/// The numbers at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ProgressSnapshot {
    /// Rows that earlier processes settled.
    pub earlier: EarlierRows,
    /// Rows of the whole input, once they are counted.
    pub total: Option<u64>,
    /// Bytes of input in rows that this process has ended.
    pub ended_bytes: u64,
    /// Rows that this process has ended.
    pub ended: u64,
    /// Bytes of input in rows that earlier processes settled, as far as the input was read.
    pub earlier_bytes: u64,
    /// Rows that this process has ended badly.
    pub bad: u64,
    /// The progress of sending.
    pub sending: SendingProgress,
}

impl RunProgress {
    /// Creates the progress of a run that continues after these rows.
    pub(crate) fn after(earlier: EarlierRows) -> RunProgress {
        RunProgress {
            earlier,
            ..RunProgress::default()
        }
    }

    /// Sets the number of rows of the whole input. Only the first call counts.
    pub(crate) fn set_total(&self, rows: u64) {
        self.total.get_or_init(|| rows);
    }

    /// Returns the number of rows of the whole input, once they are counted.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total.get().copied()
    }

    /// Records rows that have ended, with their size in the input.
    pub(crate) fn record_ended(&self, rows: u64, bytes: u64) {
        self.ended.fetch_add(rows, Ordering::Relaxed);
        self.ended_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Records the size of a row that an earlier process settled.
    pub(crate) fn record_earlier(&self, bytes: u64) {
        self.earlier_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Records a row that ended badly.
    pub(crate) fn record_failure(&self) {
        self.bad.fetch_add(1, Ordering::Relaxed);
    }

    /// Sets the progress of sending.
    pub(crate) fn set_sending(&self, sending: SendingProgress) {
        *self.sending() = sending;
    }

    /// Returns the numbers now.
    pub(crate) fn snapshot(&self) -> ProgressSnapshot {
        ProgressSnapshot {
            earlier: self.earlier,
            total: self.total(),
            ended_bytes: self.ended_bytes.load(Ordering::Relaxed),
            ended: self.ended.load(Ordering::Relaxed),
            earlier_bytes: self.earlier_bytes.load(Ordering::Relaxed),
            bad: self.bad.load(Ordering::Relaxed),
            sending: self.sending().clone(),
        }
    }

    fn sending(&self) -> MutexGuard<'_, SendingProgress> {
        // The value is replaced as a whole, so a thread that panicked with the lock left it intact.
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
