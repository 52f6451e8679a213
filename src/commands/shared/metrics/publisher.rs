//! Writes the metrics to their file and pushes them.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;
use tracing::warn;

use crate::api::{PushError, Pusher};
use crate::commands::shared::named_file::{self, Readers};
use crate::process::signals::Drain;
use crate::results::metrics::{self, CONTENT_TYPE, Metrics};
use crate::{terminal, text};

/// The pauses between the attempts to push for the last time.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(2)];

/// The places that metrics are sent to.
pub(super) struct Publisher {
    metrics: Arc<Metrics>,
    file: Option<PathBuf>,
    pusher: Option<Pusher>,
    /// Whether it was said that the file cannot be written.
    has_told_of_file: AtomicBool,
    /// Whether it was said that nothing could be pushed.
    has_told_of_push: AtomicBool,
}

/// The time that a process has for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// Enough for several attempts.
    None,
    /// Little: it was asked to stop.
    OneTry,
}

/// Returns the time in Unix seconds.
pub(super) fn unix_seconds() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

impl Publisher {
    pub(super) fn new(
        metrics: Arc<Metrics>,
        file: Option<PathBuf>,
        pusher: Option<Pusher>,
    ) -> Publisher {
        Publisher {
            metrics,
            file,
            pusher,
            has_told_of_file: AtomicBool::new(false),
            has_told_of_push: AtomicBool::new(false),
        }
    }

    /// Returns the metrics of now as text.
    pub(super) fn text(&self) -> String {
        metrics::text(self.metrics.snapshot(unix_seconds()))
    }

    /// Writes the file. The first failure is logged.
    pub(super) fn write_file(&self) {
        if let Err(message) = self.replace_file()
            && !self.has_told_of_file.swap(true, Ordering::Relaxed)
        {
            warn!("{message}");
        }
    }

    /// Whether metrics are pushed.
    pub(super) fn pushes(&self) -> bool {
        self.pusher.is_some()
    }

    /// Pushes once. The first failure is logged.
    pub(super) async fn push(&self) {
        let Some(pusher) = &self.pusher else { return };
        if let Err(error) = pusher.put(CONTENT_TYPE, self.text()).await
            && !self.has_told_of_push.swap(true, Ordering::Relaxed)
        {
            warn!("{}", not_pushed(error));
        }
    }

    /// Writes the file and pushes for the last time. Failures are reported, but not twice.
    pub(super) fn publish_last(&self, haste: Haste, drain: Drain) {
        if let Err(message) = self.replace_file()
            && !self.has_told_of_file.swap(true, Ordering::Relaxed)
        {
            terminal::print_error(&message);
        }
        if let Err(message) = self.push_last(haste, drain) {
            terminal::print_error(&message);
        }
    }

    fn replace_file(&self) -> Result<(), String> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        let written = named_file::replace(path, self.text().as_bytes(), Readers::Everyone);
        written.map_err(|error| {
            let file = text::safe_path(path);
            format!("the metrics file {file} cannot be written (--metrics-file): {error}")
        })
    }

    /// Pushes on a runtime of its own, since the process has no other at its end.
    fn push_last(&self, haste: Haste, mut drain: Drain) -> Result<(), String> {
        let Some(pusher) = &self.pusher else {
            return Ok(());
        };
        let runtime =
            runtime().map_err(|error| format!("the metrics cannot be pushed: {error}"))?;
        let pushed = runtime.block_on(async {
            tokio::select! {
                biased;
                pushed = self.push_with_pauses(pusher, haste) => pushed.map_err(not_pushed),
                _ = drain.next() => Err(not_pushed("a signal came")),
            }
        });
        // Looking up a name may take longer than the timeout of its request.
        runtime.shutdown_background();
        pushed
    }

    async fn push_with_pauses(&self, pusher: &Pusher, haste: Haste) -> Result<(), PushError> {
        let mut pauses = PAUSES.iter().filter(|_| haste == Haste::None);
        loop {
            let Err(error) = pusher.put(CONTENT_TYPE, self.text()).await else {
                return Ok(());
            };
            match pauses.next().filter(|_| error.may_pass()) {
                Some(pause) => sleep(*pause).await,
                None => return Err(error),
            }
        }
    }
}

/// Returns a runtime for the metrics.
pub(super) fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn not_pushed(error: impl Display) -> String {
    format!("the metrics could not be pushed (--metrics-push-file, CUSTSYNC_METRICS_PUSH): {error}")
}
