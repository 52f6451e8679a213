//! The file descriptors that a run needs, however many requests are in flight.

use std::fs::File;

use anyhow::anyhow;
use rustix::process::{Resource, getrlimit};

use crate::commands::Failure;

/// The descriptors that a run needs besides pipes to read and further connections: those of the
/// runtime and the signals, the results and their directory, the failed rows, the summary, the
/// token file, one input and one in reserve for the next, and one connection.
const NEEDED: usize = 15;

/// Fails if there are too few descriptors: the runtime cannot do without its own.
pub(in crate::commands) fn require() -> Result<(), Failure> {
    let opened: std::io::Result<Vec<File>> = (0..NEEDED).map(|_| File::open("/dev/null")).collect();
    match opened {
        Ok(_) => Ok(()),
        Err(error) => {
            let limit = getrlimit(Resource::Nofile).current;
            let limit = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
            let what = anyhow!(
                "there are too few file descriptors (ulimit -n is {limit}): {NEEDED} more are needed"
            );
            Err(Failure::unusable(anyhow!(error).context(what)))
        }
    }
}
