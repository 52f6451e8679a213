//! The thread that copies while the run goes on.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::copier::Copier;

/// The most of the time that is spent on copies while a run goes on: a fourth.
const PAUSE_PER_COPY: u32 = 3;

/// A thread that copies until it is told to end.
pub(super) struct PublishThread {
    /// Dropped to tell the thread to copy for the last time.
    orders: mpsc::Sender<()>,
    /// The problem of the last copy.
    ended: oneshot::Receiver<Option<String>>,
}

impl PublishThread {
    /// Starts the thread, which copies at once.
    pub(super) fn start(copier: Copier, interval: Duration) -> io::Result<PublishThread> {
        let (orders, received) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        // It is not joined: a directory that does not answer would hold up the end of the process.
        thread::Builder::new()
            .name("publisher".to_owned())
            .spawn(move || {
                let problem = publish(copier, &received, interval);
                // If it took too long, the wait for it is over.
                end.send(problem).ok();
            })?;
        Ok(PublishThread { orders, ended })
    }

    /// Lets the thread copy for the last time, and returns the problem, if there is one.
    pub(super) async fn end(self) -> Option<String> {
        drop(self.orders);
        // A panic was reported where it happened.
        self.ended.await.unwrap_or_default()
    }
}

/// Copies at the interval until the other end of `orders` is dropped, and then for the last time.
fn publish(mut copier: Copier, orders: &mpsc::Receiver<()>, interval: Duration) -> Option<String> {
    let mut pause = Duration::ZERO;
    while let Err(RecvTimeoutError::Timeout) = orders.recv_timeout(pause) {
        let started = Instant::now();
        copier.copy();
        pause = interval.max(started.elapsed().saturating_mul(PAUSE_PER_COPY));
    }
    copier.copy_last()
}
