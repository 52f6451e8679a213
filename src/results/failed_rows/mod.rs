//! The files of failed rows: each row in the input's bytes, so that the user can correct and rerun
//! it.
//!
//! The remarks about a row come *before* its own columns, so that they stay aligned even if the row
//! has too few or too many columns. The fields that later rows have set are known only at the end.
//! Rows are therefore spooled first, in the order of the input, and the files are written from the
//! spool.
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
    forms: Vec<FileForm>,
    order: RowOrder,
    overtaking: OvertakingScope,
    spool: Spool,
    state: SpoolState,
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

/// The state of the spool.
#[derive(Debug)]
enum SpoolState {
    /// Rows are spooled; the files are written at the end.
    Spooling,
    /// Rows are ignored; the files of an earlier process stay as they were.
    Abandoned,
    /// Rows are ignored, since the spool cannot be written.
    Broken(io::Error),
}

impl FailedRows {
    /// Creates the writer for inputs whose rows end in any order, from `first_row` on. No file is
    /// created before a row fails.
    pub(crate) fn new(
        run_dir: RunDir,
        inputs: &[KnownInput],
        format: FailedFormat,
        first_row: u64,
    ) -> FailedRows {
        FailedRows::ordered(
            run_dir,
            FileForm::of_all(inputs, format),
            RowOrder::any(first_row),
        )
    }

    /// Creates the writer for inputs whose rows end in the order of the input.
    pub(crate) fn in_order(
        run_dir: RunDir,
        inputs: &[KnownInput],
        format: FailedFormat,
    ) -> FailedRows {
        FailedRows::ordered(
            run_dir,
            FileForm::of_all(inputs, format),
            RowOrder::OfTheInput,
        )
    }

    fn ordered(run_dir: RunDir, forms: Vec<FileForm>, order: RowOrder) -> FailedRows {
        let overtaking = OvertakingScope::default();
        FailedRows {
            run_dir,
            forms,
            order,
            overtaking,
            spool: Spool::new(),
            state: SpoolState::Spooling,
        }
    }

    /// Returns the writer with another scope of overtaking.
    #[must_use]
    pub(crate) fn with_overtaking(self, overtaking: OvertakingScope) -> FailedRows {
        FailedRows { overtaking, ..self }
    }

    /// Records a row that ended well.
    pub(crate) fn record_success(&mut self, row: u64) {
        self.order.record_success(row);
        self.spool_what_is_due();
    }

    /// Records a row that ended badly.
    pub(crate) fn record_failure(&mut self, entry: &Entry<'_>, position: Position, raw: &Bytes) {
        if !self.is_spooling() {
            return;
        }
        let row = SpooledRow::of(entry, position).encode(raw);
        match self.order.record_failure(position.row, row) {
            None => self.spool_what_is_due(),
            Some(row) => self.spool(&row),
        }
    }

    /// Drops all rows and removes the spool. The files of an earlier process stay as they were.
    pub(crate) fn abandon(&mut self) {
        if self.is_spooling() {
            self.state = SpoolState::Abandoned;
            self.forget();
        }
    }

    /// Writes the files and removes those of earlier processes that are out of date. `overtaken`
    /// returns the fields that later rows of a row's customer have set.
    pub(crate) fn finish(
        mut self,
        overtaken: &dyn Fn(u64, Option<u64>) -> FieldSet,
    ) -> FinishedFiles {
        while let Some(row) = self.order.next_at_the_end() {
            self.spool(&row);
        }
        match self.state {
            SpoolState::Spooling => {}
            SpoolState::Abandoned => return FinishedFiles::default(),
            SpoolState::Broken(fault) => {
                return FinishedFiles {
                    names: Vec::new(),
                    fault: Some(fault),
                };
            }
        }
        let mut finals = FinalFiles::new(self.run_dir.clone(), self.forms);
        let read = self.spool.read(&self.run_dir, |row, raw| {
            let overtaken = match (
                row.overtaken.union(overtaken(row.row, row.customer)),
                self.overtaking,
            ) {
                (FieldSet::EMPTY, _) => FieldSet::EMPTY,
                (_, OvertakingScope::WholeRow) => FieldSet::ALL,
                (fields, OvertakingScope::SetFields) => fields,
            };
            finals.write(row, overtaken, &raw);
            Ok(())
        });
        let mut finished = finals.finish(read.map_err(|error| named(SPOOL_NAME, &error)));
        // The spool's rows hold values, and are in the files now.
        if let Err(error) = remove(&self.run_dir, SPOOL_NAME) {
            finished.fault.get_or_insert(error);
        }
        finished
    }

    fn is_spooling(&self) -> bool {
        match self.state {
            SpoolState::Spooling => true,
            SpoolState::Abandoned | SpoolState::Broken(_) => false,
        }
    }

    fn spool_what_is_due(&mut self) {
        while let Some(row) = self.order.next_due() {
            self.spool(&row);
        }
    }

    fn spool(&mut self, row: &[u8]) {
        if self.is_spooling()
            && let Err(error) = self.spool.write(&self.run_dir, row)
        {
            self.state = SpoolState::Broken(named(SPOOL_NAME, &error));
            self.forget();
        }
    }

    /// Removes the spool. If that fails, the next process does it.
    fn forget(&mut self) {
        self.order = RowOrder::OfTheInput;
        self.spool = Spool::default();
        remove(&self.run_dir, SPOOL_NAME).unwrap_or_default();
    }
}
