//! Failed rows on the disk until the run ends: what is said of each in a line of JSON, and behind it the row's bytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};

use serde::{Deserialize, Serialize};

use super::reason::reason;
use crate::contract::{CustomerId, ErrorCode, FieldSet};
use crate::input::Withheld;
use crate::journal::{Entry, Outcome, RunDir};
use crate::row::Position;

/// The spool's file in the run directory.
pub(super) const SPOOL_NAME: &str = "failed.spool";
/// So much is written and read at once.
pub(super) const BUFFER_BYTES: usize = 64 << 10;

/// What is said of a failed row.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SpooledRow<'a> {
    /// The row's number.
    pub(super) row: u64,
    /// The input, from 0.
    pub(super) input: usize,
    /// The line of the input.
    pub(super) line: u64,
    /// The customer, where the row names one.
    pub(super) customer: Option<u64>,
    /// How it ended.
    pub(super) outcome: Outcome,
    /// Why, in words.
    #[serde(borrow)]
    pub(super) error: Cow<'a, str>,
    /// The fields of which it is known already that later rows have set them.
    pub(super) overtaken: FieldSet,
    /// Whether another row of its customer was taken instead (`--unique reject`).
    is_duplicate: bool,
    /// Whether the input ended within it.
    is_cut_off: bool,
    raw_bytes: usize,
}

impl SpooledRow<'_> {
    /// What an entry says of its row.
    pub(super) fn of(entry: &Entry<'_>, position: Position) -> SpooledRow<'static> {
        // The API may have codes of the same names.
        let has = |code: ErrorCode| {
            entry.outcome == Outcome::Invalid
                && entry
                    .errors
                    .iter()
                    .any(|error| error.code.as_deref() == Some(code.name()))
        };
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
            raw_bytes: 0,
        }
    }

    /// What is withheld of it when it is read again, where later rows have set these fields.
    pub(super) fn withheld(&self, overtaken: FieldSet) -> Withheld {
        let refused = self
            .customer
            .filter(|_| self.is_duplicate)
            .and_then(|id| CustomerId::new(id).ok());
        Withheld {
            fields: overtaken,
            refused,
            cut_off: self.is_cut_off,
        }
    }

    /// The row as it stands in the spool.
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

/// The spool of a process. There is no file before a row is written.
#[derive(Debug, Default)]
pub(super) struct Spool {
    /// Keeps a descriptor for the file: by the time that a row fails, connections may have taken all others.
    reserve: Option<File>,
    file: Option<BufWriter<File>>,
}

impl Spool {
    /// A spool that can be written even where no more descriptors are left.
    pub(super) fn new() -> Spool {
        Spool {
            reserve: File::open("/dev/null").ok(),
            file: None,
        }
    }

    /// Writes a row that was encoded. A spool that a process left when it was killed is written over.
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

    /// Takes all rows in the order in which they were written, with their bytes.
    pub(super) fn read(
        self,
        run_dir: &RunDir,
        mut take: impl FnMut(SpooledRow<'_>, Vec<u8>),
    ) -> io::Result<()> {
        let Some(mut file) = self.file else {
            return Ok(());
        };
        file.flush()?;
        drop(file);
        let file = run_dir.open_file(SPOOL_NAME).map_err(io::Error::other)?;
        let mut spool = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut line = Vec::new();
        while spool.read_until(b'\n', &mut line)? > 0 {
            let row: SpooledRow<'_> = serde_json::from_slice(&line)?;
            let mut raw = vec![0; row.raw_bytes];
            spool.read_exact(&mut raw)?;
            take(row, raw);
            line.clear();
        }
        Ok(())
    }
}
