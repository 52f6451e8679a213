//! The spool of failed rows: on disk until the run ends, a line of JSON for each, followed by the
//! row's bytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};

use serde::{Deserialize, Serialize};

use super::reason::reason;
use crate::contract::{CustomerId, ErrorCode, FieldSet};
use crate::input::{HiddenFault, Withheld};
use crate::journal::{Entry, Outcome, RunDir};
use crate::row::Position;

/// The spool's file in the run directory.
pub(super) const SPOOL_NAME: &str = "failed.spool";
/// The size of the buffers for reading and writing.
pub(super) const BUFFER_BYTES: usize = 64 << 10;

/// The facts about a failed row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SpooledRow<'a> {
    /// The row's number.
    pub(super) row: u64,
    /// The input, counted from 0.
    pub(super) input: usize,
    /// The line of the input.
    pub(super) line: u64,
    /// The customer, if the row names one.
    pub(super) customer: Option<u64>,
    /// The outcome.
    pub(super) outcome: Outcome,
    /// The reason, in words.
    #[serde(borrow)]
    pub(super) error: Cow<'a, str>,
    /// The fields that later rows are already known to have set.
    pub(super) overtaken: FieldSet,
    /// Whether another row of its customer was taken instead (`--unique reject`).
    is_duplicate: bool,
    /// Whether the input ended within it.
    is_cut_off: bool,
    /// The fault that cells of a sheet cannot have.
    pub(super) hidden: Option<HiddenFault>,
    raw_bytes: usize,
}

impl SpooledRow<'_> {
    /// Takes the facts from the row's entry.
    pub(super) fn of(entry: &Entry<'_>, position: Position) -> SpooledRow<'static> {
        // The API may use the same codes.
        let has = |code: ErrorCode| {
            entry.outcome == Outcome::Invalid
                && entry
                    .errors
                    .iter()
                    .any(|error| error.code.as_deref() == Some(code.name()))
        };
        // With a fault of the quotes, the other two may follow from it.
        let hidden = [
            HiddenFault::Quotes,
            HiddenFault::Columns,
            HiddenFault::Encoding,
        ];
        SpooledRow {
            row: position.row,
            input: position.input,
            line: position.line,
            customer: entry.id,
            outcome: entry.outcome,
            error: Cow::Owned(reason(entry)),
            overtaken: entry.overtaken,
            is_duplicate: has(ErrorCode::Duplicate),
            is_cut_off: has(ErrorCode::CutOff),
            hidden: hidden.into_iter().find(|fault| has(fault.code())),
            raw_bytes: 0,
        }
    }

    /// Returns what is withheld of the row when it is read again, given the fields that later rows
    /// have set.
    pub(super) fn withheld(&self, overtaken: FieldSet) -> Withheld {
        let refused = self
            .customer
            .filter(|_| self.is_duplicate)
            .and_then(|id| CustomerId::new(id).ok());
        Withheld {
            fields: overtaken,
            refused,
            cut_off: self.is_cut_off,
            hidden: None,
        }
    }

    /// Returns the row with all fields that later rows have set.
    pub(super) fn with_overtaken(self, overtaken: FieldSet) -> Self {
        SpooledRow { overtaken, ..self }
    }

    /// Encodes the row for the spool.
    pub(super) fn encode(self, raw: &[u8]) -> Vec<u8> {
        let row = SpooledRow {
            raw_bytes: raw.len(),
            ..self
        };
        let mut bytes =
            serde_json::to_vec(&row).expect("texts and numbers, written to memory, cannot fail");
        bytes.push(b'\n');
        bytes.extend_from_slice(raw);
        bytes
    }
}

/// The spool of a process. Its file is created with the first row.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// A reserved descriptor for the file: connections may have taken all others by the time that a
    /// row fails.
    reserve: Option<File>,
    file: Option<BufWriter<File>>,
}

impl Spool {
    /// Creates a spool that can be written even when no more descriptors are left.
    pub(super) fn new() -> Spool {
        Spool {
            reserve: File::open("/dev/null").ok(),
            file: None,
        }
    }

    /// Writes an encoded row. The spool of a killed process is overwritten.
    pub(super) fn write(&mut self, run_dir: &RunDir, row: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            return file.write_all(row);
        }
        drop(self.reserve.take());
        let file = run_dir.create_file(SPOOL_NAME).map_err(io::Error::other)?;
        self.file
            .insert(BufWriter::with_capacity(BUFFER_BYTES, file))
            .write_all(row)
    }

    /// Passes all rows with their bytes to `take`, in the order in which they were written.
    pub(super) fn read(
        self,
        run_dir: &RunDir,
        take: impl FnMut(SpooledRow<'_>, Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(mut file) = self.file else {
            return Ok(());
        };
        file.flush()?;
        drop(file);
        read_rows(
            run_dir.open_file(SPOOL_NAME).map_err(io::Error::other)?,
            take,
        )
    }
}

/// Passes all encoded rows of a file with their bytes to `take`, in order, up to its first error.
pub(super) fn read_rows(
    file: File,
    mut take: impl FnMut(SpooledRow<'_>, Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let mut rows = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut line = Vec::new();
    while rows.read_until(b'\n', &mut line)? > 0 {
        let row: SpooledRow<'_> = serde_json::from_slice(&line)?;
        let mut raw = vec![0; row.raw_bytes];
        rows.read_exact(&mut raw)?;
        take(row, raw)?;
        line.clear();
    }
    Ok(())
}
