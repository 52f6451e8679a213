//! The API's double: a server on the loopback interface that holds customers in memory and enforces the contract.
//!
//! It is a second opinion. Its rules are written from the API's pages alone and it imports nothing from the rest of
//! this crate, so that a rule that the sender got wrong is refused here in place of being confirmed. It is stricter
//! than the API where that brings mistakes to light: unknown fields, ids such as `007`.
//!
//! A request's way: `connection` → `gate` (outage, window, faults, latency, `headers` of every answer) → `routes`
//! (token, tenant, media types, id, body) → `contract` → `api`, which writes the `ledger` and changes `customers`.
//! Tokens are handed out by `oauth`, and `grants` knows which of them are good.
//!
//! What goes wrong is a `fault`. The `fault_plan` draws one for a request, `injection` carries it out, and `impostor`
//! has the answers that are not the API's.

mod api;
mod connection;
mod contract;
mod counts;
mod customers;
mod fault;
mod fault_plan;
mod format;
mod gate;
mod grants;
mod headers;
mod impostor;
mod injection;
mod ledger;
mod oauth;
mod option_error;
mod options;
mod random;
mod refusal;
mod routes;
#[cfg(test)]
mod tests;
mod thread;
mod window;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use self::api::Api;
use self::ledger::Ledger;

pub use self::counts::Counts;
pub use self::fault::{ErrorStatus, FaultKind, StatusForm};
pub use self::fault_plan::FaultPlan;
pub use self::grants::Login;
pub use self::headers::{DateHeader, RateHeaders, RetryAfter};
pub use self::option_error::OptionError;
pub use self::options::{ErrorShape, Latency, Reads, SandboxOptions};
pub use self::random::random_token;
pub use self::thread::SandboxThread;
pub use self::window::Window;

/// More connections than this are left in the listener's backlog until others end.
const CONNECTIONS_MAX: usize = 1_024;
/// How long to wait before the next attempt where no connection can be accepted, for want of file descriptors say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running sandbox. Dropping it stops it too, but without waiting until it has stopped.
pub struct Sandbox {
    api: Arc<Api>,
    /// Dropped in order to stop the sandbox.
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

/// Why a sandbox cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// Its token and customers are not meant for a network.
    #[error("the sandbox listens on the loopback interface only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The port is taken, or may not be used.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The ledger cannot be opened or read.
    #[error("cannot open the ledger {path:?}")]
    Ledger {
        /// The file that was asked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no runtime for the sandbox's thread.
    #[error("cannot start the sandbox's runtime")]
    Runtime(#[source] io::Error),
    /// There is no thread for the sandbox.
    #[error("cannot start the sandbox's thread")]
    Thread(#[source] io::Error),
}

impl Sandbox {
    /// Starts to listen and serve on the current tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
        if !options.listen.ip().is_loopback() {
            return Err(SandboxError::NotLoopback(options.listen));
        }
        let ledger = options.ledger.as_deref().map(|path| {
            Ledger::open(path).map_err(|source| SandboxError::Ledger {
                path: path.to_owned(),
                source,
            })
        });
        let ledger = ledger.transpose()?;
        let cannot_listen = |source| SandboxError::Listen {
            listen: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen)
            .await
            .map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let api = Arc::new(Api::new(options, address, ledger));
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&api), stopped));
        Ok(Sandbox {
            api,
            stop,
            accepting,
        })
    }

    /// What requests' paths are appended to: `http://127.0.0.1:PORT/api`.
    pub fn base_url(&self) -> String {
        self.api.base_url()
    }

    /// Where the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.api.address
    }

    /// The bearer token that is accepted without end.
    pub fn token(&self) -> &str {
        &self.api.options.token
    }

    /// Tokens as a person would get them who logs in.
    pub fn log_in(&self) -> Login {
        self.api.log_in()
    }

    /// What the sandbox has seen so far.
    pub fn counts(&self) -> Counts {
        self.api.counts()
    }

    /// Stops the sandbox: open connections are cut off, with or without a request in flight, as when a server dies.
    /// Returns what it has seen.
    pub async fn stop(self) -> Counts {
        drop(self.stop);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the sandbox panicked");
        }
        self.api.counts()
    }
}

/// Accepts connections until the other end of `stopped` is dropped; then cuts all of them off.
async fn accept(listener: TcpListener, api: Arc<Api>, mut stopped: oneshot::Receiver<()>) {
    let router = routes::router(Arc::clone(&api));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept_one(&listener), if connections.len() < CONNECTIONS_MAX => {
                api.count_connection();
                connections.spawn(connection::serve(accepted, router.clone(), api.options.date, api.options.goaway_after));
            }
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection to the sandbox panicked");
                }
            }
            _ = &mut stopped => break,
        }
    }
    connections.shutdown().await;
}

async fn accept_one(listener: &TcpListener) -> TcpStream {
    loop {
        let accepted = listener.accept().await.and_then(|(stream, _)| {
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        match accepted {
            Ok(stream) => return stream,
            Err(error) => {
                tracing::debug!(%error, "the sandbox could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}
