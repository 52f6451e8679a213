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
mod shown_customers;

use std::io;
use std::path::PathBuf;

pub(crate) use self::change_list::{ChangeList, PREVIEW_NAME};
pub(crate) use self::customer_rows::{CustomerRows, CustomerRowsWriter};
pub use self::findings::{FieldFindings, Findings};
pub(crate) use self::previewer::{NotShown, PreviewError, PreviewFiles, Previewer};
pub(crate) use self::shown_customers::{ShownCustomers, ShownCustomersWriter};
use crate::text;

/// A temporary file cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("a temporary file in {folder} cannot be written or read")]
pub(crate) struct TemporaryFileError {
    folder: String,
    source: io::Error,
}

/// The folder of temporary files, which have no names.
#[derive(Debug, Clone)]
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// Returns the error of a file in it.
    fn failed(&self, source: io::Error) -> TemporaryFileError {
        TemporaryFileError {
            folder: text::safe_path(&self.0),
            source,
        }
    }
}
