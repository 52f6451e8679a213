//! The exchange with the store of a shared rate, of which at most one is under way.

use tokio::task::JoinSet;
use tracing::{info, warn};

use crate::rate_store::{RateStore, RateStoreError};
use crate::schedule::shared_rate::exchange::{Ask, Reply, ToStore};
use crate::schedule::{Moment, RateShare, RateStanding};

/// The exchange with a store.
#[derive(Debug)]
pub(crate) struct RateExchange {
    store: Option<RateStore>,
    /// At most one task.
    under_way: JoinSet<Exchanged>,
    /// The reason why the last exchange failed.
    error: Option<RateStoreError>,
    /// The standing that was logged last.
    logged: Option<RateStanding>,
}

/// The result of an exchange.
#[derive(Debug)]
pub(crate) struct Exchanged {
    /// The time at which the question left.
    pub(crate) asked: Moment,
    /// The answer.
    pub(crate) reply: Result<Reply, RateStoreError>,
}

impl RateExchange {
    pub(crate) fn new(store: Option<RateStore>) -> RateExchange {
        RateExchange {
            store,
            under_way: JoinSet::new(),
            error: None,
            logged: None,
        }
    }

    /// Asks the store. Requests are sent meanwhile.
    pub(crate) fn begin(&mut self, ask: Ask, now: Moment) {
        let store = self.store.clone().expect("a rate is shared by a store");
        self.under_way.spawn(async move {
            Exchanged {
                asked: now,
                reply: store.exchange(ToStore::Ask(ask)).await,
            }
        });
    }

    /// Waits for the exchange under way, and returns its answer, or `None` for a failed one. It
    /// returns `None` at once if there is none.
    pub(crate) async fn ended(&mut self) -> Option<(Moment, Option<Reply>)> {
        let exchanged = match self.under_way.join_next().await? {
            Ok(exchanged) => exchanged,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        };
        Some(match exchanged.reply {
            Ok(reply) => {
                self.error = None;
                (exchanged.asked, Some(reply))
            }
            Err(error) => {
                self.error = Some(error);
                (exchanged.asked, None)
            }
        })
    }

    /// Tells the store that this process ends. If that fails, the store notices it later.
    pub(crate) async fn finish(&mut self, last: Option<ToStore>) {
        // Its answer is of no use, but it must not follow the last message.
        self.under_way.join_next().await;
        if let (Some(store), Some(message)) = (&self.store, last) {
            store.exchange(message).await.ok();
        }
    }

    /// Logs once each that contact was lost, that the store is closed, and that slots are handed out
    /// again.
    pub(crate) fn log(&mut self, share: RateShare, now: Moment) {
        let before = self.logged.replace(share.standing);
        let Some(store) = self.store.as_ref().map(RateStore::name) else {
            return;
        };
        let goes_on = match share.share {
            Some(1) => "sending on at the whole rate".to_owned(),
            Some(share) => format!("sending on at 1/{share} of the rate"),
            None => "nothing is sent".to_owned(),
        };
        match (before, share.standing) {
            (Some(RateStanding::Lost), RateStanding::Lost)
            | (Some(RateStanding::Closed(_)), RateStanding::Closed(_))
            | (None | Some(RateStanding::InContact), RateStanding::InContact) => {}
            (_, RateStanding::Lost) => {
                let why = self
                    .error
                    .as_ref()
                    .map_or_else(|| "no answer".to_owned(), RateStoreError::to_string);
                warn!(
                    "no contact with the rate store ({store}: {why}): {goes_on}, for 60 s at most; then --max-wait counts"
                );
            }
            (_, RateStanding::Closed(until)) => {
                warn!(
                    "the rate store is new ({store}) and hands out nothing for another {} s, because others may still send without contact: {goes_on}",
                    until.since(now).as_secs() + 1
                );
            }
            (Some(_), RateStanding::InContact) => {
                info!(
                    "the rate store hands out slots ({store}): processes that share the rate: {}",
                    share.members
                );
            }
        }
    }
}
