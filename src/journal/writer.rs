//! Appends to the journal: whole lines in one write, durable when it says so.

use std::fs::File;
use std::io::{self, Write as _};

use super::entry::Entry;
use super::fact::Fact;
use super::header::Header;
use super::run_dir::RunDir;

/// Appends to the journal. There is one writer, and it owns the lock.
#[derive(Debug)]
pub struct JournalWriter {
    file: File,
    buffer: Vec<u8>,
    /// How far the journal holds whole lines.
    good_bytes: u64,
    durability: Durability,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Dirty,
    /// A sync failed: the kernel may have dropped what it held, so no later sync proves anything.
    Lost,
}

/// Why an outcome could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing failed; the journal ends with its last whole line.
    #[error("the journal cannot be written")]
    Write(#[source] io::Error),
    /// Syncing failed.
    #[error("the journal cannot be made durable")]
    Sync(#[source] io::Error),
}

impl JournalWriter {
    /// Begins a new journal. Its header is durable, and the directory knows the file, before anything is sent.
    pub fn begin(file: File, header: &Header, run_dir: &RunDir) -> Result<JournalWriter, WriteError> {
        let mut writer = JournalWriter { file, buffer: Vec::new(), good_bytes: 0, durability: Durability::Dirty };
        header.encode(&mut writer.buffer);
        writer.flush()?;
        writer.sync()?;
        run_dir.sync().map_err(WriteError::Sync)?;
        Ok(writer)
    }

    /// Goes on with a journal that holds this many good bytes.
    pub(super) fn resume(file: File, good_bytes: u64) -> JournalWriter {
        JournalWriter { file, buffer: Vec::new(), good_bytes, durability: Durability::Synced }
    }

    /// Adds an entry to what [`JournalWriter::flush`] writes.
    pub fn push(&mut self, entry: &Entry<'_>) {
        entry.encode(&mut self.buffer);
    }

    /// Adds a fact to it.
    pub fn push_fact(&mut self, fact: &Fact) {
        fact.encode(&mut self.buffer);
    }

    /// Writes what was pushed. On failure the journal is cut back to its last whole line.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.file.write_all(&self.buffer) {
            // Where even this fails the reader finds the torn line by its checksum.
            self.file.set_len(self.good_bytes).ok();
            return Err(WriteError::Write(error));
        }
        self.good_bytes += u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.buffer.clear();
        if self.durability == Durability::Synced {
            self.durability = Durability::Dirty;
        }
        Ok(())
    }

    /// Makes what was written outlast a power cut.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        match self.durability {
            Durability::Synced => Ok(()),
            Durability::Lost => Err(WriteError::Sync(io::Error::other("an earlier sync failed"))),
            Durability::Dirty => match self.file.sync_data() {
                Ok(()) => {
                    self.durability = Durability::Synced;
                    Ok(())
                }
                Err(error) => {
                    self.durability = Durability::Lost;
                    Err(WriteError::Sync(error))
                }
            },
        }
    }
}
