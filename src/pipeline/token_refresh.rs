//! The token that requests are sent with, and its refresh, of which at most one is under way.

use crate::text::with_causes;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::api::{FileWatch, Grant, Origin, RefreshCause, RefreshResult, Token, TokenSource};
use crate::schedule::{RefreshReason, Refreshed};

/// The longest wait for a refresh at the end of a run: aborting it could lose tokens that are not
/// on the disk yet.
const FINISH_WAIT_MAX: Duration = Duration::from_secs(10);

/// The token in use, and its refresh.
#[derive(Debug)]
pub(crate) struct TokenRefresh {
    source: TokenSource,
    token: Token,
    file: FileWatch,
    /// At most one task.
    under_way: JoinSet<RefreshResult>,
    /// Whether the run is about to end.
    stopping: watch::Sender<bool>,
}

impl TokenRefresh {
    pub(crate) fn new(source: TokenSource, token: Token) -> TokenRefresh {
        let file = source.watch();
        TokenRefresh {
            source,
            token,
            file,
            under_way: JoinSet::new(),
            stopping: watch::Sender::new(false),
        }
    }

    /// The token to send now.
    pub(crate) fn token(&self) -> Token {
        self.token.clone()
    }

    /// Whether the token's file has changed since the last call.
    pub(crate) fn file_has_changed(&mut self) -> bool {
        self.file.has_changed()
    }

    /// Begins to get another token. Requests are sent with the present one meanwhile.
    pub(crate) fn begin(&mut self, reason: RefreshReason) {
        let (source, token) = (self.source.clone(), self.token.clone());
        let cause = match reason {
            RefreshReason::Needed => RefreshCause::Needed,
            RefreshReason::FileChanged => RefreshCause::FileChanged,
        };
        let mut stopping = self.stopping.subscribe();
        self.under_way
            .spawn(async move { source.refresh(&token, cause, &mut stopping).await });
    }

    /// Announces the end of the run: a refresh that has not asked the token endpoint yet no longer
    /// does.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for the refresh under way and returns its result; `None` at once if there is none.
    pub(crate) async fn ended(&mut self) -> Option<Refreshed> {
        match self.under_way.join_next().await? {
            Ok(result) => Some(self.take(result)),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Waits for the refresh under way before the process ends, and returns its result.
    pub(crate) async fn finish(&mut self) -> Option<Refreshed> {
        self.stop();
        let refreshed = timeout(FINISH_WAIT_MAX, self.ended())
            .await
            .unwrap_or_else(|_| {
                warn!("a refresh of the token was cut off: you may have to log in again");
                None
            });
        if let Err(error) = self.source.finish() {
            warn!("{error}");
        }
        refreshed
    }

    fn take(&mut self, result: RefreshResult) -> Refreshed {
        match result {
            RefreshResult::Fresh(Grant { token, lifetime }, origin) => {
                self.token = token;
                match origin {
                    Origin::Endpoint => {
                        info!("the token was refreshed");
                        Refreshed::New { lifetime }
                    }
                    Origin::File => {
                        info!("the token was read again");
                        Refreshed::Replaced { lifetime }
                    }
                }
            }
            RefreshResult::Unchanged => Refreshed::Unchanged,
            RefreshResult::Refused(error) => {
                warn!("{}", with_causes(&error));
                Refreshed::LoginNeeded
            }
            RefreshResult::Unusable(error) => {
                warn!("{}", with_causes(&error));
                Refreshed::Unchanged
            }
            RefreshResult::Unavailable(error) => {
                warn!("the token cannot be refreshed now: {}", with_causes(&error));
                Refreshed::Unavailable
            }
        }
    }
}
