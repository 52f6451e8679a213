//! The store in Redis or Valkey: one script for each exchange, by the server's clock.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo as _, Script};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Mutex;
use url::Url;

use super::error::{EXCHANGE_MAX, RateStoreError};
use crate::schedule::shared_rate::exchange::{Ask, Reply, SeenWindow, StoreHold, ToStore};

const SCRIPT: &str = include_str!("script.lua");

/// A store in Redis.
pub(crate) struct RedisStore {
    pub(super) client: Client,
    script: Script,
    pub(super) key: String,
    /// The address without a password.
    address: Url,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// The names and the password of a store in Redis.
pub(crate) struct RedisOptions {
    /// The address, without a password.
    pub(crate) address: Url,
    pub(crate) password: Option<SecretString>,
    /// The name of the rate.
    pub(crate) key: String,
}

impl RedisStore {
    /// Prepares the store. Nothing is sent yet.
    pub(crate) fn new(options: RedisOptions) -> Result<RedisStore, RateStoreError> {
        let RedisOptions {
            address,
            password,
            key,
        } = options;
        let info: ConnectionInfo = address.as_str().into_connection_info()?;
        let mut redis = info.redis_settings().clone();
        if let Some(password) = password {
            redis = redis.set_password(password.expose_secret());
        }
        Ok(RedisStore {
            client: Client::open(info.set_redis_settings(redis))?,
            script: Script::new(SCRIPT),
            key,
            address,
            connection: Mutex::new(None),
        })
    }

    /// The store's name for people.
    pub(super) fn name(&self) -> String {
        format!("--rate-redis {}", self.address)
    }

    /// Handles one message. It may be cut off at any point.
    pub(super) async fn exchange(&self, message: &ToStore) -> Result<Reply, RateStoreError> {
        let mut kept = self.connection.lock().await;
        // A connection that fails, or whose exchange is cut off, is not used again: it may hold the
        // answer to an earlier question.
        let mut connection = if let Some(connection) = kept.take() {
            connection
        } else {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(EXCHANGE_MAX))
                .set_response_timeout(Some(EXCHANGE_MAX));
            let connection = self
                .client
                .get_multiplexed_async_connection_with_config(&config);
            connection.await?
        };
        let mut call = self.script.key(&self.key);
        for argument in arguments(message) {
            call.arg(argument);
        }
        let numbers: Vec<u64> = call.invoke_async(&mut connection).await?;
        *kept = Some(connection);
        reply(&numbers).ok_or(RateStoreError::NoReply)
    }
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RedisStore")
    }
}

/// The arguments of the script.
fn arguments(message: &ToStore) -> Vec<String> {
    let ask = match message {
        ToStore::Leave(member) => return vec!["leave".to_owned(), member.clone()],
        ToStore::Ask(ask) => ask,
    };
    let Ask {
        member,
        wants,
        interval_us,
        rate_is_auto,
        learned_us,
        fall_ppm,
        pause_us,
        is_at_share,
        share,
        outstanding,
        window,
    } = ask;
    let nothing = SeenWindow {
        remaining: 0,
        spend_in_us: 0,
        ends_in_us: 0,
        late_us: 0,
        age_us: 0,
        is_spread: false,
    };
    let seen = window.unwrap_or(nothing);
    let numbers = [
        *wants,
        *interval_us,
        u64::from(*rate_is_auto),
        *learned_us,
        *fall_ppm,
        *pause_us,
        u64::from(*is_at_share),
        *share,
        *outstanding,
        u64::from(window.is_some()),
        seen.remaining,
        seen.spend_in_us,
        seen.ends_in_us,
        seen.late_us,
        seen.age_us,
        u64::from(seen.is_spread),
    ];
    let mut arguments = vec!["ask".to_owned(), member.clone()];
    arguments.extend(numbers.iter().map(u64::to_string));
    arguments
}

/// Reads the script's answer.
fn reply(numbers: &[u64]) -> Option<Reply> {
    let (head, slots_us) = numbers.split_at_checked(9)?;
    let &[
        held_by,
        again_in_us,
        pause_us,
        members,
        share,
        interval_us,
        fall_number,
        fall_ppm,
        learned_us,
    ] = head
    else {
        return None;
    };
    let held_by = match usize::try_from(held_by).ok()?.checked_sub(1) {
        None => None,
        Some(index) => Some(*StoreHold::ALL.get(index)?),
    };
    Some(Reply {
        slots_us: slots_us.to_vec(),
        held_by,
        again_in_us,
        pause_us,
        members,
        share,
        interval_us,
        fall_number,
        fall_ppm,
        learned_us,
    })
}
