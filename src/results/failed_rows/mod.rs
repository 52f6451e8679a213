//! The files of failed rows: each row in the input's bytes, so that the user can correct and rerun
//! it.
//!
//! The remarks about a row come *before* its own columns, so that they stay aligned even if the row
//! has too few or too many columns. What later rows of its customer set is known only at the end of
//! a run. So a run spools rows, in the order of the input, and writes the files from the spool. What
//! sends nothing writes them at once.
//!
//! An error in these files stops nothing else. It is kept and reported at the end.

mod csv_form;
mod files;
mod finals;
mod form;
mod ndjson_form;
mod order;
mod quiet_file;
mod reason;
mod remarks;
mod sheet_form;
mod spool;
#[cfg(test)]
mod tests;
mod workbook;
mod xml_text;

use std::io;

use bytes::Bytes;

pub(crate) use self::finals::{FinishedFiles, is_of_failed_rows};
pub(crate) use self::form::FailedFormat;

use self::files::{named, remove};
use self::finals::FinalFiles;
use self::form::FileForm;
use self::order::RowOrder;
use self::spool::{SPOOL_NAME, Spool, SpooledRow};
use crate::contract::FieldSet;
use crate::input::KnownInput;
use crate::journal::{Entry, RunDir};
use crate::row::Position;

/// Writes the failed rows of all inputs, one file for each input, in the order of the input.
#[derive(Debug)]
pub(crate) struct FailedRows {
    run_dir: RunDir,
    way: Way,
}

/// The way that rows take to their files.
#[derive(Debug)]
enum Way {
    /// They are spooled; the files are written at the end.
    Spooled(SpooledRows),
    /// They are written at once.
    AtOnce(FinalFiles),
    /// They are ignored; the files of an earlier process stay as they were.
    Abandoned,
    /// They are ignored, since the spool cannot be written.
    Broken(io::Error),
}

/// Rows that are spooled.
#[derive(Debug)]
struct SpooledRows {
    forms: Vec<FileForm>,
    order: RowOrder,
    overtaking: OvertakingScope,
    spool: Spool,
}

/// The part of a failed row that a later row of its customer overtakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OvertakingScope {
    /// The fields that the later row sets.
    #[default]
    SetFields,
    /// The whole row: only the last row of each customer is sent (`--unique last`).
    WholeRow,
}

impl FailedRows {
    /// Creates the writer for inputs whose rows end in any order, from `first_row` on. No file is
    /// created before a row fails.
    pub(crate) fn new(
        run_dir: RunDir,
        inputs: &[KnownInput],
        format: FailedFormat,
        first_row: u64,
        overtaking: OvertakingScope,
    ) -> FailedRows {
        let rows = SpooledRows {
            forms: FileForm::of_all(inputs, format),
            order: RowOrder::new(first_row),
            overtaking,
            spool: Spool::new(),
        };
        FailedRows {
            run_dir,
            way: Way::Spooled(rows),
        }
    }

    /// Creates the writer for inputs whose rows end in any order, from the first row on.
    pub(crate) fn in_any_order(
        run_dir: RunDir,
        inputs: &[KnownInput],
        format: FailedFormat,
    ) -> FailedRows {
        FailedRows::new(run_dir, inputs, format, 1, OvertakingScope::default())
    }

    /// Creates the writer for inputs whose rows end in the order of the input, and of which no
    /// later row sets anything.
    pub(crate) fn at_once(
        run_dir: RunDir,
        inputs: &[KnownInput],
        format: FailedFormat,
    ) -> FailedRows {
        let files = FinalFiles::new(run_dir.clone(), FileForm::of_all(inputs, format));
        FailedRows {
            run_dir,
            way: Way::AtOnce(files),
        }
    }

    /// Records a row that ended well.
    pub(crate) fn record_success(&mut self, row: u64) {
        if let Way::Spooled(rows) = &mut self.way {
            rows.order.record_success(row);
            let written = rows.spool_what_is_due(&self.run_dir);
            self.note(written);
        }
    }

    /// Records a row that ended badly.
    pub(crate) fn record_failure(&mut self, entry: &Entry<'_>, position: Position, raw: &Bytes) {
        match &mut self.way {
            Way::Spooled(rows) => {
                let row = SpooledRow::of(entry, position);
                let written = rows.record_failure(&self.run_dir, row, raw);
                self.note(written);
            }
            Way::AtOnce(files) => {
                files.write(SpooledRow::of(entry, position), entry.overtaken, raw);
            }
            Way::Abandoned | Way::Broken(_) => {}
        }
    }

    /// Drops all rows and removes the files that they are in. The files of an earlier process stay
    /// as they were.
    pub(crate) fn abandon(&mut self) {
        match std::mem::replace(&mut self.way, Way::Abandoned) {
            Way::Spooled(_) => self.remove_spool(),
            Way::AtOnce(files) => files.abandon(),
            Way::Abandoned => {}
            broken @ Way::Broken(_) => self.way = broken,
        }
    }

    /// Writes the files and removes those of earlier processes that are out of date. `overtaken`
    /// returns the fields that later rows of a row's customer have set.
    pub(crate) fn finish(
        mut self,
        overtaken: &dyn Fn(u64, Option<u64>) -> FieldSet,
    ) -> FinishedFiles {
        if let Way::Spooled(rows) = &mut self.way {
            let written = rows.spool_all(&self.run_dir);
            self.note(written);
        }
        match self.way {
            Way::Spooled(rows) => rows.finish(&self.run_dir, overtaken),
            Way::AtOnce(files) => files.finish(Ok(())),
            Way::Abandoned => FinishedFiles::default(),
            Way::Broken(fault) => FinishedFiles {
                names: Vec::new(),
                fault: Some(fault),
            },
        }
    }

    /// Gives the rows up if the spool could not be written.
    fn note(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            self.way = Way::Broken(named(SPOOL_NAME, &error));
            self.remove_spool();
        }
    }

    /// Removes the spool. If that fails, the next process does it.
    fn remove_spool(&self) {
        remove(&self.run_dir, SPOOL_NAME).unwrap_or_default();
    }
}

impl SpooledRows {
    fn record_failure(
        &mut self,
        run_dir: &RunDir,
        row: SpooledRow<'_>,
        raw: &Bytes,
    ) -> io::Result<()> {
        self.order.record_failure(row.row, row.encode(raw));
        self.spool_what_is_due(run_dir)
    }

    fn spool_what_is_due(&mut self, run_dir: &RunDir) -> io::Result<()> {
        while let Some(row) = self.order.next_due() {
            self.spool.write(run_dir, &row)?;
        }
        Ok(())
    }

    fn spool_all(&mut self, run_dir: &RunDir) -> io::Result<()> {
        while let Some(row) = self.order.next_at_the_end() {
            self.spool.write(run_dir, &row)?;
        }
        Ok(())
    }

    fn finish(
        self,
        run_dir: &RunDir,
        overtaken: &dyn Fn(u64, Option<u64>) -> FieldSet,
    ) -> FinishedFiles {
        let mut files = FinalFiles::new(run_dir.clone(), self.forms);
        let read = self.spool.read(run_dir, |row, raw| {
            let overtaken = match (
                row.overtaken.union(overtaken(row.row, row.customer)),
                self.overtaking,
            ) {
                (FieldSet::EMPTY, _) => FieldSet::EMPTY,
                (_, OvertakingScope::WholeRow) => FieldSet::ALL,
                (fields, OvertakingScope::SetFields) => fields,
            };
            files.write(row, overtaken, &raw);
            Ok(())
        });
        let mut finished = files.finish(read.map_err(|error| named(SPOOL_NAME, &error)));
        // The spool's rows hold values, and are in the files now.
        if let Err(error) = remove(run_dir, SPOOL_NAME) {
            finished.fault.get_or_insert(error);
        }
        finished
    }
}
