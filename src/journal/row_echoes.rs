//! The rows whose update the API has shown with other values than it was sent.

use std::collections::BTreeMap;

use super::entries::{EntriesError, for_each_entry};
use super::run_dir::RunDir;
use crate::contract::FieldSet;

/// The rows of a run whose answers showed other values than were sent, with the fields. They are few,
/// unless the API stores a field in another form throughout: then each row takes about 40 bytes.
#[derive(Debug, Default)]
pub(crate) struct RowEchoes(BTreeMap<u64, FieldSet>);

impl RowEchoes {
    /// Reads them from the journal of a run directory.
    pub(crate) fn read(run_dir: &RunDir) -> Result<RowEchoes, EntriesError> {
        let mut rows = BTreeMap::new();
        for_each_entry(run_dir, |entry| {
            if !entry.echo.is_empty() {
                rows.insert(entry.row, entry.echo);
            }
        })?;
        Ok(RowEchoes(rows))
    }

    /// Returns the fields of a row that were shown with other values.
    pub(crate) fn of(&self, row: u64) -> FieldSet {
        self.0.get(&row).copied().unwrap_or(FieldSet::EMPTY)
    }
}
