//! The flags about a rate that several processes share.

use std::ffi::OsString;

use clap::Args;

#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are the names of the flags")]
#[command(next_help_heading = "Sending")]
pub(super) struct SharingFlags {
    /// Share one rate with all processes of this host that name this file
    ///
    /// The rate, the API's window and the waits that it names hold for all of them together. The
    /// file is created if it is missing; then nothing is sent for 60 s.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    rate_file: Option<OsString>,
    /// Share one rate with all processes that name this Redis: `redis://host:6379`
    ///
    /// For several hosts. Redis 6 or newer, or Valkey; rediss:// for TLS.
    #[arg(long, value_name = "URL", hide_short_help = true)]
    rate_redis: Option<String>,
    /// File with the password for Redis (or set `CUSTSYNC_RATE_REDIS_PASSWORD`)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    rate_redis_password_file: Option<OsString>,
    /// Name of the rate in Redis [default: custsync:rate: and the API's host]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    rate_key: Option<String>,
}
