//! The reasons why an exchange with a store fails.

use std::time::Duration;

use super::pages::PagesFlaw;

/// The longest exchange. A member waits no longer for its slots.
pub(super) const EXCHANGE_MAX: Duration = Duration::from_secs(1);

/// The reason why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RateStoreError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    File(std::io::Error),
    /// It is no regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// Its content is no state.
    #[error("{0}: delete it if it is not needed (then nothing is sent for 60 s)")]
    Damaged(PagesFlaw),
    /// It was deleted or replaced while it was in use.
    #[error("the file was deleted or replaced")]
    Replaced,
    /// A process of another host, or before this host started again, uses it.
    #[error(
        "the file was written on another host, whose clock is another one: for several hosts use --rate-redis"
    )]
    OtherHost,
    /// Its state has no room for more members.
    #[error("too many processes share it")]
    Full,
    /// Redis cannot be reached, or refuses.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Redis(#[from] ::redis::RedisError),
    /// The answer is not the script's.
    #[cfg(feature = "redis")]
    #[error("the answer is not the script's")]
    NoReply,
    /// No answer came in time.
    #[error("no answer within a second")]
    Timeout,
    /// The thread that works on the file ended.
    #[error("the exchange was cut off")]
    CutOff(#[source] tokio::task::JoinError),
}
