//! The rows whose update the API has shown with other values than it was sent.

use std::collections::BTreeMap;
use std::io::BufReader;

use super::lines::{Line, LineError, LineReader};
use super::run_dir::{JOURNAL_NAME, RunDir, RunDirError};
use crate::contract::FieldSet;

/// The rows of a run whose answers showed other values than were sent, with the fields. They are few,
/// unless the API stores a field in another form throughout: then each row takes about 40 bytes.
#[derive(Debug, Default)]
pub(crate) struct RowEchoes(BTreeMap<u64, FieldSet>);

/// The reason why they cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowEchoesError {
    /// The journal cannot be opened.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A line of the journal cannot be read.
    #[error(transparent)]
    Line(#[from] LineError),
}

impl RowEchoes {
    /// Reads them from the journal of a run directory.
    pub(crate) fn read(run_dir: &RunDir) -> Result<RowEchoes, RowEchoesError> {
        let journal = run_dir.open_file(JOURNAL_NAME)?;
        let mut lines = LineReader::of(BufReader::new(journal));
        let mut rows = BTreeMap::new();
        while let Some(line) = lines.next_line()? {
            if let Line::Entry(entry) = line
                && !entry.echo.is_empty()
            {
                rows.insert(entry.row, entry.echo);
            }
        }
        Ok(RowEchoes(rows))
    }

    /// Returns the fields of a row that were shown with other values.
    pub(crate) fn of(&self, row: u64) -> FieldSet {
        self.0.get(&row).copied().unwrap_or(FieldSet::EMPTY)
    }
}
