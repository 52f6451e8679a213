//! The rate that several processes share.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use crate::config::error::Problem;
use crate::config::names::{RATE_FILE, RATE_REDIS, RATE_REDIS_PASSWORD, RATE_REDIS_PASSWORD_FILE};
use crate::config::resolver::Resolver;
use crate::config::secret::SecretSource;
use crate::config::setting::of_process;
use crate::config::url::parse_redis_url;
use crate::config::value::{ValueError, non_empty};

/// The rate that several processes share.
#[derive(Debug, Clone)]
pub struct SharingSettings {
    /// The store that they share it by.
    pub store: Option<RateStoreSetting>,
    /// The password for Redis.
    pub redis_password: SecretSource,
    /// The name of the rate in Redis, if the user gives one.
    pub key: Option<String>,
}

/// The store of a shared rate.
#[derive(Debug, Clone)]
pub enum RateStoreSetting {
    /// A file on one host.
    File(PathBuf),
    /// Redis, at an address without a password.
    Redis(Url),
}

impl SharingSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        let file = resolver.path(of_process(RATE_FILE));
        let redis = resolver.optional(of_process(RATE_REDIS), |text| Ok(parse_redis_url(text)?));
        if file.is_some() && redis.is_some() {
            let (first, second) = (resolver.place(RATE_FILE), resolver.place(RATE_REDIS));
            resolver.report(Problem::Contradiction { first, second });
        }
        let password = |text: &str| match text {
            "" => Err(ValueError::Empty),
            text => Ok(SecretString::from(text)),
        };
        Self {
            store: (file.map(RateStoreSetting::File)).or(redis.map(RateStoreSetting::Redis)),
            redis_password: resolver.secret_source(
                RATE_REDIS_PASSWORD,
                RATE_REDIS_PASSWORD_FILE,
                password,
            ),
            key: resolver.optional(of_process("rate-key"), non_empty),
        }
    }
}
