//! The rate that a command shares with other processes.

use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use url::Url;

use crate::commands::Failure;
use crate::config::Settings;
use crate::config::sharing::RateStoreSetting;
use crate::journal::Shard;
use crate::rate_store::{FileStore, RateStore};
use crate::schedule::RateSharing;
use crate::text::safe_path;

/// The bytes of a run's name that a member of a shared rate is known by.
const NAME_BYTES: usize = 24;

/// The rate of a command, and the store that it shares it by.
pub(in crate::commands) struct SharedRate {
    pub(in crate::commands) store: Option<RateStore>,
}

impl SharedRate {
    /// Opens the store that the settings name. The API is at `base_url`.
    pub(in crate::commands) fn open(
        settings: &Settings,
        base_url: &Url,
    ) -> Result<SharedRate, Failure> {
        let store = match &settings.sharing.store {
            None => None,
            Some(RateStoreSetting::File(path)) => Some(file(path)?),
            Some(RateStoreSetting::Redis(address)) => Some(redis(settings, address, base_url)?),
        };
        Ok(SharedRate { store })
    }

    /// The sharing of the rate for the run of this name. The lock of its directory proves that a
    /// process of the same name has ended.
    ///
    /// Without a store, the shards of a run divide what the API allows.
    pub(in crate::commands) fn sharing(&self, run: &str, shard: Option<Shard>) -> RateSharing {
        if self.store.is_none() {
            let shards = shard.and_then(|shard| NonZeroU32::new(shard.of()));
            return shards.map_or(RateSharing::Alone, RateSharing::Processes);
        }
        let mut member = String::new();
        for byte in run.bytes().take(NAME_BYTES) {
            write!(member, "{byte:02x}").expect("a text takes anything");
        }
        RateSharing::Member(member)
    }
}

fn file(path: &Path) -> Result<RateStore, Failure> {
    let opened = FileStore::open(path.to_owned()).map_err(|error| {
        let what = anyhow!("--rate-file {} cannot be used", safe_path(path));
        Failure::run_directory(anyhow!(error).context(what))
    })?;
    Ok(RateStore::File(Arc::new(opened)))
}

/// Prepares the store in Redis. If it is out of reach, requests wait for it.
#[cfg(feature = "redis")]
fn redis(settings: &Settings, address: &Url, base_url: &Url) -> Result<RateStore, Failure> {
    use crate::commands::shared::secret_file;
    use crate::config::secret::SecretSource;
    use crate::rate_store::redis::{RedisOptions, RedisStore};

    let password = match &settings.sharing.redis_password {
        SecretSource::Missing => None,
        SecretSource::Value(password) => Some(password.clone()),
        SecretSource::File(path) => {
            Some(secret_file::read("--rate-redis-password-file", path).map_err(Failure::unusable)?)
        }
    };
    // All jobs that use one API find the same name without a word.
    let usual = || format!("custsync:rate:{}", base_url.host_str().unwrap_or_default());
    let options = RedisOptions {
        address: address.clone(),
        password,
        key: settings.sharing.key.clone().unwrap_or_else(usual),
    };
    let store = RedisStore::new(options)
        .map_err(|error| Failure::unusable(anyhow!(error).context("--rate-redis")))?;
    Ok(RateStore::Redis(Arc::new(store)))
}

#[cfg(not(feature = "redis"))]
fn redis(_: &Settings, _: &Url, _: &Url) -> Result<RateStore, Failure> {
    Err(Failure::unusable(anyhow!(
        "--rate-redis: this custsync was built without Redis (cargo feature redis)"
    )))
}
