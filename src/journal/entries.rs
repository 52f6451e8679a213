//! Visits all entries of a journal.

use std::io::BufReader;

use super::entry::Entry;
use super::lines::{Line, LineError, LineReader};
use super::run_dir::{JOURNAL_NAME, RunDir, RunDirError};

/// The reason why the entries cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntriesError {
    /// The journal cannot be opened.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A line of the journal cannot be read.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// Visits the entries in the journal of a run directory, in the order in which they were recorded. A
/// row has several if it was sent again: the last one counts.
pub(crate) fn for_each_entry(
    run_dir: &RunDir,
    mut visit: impl FnMut(&Entry<'_>),
) -> Result<(), EntriesError> {
    let journal = run_dir.open_file(JOURNAL_NAME)?;
    let mut lines = LineReader::of(BufReader::new(journal));
    while let Some(line) = lines.next_line()? {
        if let Line::Entry(entry) = line {
            visit(&entry);
        }
    }
    Ok(())
}
