//! The files of failed rows: each row in the bytes of the input, so that the user corrects it and runs it.
//!
//! What is said about a row stands *before* its own columns: a row with too few or too many of them keeps its fault that way,
//! and the columns in front stay in line for every reader. Which fields later rows have set is only known at the end, so rows
//! are spooled first, in the order of the input, and the files are written from the spool.
//!
//! A fault of these files stops nothing else: it is remembered, and told at the end.

mod files;
mod finals;
mod form;
mod order;
mod reason;
mod spool;
#[cfg(test)]
mod tests;

use std::io;

use bytes::Bytes;

pub use self::finals::FinishedFiles;
pub use self::form::FailedFormat;

use self::files::{named, remove};
use self::finals::FinalFiles;
use self::form::FileForm;
use self::order::RowOrder;
use self::spool::{SPOOL_NAME, Spool, SpooledRow};
use crate::contract::FieldSet;
use crate::input::KnownInput;
use crate::journal::{Entry, RunDir};
use crate::row::Position;

/// Writes the failed rows of all inputs, a file each, in the order of the input.
#[derive(Debug)]
pub struct FailedRows {
    run_dir: RunDir,
    forms: Vec<FileForm>,
    order: RowOrder,
    overtaking: OvertakingScope,
    spool: Spool,
    state: SpoolState,
}

/// What a later row of its customer leaves of a failed row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OvertakingScope {
    /// The fields that the later one does not set.
    #[default]
    SetFields,
    /// Nothing: of each customer the last row is sent alone (`--unique last`).
    WholeRow,
}

/// What becomes of the files.
#[derive(Debug)]
enum SpoolState {
    /// They are written at the end.
    Spooling,
    /// Those of an earlier process stay as they were.
    Left,
    /// The same, since the spool cannot be written.
    Broken(io::Error),
}

impl FailedRows {
    /// For these inputs, whose rows end as they come. The first row to come is `first_row`. No file is made before a row failed.
    pub fn new(
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

    /// The same, where rows end in the order of the input.
    pub fn in_order(run_dir: RunDir, inputs: &[KnownInput], format: FailedFormat) -> FailedRows {
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

    /// The same, where later rows leave this of a failed one.
    #[must_use]
    pub fn with_overtaking(self, overtaking: OvertakingScope) -> FailedRows {
        FailedRows { overtaking, ..self }
    }

    /// A row ended well.
    pub fn record_success(&mut self, row: u64) {
        self.order.record_success(row);
        self.spool_what_is_due();
    }

    /// A row ended badly.
    pub fn record_failure(&mut self, entry: &Entry<'_>, position: Position, raw: &Bytes) {
        if !self.is_spooling() {
            return;
        }
        let row = SpooledRow::of(entry, position).encode(raw);
        match self.order.record_failure(position.row, row) {
            None => self.spool_what_is_due(),
            Some(row) => self.spool(&row),
        }
    }

    /// Forgets all rows: the files of an earlier process stay as they were, and what was begun is taken away.
    pub fn leave(&mut self) {
        if self.is_spooling() {
            self.state = SpoolState::Left;
            self.forget();
        }
    }

    /// Writes the files, and takes away those of an earlier process that nothing is left of. `overtaken` tells which fields later
    /// rows of a row's customer have set.
    pub fn finish(mut self, overtaken: &dyn Fn(u64, Option<u64>) -> FieldSet) -> FinishedFiles {
        while let Some(row) = self.order.next_at_the_end() {
            self.spool(&row);
        }
        match self.state {
            SpoolState::Spooling => {}
            SpoolState::Left => return FinishedFiles::default(),
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
            finals.write(&row, overtaken, &raw);
        });
        let mut finished = finals.finish(read.map_err(|error| named(SPOOL_NAME, &error)));
        // Its rows hold values, and are in the files now.
        if let Err(error) = remove(&self.run_dir, SPOOL_NAME) {
            finished.fault.get_or_insert(error);
        }
        finished
    }

    fn is_spooling(&self) -> bool {
        match self.state {
            SpoolState::Spooling => true,
            SpoolState::Left | SpoolState::Broken(_) => false,
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

    /// Takes away what was begun. Where that fails, the next process does it.
    fn forget(&mut self) {
        self.order = RowOrder::OfTheInput;
        self.spool = Spool::default();
        remove(&self.run_dir, SPOOL_NAME).unwrap_or_default();
    }
}
