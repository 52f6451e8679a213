//! A plan: what a check or a preview has found, for a run that sends just that (`run --plan`).
//!
//! A run directory is a plan if it has the file [`REQUESTS_NAME`]: the hash of each row's request.
//! The run reads its input once before it sends anything, and each row again as it is sent, and
//! stops at a row with another request. The file [`SEEN_NAME`] is there too if the customers were
//! read: the hashes of the values that a customer may have when its row is sent. Neither file holds
//! a value.
//!
//! Both files count only once they are finished, so what a killed process leaves is no plan.

mod accepted;
mod customer_file;
mod error;
mod requests;
mod seen;
#[cfg(test)]
mod tests;

use std::fs;
use std::io;

use crate::journal::RunDir;

pub(crate) use accepted::{CountryDoubt, VALUES_MAX};
pub use error::PlanError;
pub use requests::{Requests, RequestsWriter};
pub use seen::{Seen, SeenWriter};

/// The file with the hashes of the requests.
pub(crate) const REQUESTS_NAME: &str = "plan.requests";
/// The file with the hashes of the values that customers may have.
pub(crate) const SEEN_NAME: &str = "plan.redb";

/// Removes the plan in a run directory, so that it survives no power cut.
pub(crate) fn remove(run_dir: &RunDir) -> Result<(), PlanError> {
    let mut removed = false;
    for name in [REQUESTS_NAME, SEEN_NAME] {
        match fs::remove_file(run_dir.file(name)) {
            Ok(()) => removed = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PlanError::write(run_dir, name, source)),
        }
    }
    if removed {
        run_dir
            .sync()
            .map_err(|source| PlanError::write(run_dir, REQUESTS_NAME, source))?;
    }
    Ok(())
}
