//! The thread that publishes the metrics while the process runs.

use std::future::pending;
use std::io;
use std::net::TcpListener as BoundListener;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::listener::{CONNECTIONS_MAX, Listener, serve};
use super::publisher::{Publisher, runtime};

/// The interval at which the file is written and metrics are pushed.
const INTERVAL: Duration = Duration::from_secs(10);

/// A thread that publishes until it is stopped.
pub(super) struct MetricsThread {
    /// Dropped to stop the thread.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl MetricsThread {
    /// Starts the thread, which publishes at once.
    pub(super) fn start(
        publisher: Arc<Publisher>,
        listener: Option<BoundListener>,
    ) -> io::Result<MetricsThread> {
        let runtime = runtime()?;
        let listener = {
            let _entered = runtime.enter();
            listener.map(Listener::of).transpose()?
        };
        let (stop, stopped) = oneshot::channel();
        let publish = move || {
            runtime.block_on(publish(publisher, listener, stopped));
            // Looking up a name may take longer than the timeout of its request.
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new()
            .name("metrics".to_owned())
            .spawn(publish)?;
        Ok(MetricsThread { stop, thread })
    }

    /// Stops the thread and waits for its end.
    pub(super) fn stop(self) {
        drop(self.stop);
        // A panic was reported where it happened.
        self.thread.join().ok();
    }
}

/// Writes, pushes and serves until the other end of `stopped` is dropped.
async fn publish(
    publisher: Arc<Publisher>,
    listener: Option<Listener>,
    mut stopped: oneshot::Receiver<()>,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut connections, mut pushes) = (JoinSet::new(), JoinSet::new());
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {
                publisher.write_file();
                // A server that is slow gets the next one later.
                if publisher.pushes() && pushes.is_empty() {
                    let publisher = publisher.clone();
                    pushes.spawn(async move { publisher.push().await });
                }
            }
            stream = accept(listener.as_ref()), if connections.len() < CONNECTIONS_MAX => {
                connections.spawn(serve(stream, publisher.clone()));
            }
            Some(_) = connections.join_next() => {}
            Some(_) = pushes.join_next() => {}
        }
    }
    connections.shutdown().await;
    pushes.shutdown().await;
}

async fn accept(listener: Option<&Listener>) -> TcpStream {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}
