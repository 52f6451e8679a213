//! The changes that a run of an input would make (`custsync preview`): the rows of the input and the
//! customers as they are now, both in files, so that memory does not grow with them; the findings;
//! and the list of changes.
//!
//! A preview reads its input like a check, and keeps each valid row by its customer
//! ([`CustomerRows`]). Then every customer is read once, and its rows are laid over it in the order of
//! the input ([`Projection`](crate::contract::Projection)). The differences go to `preview.csv`
//! ([`ChangeList`]) and are counted ([`Findings`]).

mod change_list;
mod customer_rows;
mod findings;
mod odd;
mod previewer;
mod scratch;
mod shown_customers;

use std::{fs, io};

use crate::journal::RunDir;

pub(crate) use self::change_list::{ChangeList, PREVIEW_NAME};
pub(crate) use self::customer_rows::CustomerRows;
pub use self::findings::{FieldFindings, Findings};
pub(crate) use self::previewer::{NotShown, PreviewError, PreviewFiles, Previewer};
pub(crate) use self::scratch::ScratchError;
pub(crate) use self::shown_customers::ShownCustomers;

/// The file of the customers whom pages have shown, in the run directory of a preview that works.
pub(crate) const SNAPSHOT_NAME: &str = "snapshot.redb";
/// The file of the rows of the input, in the same place.
pub(crate) const SNAPSHOT_ROWS_NAME: &str = "snapshot-rows.redb";

/// Removes what a killed preview has left in its run directory.
pub(crate) fn remove_snapshot(run_dir: &RunDir) -> io::Result<()> {
    for name in [SNAPSHOT_NAME, SNAPSHOT_ROWS_NAME] {
        match fs::remove_file(run_dir.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
