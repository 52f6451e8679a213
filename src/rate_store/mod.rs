//! The store of one rate for several processes: a file on one host, or Redis. The rules are in
//! [`schedule::shared_rate`](crate::schedule::shared_rate); this is their I/O.

mod clock;
mod error;
mod file;
mod pages;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::sync::Arc;

use tokio::time::timeout;

use crate::schedule::shared_rate::exchange::{Reply, ToStore};
use error::EXCHANGE_MAX;
pub(crate) use error::RateStoreError;
pub(crate) use file::FileStore;

/// A store that several processes share.
#[derive(Debug, Clone)]
pub(crate) enum RateStore {
    /// A file.
    File(Arc<FileStore>),
    /// Redis.
    #[cfg(feature = "redis")]
    Redis(Arc<redis::RedisStore>),
}

impl RateStore {
    /// Sends a message and returns the answer.
    pub(crate) async fn exchange(&self, message: ToStore) -> Result<Reply, RateStoreError> {
        let exchange = async {
            match self {
                RateStore::File(file) => {
                    let file = file.clone();
                    let exchange = tokio::task::spawn_blocking(move || file.exchange(&message));
                    exchange.await.map_err(RateStoreError::CutOff)?
                }
                #[cfg(feature = "redis")]
                RateStore::Redis(redis) => redis.exchange(&message).await,
            }
        };
        timeout(EXCHANGE_MAX, exchange)
            .await
            .unwrap_or(Err(RateStoreError::Timeout))
    }

    /// The store's name for people.
    pub(crate) fn name(&self) -> String {
        match self {
            RateStore::File(file) => file.name(),
            #[cfg(feature = "redis")]
            RateStore::Redis(redis) => redis.name(),
        }
    }
}

#[cfg(all(test, feature = "redis"))]
mod tests;
