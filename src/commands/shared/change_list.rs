//! The file of `--changes`: the customers who have changed, are new or are absent.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::pipeline::changes::Change;
use crate::results::summary::InputNames;
use crate::row::Position;

/// The list of changes, as a CSV file that only its owner can read.
pub(in crate::commands) struct ChangeList<'n> {
    writer: csv::Writer<File>,
    names: &'n InputNames,
}

impl<'n> ChangeList<'n> {
    /// Begins the list. An earlier one is overwritten.
    pub(in crate::commands) fn create(
        path: &Path,
        names: &'n InputNames,
    ) -> io::Result<ChangeList<'n>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(path)?;
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(["custsync_row", "id", "change"])?;
        Ok(ChangeList { writer, names })
    }

    /// Adds a change.
    pub(in crate::commands) fn add(
        &mut self,
        change: Change,
        row: Option<Position>,
        customer: u64,
    ) -> io::Result<()> {
        let row = row.map(|row| self.names.place(row)).unwrap_or_default();
        let change = match change {
            Change::New => "new",
            Change::Changed => "changed",
            Change::Unknown => "unknown",
            Change::Absent => "absent",
        };
        self.writer
            .write_record([row.as_str(), &customer.to_string(), change])?;
        Ok(())
    }

    /// Ends the list.
    pub(in crate::commands) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
