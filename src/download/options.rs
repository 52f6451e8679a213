//! The settings for reading files from addresses.

use std::path::PathBuf;
use std::time::Duration;

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
            wait_max: WAIT_MAX,
            idle_max: IDLE_MAX,
        }
    }
}
