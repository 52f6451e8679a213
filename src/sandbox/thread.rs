//! A sandbox on a thread of its own, for callers that are not asynchronous or must not share their
//! runtime.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use serde_json::Value;
use tokio::sync::oneshot;

use super::api::Api;
use super::{Counts, Deletion, Edit, Login, Sandbox, SandboxError, SandboxOptions};

/// A sandbox that runs on its own thread and runtime. Dropping it stops it and waits for its
/// thread.
pub struct SandboxThread {
    api: Arc<Api>,
    /// Dropped to stop the sandbox.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl SandboxThread {
    /// Starts a sandbox, and returns once it listens.
    pub fn start(options: SandboxOptions) -> Result<SandboxThread, SandboxError> {
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || run(options, &report, stopped))
            .map_err(SandboxError::Thread)?;
        let api = started
            .recv()
            .map_err(|gone| SandboxError::Thread(io::Error::other(gone)))??;
        Ok(SandboxThread {
            api,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The URL before the paths of requests: `http://127.0.0.1:PORT/api`.
    pub fn base_url(&self) -> String {
        self.api.base_url()
    }

    /// The address that the sandbox listens on.
    pub fn address(&self) -> SocketAddr {
        self.api.address
    }

    /// The bearer token that never expires.
    pub fn token(&self) -> &str {
        &self.api.options.token
    }

    /// New tokens, as a login issues them.
    pub fn log_in(&self) -> Login {
        self.api.log_in()
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.api.counts()
    }

    /// A customer's values now, by the names of the request's twelve fields. It is null if there is
    /// no such customer. Whatever answers show, this is what the sandbox holds.
    pub fn customer(&self, id: u64) -> Value {
        self.api.values(id)
    }

    /// The ids of the customers that an update, an edit or a deletion has ever changed, in ascending
    /// order.
    pub fn customers_changed(&self) -> Vec<u64> {
        self.api.changed_ids()
    }

    /// Edits a field of the request as a third party, with any value. Returns `None` and does
    /// nothing if there is no such customer or field.
    pub fn edit(&self, customer: u64, field: &str, value: Value) -> Option<Edit> {
        self.api.edit(customer, field, value)
    }

    /// Deletes a customer as a third party. Reads still show it, and updates of it are answered with
    /// 404. Returns `None` and does nothing if there is no such customer.
    pub fn delete(&self, customer: u64, deletion: Deletion) -> Option<()> {
        self.api.delete(customer, deletion)
    }

    /// All edits so far, in the order in which they were made: those that were drawn
    /// ([`SandboxOptions::edits`]) and those of [`SandboxThread::edit`].
    pub fn edits(&self) -> Vec<Edit> {
        self.api.edits()
    }

    /// Stops the sandbox, cutting off open connections, and returns its counts.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.api.counts()
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sandbox's thread panicked");
        }
    }
}

impl Drop for SandboxThread {
    fn drop(&mut self) {
        self.end();
    }
}

/// The thread: reports the result of the start, then serves until the other end of `stopped` is
/// dropped.
fn run(
    options: SandboxOptions,
    report: &mpsc::SyncSender<Result<Arc<Api>, SandboxError>>,
    stopped: oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return send(report, Err(SandboxError::Runtime(error))),
    };
    runtime.block_on(async {
        match Sandbox::start(options).await {
            Ok(sandbox) => {
                send(report, Ok(Arc::clone(&sandbox.api)));
                // Nothing is ever sent: the receiver wakes when the sender is dropped.
                stopped.await.unwrap_or_default();
                sandbox.stop().await;
            }
            Err(error) => send(report, Err(error)),
        }
    });
}

fn send(
    report: &mpsc::SyncSender<Result<Arc<Api>, SandboxError>>,
    outcome: Result<Arc<Api>, SandboxError>,
) {
    if report.send(outcome).is_err() {
        tracing::error!("the sandbox's start is no longer awaited");
    }
}
