//! The settings for reading files from addresses.

use std::path::PathBuf;
use std::time::Duration;

use crate::api::PlainHttp;
use crate::objects::BucketOptions;

/// The longest time without a byte. A connection that is silent for longer is replaced.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// The longest time for which a file is asked for in vain, unless the user names another one.
const WAIT_MAX: Duration = Duration::from_mins(15);

/// The settings for reading files from addresses.
#[derive(Debug, Clone)]
pub struct DownloadOptions {
    /// A file with a token for the server of an address (`--input-token-file`).
    pub token_file: Option<PathBuf>,
    /// Certificates to trust beside the system's (`--ca-file`).
    pub ca_file: Option<PathBuf>,
    /// The servers of objects that plain HTTP may reach (`--allow-http`).
    pub plain_http: PlainHttp,
    /// The longest time for which a server lets nothing through (`--max-wait`).
    pub wait_max: Duration,
    /// The longest time without a byte on a connection.
    pub idle_max: Duration,
}

impl Default for DownloadOptions {
    fn default() -> DownloadOptions {
        DownloadOptions {
            token_file: None,
            ca_file: None,
            plain_http: PlainHttp::Loopback,
            wait_max: WAIT_MAX,
            idle_max: IDLE_MAX,
        }
    }
}

impl DownloadOptions {
    /// Returns the settings for object storage among them.
    pub(crate) fn of_buckets(&self) -> BucketOptions {
        BucketOptions {
            ca_file: self.ca_file.clone(),
            plain_http: self.plain_http,
            idle_max: self.idle_max,
        }
    }
}
