//! The metrics of a run or undo for others: in a file, at an address, and pushed to a server.

mod listener;
mod publisher;
mod thread;

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context as _;

use self::listener::Listener;
use self::publisher::{Publisher, unix_seconds};
use self::thread::MetricsThread;
use crate::api::Pusher;
use crate::commands::Failure;
use crate::commands::shared::secret_address;
use crate::config::metrics::MetricsSettings;
use crate::process::exit::Exit;
use crate::process::signals::Drain;
use crate::results::metrics::Metrics;
use crate::terminal;

/// The most bytes that are read of an earlier process's file: far more than a process writes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The metrics of a process, and the places where others find them.
pub(crate) struct MetricsOutput {
    settings: MetricsSettings,
    ca_file: Option<PathBuf>,
    metrics: Arc<Metrics>,
    /// Set when the process begins to publish.
    publisher: OnceLock<Arc<Publisher>>,
    /// The thread that publishes, from the beginning to the end.
    thread: Mutex<Option<MetricsThread>>,
}

impl MetricsOutput {
    /// Returns the output of these settings; `None` if nobody wants metrics.
    pub(in crate::commands) fn of(
        settings: &MetricsSettings,
        ca_file: Option<PathBuf>,
    ) -> Option<MetricsOutput> {
        let MetricsSettings {
            file,
            address,
            push,
            shard,
        } = settings;
        if file.is_none() && address.is_none() && !push.is_given() {
            return None;
        }
        Some(MetricsOutput {
            settings: settings.clone(),
            ca_file,
            metrics: Arc::new(Metrics::of_shard(*shard)),
            publisher: OnceLock::new(),
            thread: Mutex::new(None),
        })
    }

    /// Begins to publish, and returns the metrics to count into.
    pub(in crate::commands) fn start(&self) -> Result<Arc<Metrics>, Failure> {
        let listener = self.settings.address.map(Listener::bind).transpose();
        let listener = listener.map_err(Failure::unusable)?;
        let pusher = self.pusher().map_err(Failure::unusable)?;
        let publisher = self.publisher(pusher);
        let started = MetricsThread::start(publisher.clone(), listener);
        let thread = started.context("the thread of the metrics cannot be started");
        let thread = thread.map_err(Failure::unusable)?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(self.metrics.clone())
    }

    /// Publishes the end of the process, for the last time. Nothing that fails here changes the
    /// exit code. A signal ends the wait for a server that is slow.
    pub(crate) fn end(&self, exit_code: u8, drain: Drain) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            thread.stop();
        }
        let publisher = match self.publisher.get() {
            Some(publisher) => publisher.clone(),
            None => self.publisher_of_an_early_end(),
        };
        self.metrics.complete(unix_seconds(), exit_code);
        publisher.publish_last(was_stopped(exit_code), drain);
    }

    /// Returns the publisher of a process that ends before it has begun to publish.
    fn publisher_of_an_early_end(&self) -> Arc<Publisher> {
        let pusher = self.pusher().unwrap_or_else(|error| {
            terminal::print_error(&format_args!("the metrics cannot be pushed: {error:#}"));
            None
        });
        self.publisher(pusher)
    }

    fn publisher(&self, pusher: Option<Pusher>) -> Arc<Publisher> {
        let file = self.settings.file.clone();
        if let Some(text) = file.as_deref().and_then(read) {
            self.metrics.take_over(&text);
        }
        let publisher = || Arc::new(Publisher::new(self.metrics.clone(), file, pusher));
        self.publisher.get_or_init(publisher).clone()
    }

    /// Prepares to push, if that is wanted.
    fn pusher(&self) -> anyhow::Result<Option<Pusher>> {
        let address = secret_address::read(&self.settings.push)?;
        let pusher = address.map(|address| Pusher::new(address, self.ca_file.clone()));
        Ok(pusher.transpose()?)
    }
}

/// Whether a process with this exit code was asked to stop, and so has little time.
fn was_stopped(exit_code: u8) -> publisher::Haste {
    let stops = [Exit::HungUp, Exit::Interrupted, Exit::Terminated];
    if stops.iter().any(|exit| exit.code() == exit_code) {
        publisher::Haste::OneTry
    } else {
        publisher::Haste::None
    }
}

/// Returns the text that an earlier process has left in the file, if there is one.
fn read(path: &Path) -> Option<String> {
    // A pipe would make this wait.
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}
