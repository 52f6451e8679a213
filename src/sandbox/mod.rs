//! The API's double: a server on the loopback interface that holds customers in memory and enforces
//! the contract.
//!
//! It is a second opinion. Its rules are written from the API's pages alone, and it imports nothing
//! from the rest of this crate, so that a wrong rule of the sender is refused here instead of
//! confirmed. It is stricter than the API where that reveals mistakes: unknown fields, ids such as
//! `007`.
//!
//! A request passes `connection` → `gate` (outage, window, faults, latency, `headers` of every
//! answer) → `routes` (token, tenant, media types, id, body) → `contract` → `api`, which checks
//! `if_match`, writes the `ledger` and changes `customers`, as far as `echo` lets it. `success` has
//! the answers. `oauth` issues tokens, and `grants` knows which of them are valid.
//!
//! Customers are made up from the seed, some of them with `old_data`, and `edits` are those of a
//! third party. The `clock` counts from the start and from the first request.
//!
//! A failure is a `fault`. The `fault_plan` draws one for a request, `injection` carries it out,
//! and `impostor` has the answers that do not come from the API. `options` are all settings, and
//! `option_error` reports a text that is not one.

mod api;
mod clock;
mod connection;
mod contract;
mod counts;
mod customers;
mod echo;
mod edits;
mod fault;
mod fault_plan;
mod format;
mod gate;
mod grants;
mod headers;
mod if_match;
mod impostor;
mod injection;
mod ledger;
mod oauth;
mod old_data;
mod option_error;
mod options;
mod random;
mod refusal;
mod routes;
mod share;
mod success;
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
pub use self::customers::Deletion;
pub(crate) use self::echo::Echo;
pub use self::edits::{Edit, Edits};
pub(crate) use self::fault::FaultKind;
pub(crate) use self::fault_plan::FaultPlan;
pub(crate) use self::grants::Login;
pub use self::headers::RateHeaders;
pub(crate) use self::option_error::OptionError;
pub use self::options::{ETags, PageTotal, Pages, Put, Reads, SandboxOptions, SuccessShape};
pub(crate) use self::options::{ErrorShape, Latency};
pub(crate) use self::random::random_token;
pub use self::share::Share;
pub use self::thread::SandboxThread;
pub use self::window::Window;

/// The most connections. Further ones stay in the listener's backlog until others end.
const CONNECTIONS_MAX: usize = 1_024;
/// The pause after a failure to accept a connection, for example for lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A running sandbox. Dropping it stops it without waiting for its end.
pub(crate) struct Sandbox {
    api: Arc<Api>,
    /// Dropped to stop the sandbox.
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

/// An error that prevents the start of a sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address is not on loopback: token and customers are not meant for a network.
    #[error("the sandbox listens on the loopback interface only, not on {0}")]
    NotLoopback(SocketAddr),
    /// The port is taken or not allowed.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The requested address.
        listen: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The ledger cannot be opened or read.
    #[error("cannot open the ledger {path:?}")]
    Ledger {
        /// The requested file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The runtime for the sandbox's thread cannot be built.
    #[error("cannot start the sandbox's runtime")]
    Runtime(#[source] io::Error),
    /// The sandbox's thread cannot be started.
    #[error("cannot start the sandbox's thread")]
    Thread(#[source] io::Error),
}

impl Sandbox {
    /// Starts to listen and serve on the current tokio runtime.
    pub(crate) async fn start(options: SandboxOptions) -> Result<Sandbox, SandboxError> {
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

    /// The URL before the paths of requests: `http://127.0.0.1:PORT/api`.
    pub(crate) fn base_url(&self) -> String {
        self.api.base_url()
    }

    /// The client that logins are for.
    pub(crate) fn client_id(&self) -> &str {
        &self.api.options.client_id
    }

    /// The URL of the login page.
    pub(crate) fn auth_url(&self) -> String {
        format!("http://{}{}", self.api.address, oauth::AUTH_PATH)
    }

    /// The URL that issues tokens.
    pub(crate) fn token_url(&self) -> String {
        format!("http://{}{}", self.api.address, oauth::TOKEN_PATH)
    }

    /// The bearer token that never expires.
    pub(crate) fn token(&self) -> &str {
        &self.api.options.token
    }

    /// Stops the sandbox and returns its counts. Open connections are cut off, with or without a
    /// request in flight, as when a server dies.
    pub(crate) async fn stop(self) -> Counts {
        drop(self.stop);
        if let Err(error) = self.accepting.await {
            tracing::error!(%error, "the sandbox panicked");
        }
        self.api.counts()
    }
}

#[cfg(test)]
impl Sandbox {
    /// The address that the sandbox listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.api.address
    }

    /// New tokens, as a login issues them.
    pub(crate) fn log_in(&self) -> Login {
        self.api.log_in()
    }

    /// The counts so far.
    pub(crate) fn counts(&self) -> Counts {
        self.api.counts()
    }

    /// The time by which the spans of faults count.
    pub(crate) fn since_first_request(&self) -> Duration {
        self.api.elapsed().since_first_request
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
