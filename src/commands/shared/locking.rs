//! Locks that another process may hold for a while.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use tracing::info;

use crate::commands::Failure;
use crate::config::Settings;
use crate::journal::{JournalFile, RunDir, RunDirError};
use crate::text;

/// The first and the longest interval between attempts to take a lock.
const POLL_FIRST: Duration = Duration::from_millis(100);
const POLL_LAST: Duration = Duration::from_secs(1);
/// The time for which shards may need the directory that they share, while they begin. Beyond it,
/// something else is at work in it.
const BEGINNING_MAX: Duration = Duration::from_secs(10);
const BEGINNING_POLL: Duration = Duration::from_millis(20);

/// Locks a directory, waiting up to `--lock-wait` for another process.
pub(super) fn directory(run_dir: &RunDir, settings: &Settings) -> Result<(), Failure> {
    let name = text::safe_path(run_dir.path());
    patiently(settings, &name, || run_dir.lock(), is_locked)
}

/// Opens and locks the journal, waiting up to `--lock-wait` for another process.
pub(in crate::commands) fn journal(
    run_dir: &RunDir,
    settings: &Settings,
) -> Result<JournalFile, Failure> {
    let name = text::safe_path(run_dir.path());
    patiently(settings, &name, || run_dir.open_journal(), is_locked)
}

/// Locks the directory that shards share until it is dropped. Each of them locks it only while it
/// begins.
pub(super) fn shared_directory(run_dir: &RunDir) -> Result<(), Failure> {
    let intervals = (BEGINNING_POLL, BEGINNING_POLL);
    poll(
        BEGINNING_MAX,
        intervals,
        || run_dir.lock(),
        is_locked,
        || {},
    )
}

/// Tries to lock a file or directory until `--lock-wait` is over.
pub(super) fn patiently<T, E: Error + Send + Sync + 'static>(
    settings: &Settings,
    name: &str,
    lock: impl Fn() -> Result<T, E>,
    is_locked: impl Fn(&E) -> bool,
) -> Result<T, Failure> {
    let wait = settings.output.lock_wait;
    poll(wait, (POLL_FIRST, POLL_LAST), lock, is_locked, || {
        info!("another process is at work in {name}: waiting for its end, at most {wait:?}");
    })
}

fn is_locked(error: &RunDirError) -> bool {
    matches!(error, RunDirError::Locked { .. })
}

/// Tries to lock until the wait is over, at intervals that double from the first to the last.
/// `waiting` is called before the first of them.
fn poll<T, E: Error + Send + Sync + 'static>(
    wait: Duration,
    (first, last): (Duration, Duration),
    lock: impl Fn() -> Result<T, E>,
    is_locked: impl Fn(&E) -> bool,
    waiting: impl FnOnce(),
) -> Result<T, Failure> {
    let (started, mut interval, mut waiting) = (Instant::now(), first, Some(waiting));
    loop {
        let error = match lock() {
            Ok(locked) => return Ok(locked),
            Err(error) => error,
        };
        let left = wait.saturating_sub(started.elapsed());
        if !is_locked(&error) || left.is_zero() {
            return Err(Failure::run_directory(error));
        }
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        thread::sleep(interval.min(left));
        interval = (interval * 2).min(last);
    }
}
