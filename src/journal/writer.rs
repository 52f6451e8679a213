//! Appends whole lines to the journal and makes them durable. The file of images is written by the
//! same rules ([`ImagesFile`](super::images::ImagesFile)).
//!
//! Two rules show a reader how far a power cut can have damaged a journal, without a clock. At most
//! [`UNSYNCED_BYTES_MAX`] are written without a sync. The first line after a sync is a mark,
//! [`Fact::Synced`], so all bytes before a mark were durable.

use std::fs::File;
use std::io;

use jiff::Timestamp;

use super::bulk_entry::BulkEntry;
use super::disk::{Disk, ExternalChange, FileOnDisk};
use super::entry::Entry;
use super::fact::Fact;
use super::header::{Header, Purpose};
use super::run_dir::{JOURNAL_NAME, RunDir};

/// The most bytes that are written without a sync: about 4,000 entries. A run that writes fewer a
/// second never waits for this limit.
pub(super) const UNSYNCED_BYTES_MAX: u64 = 1 << 20;
/// The room for a mark among those bytes.
const MARK_BYTES_MAX: u64 = 128;

/// Appends to the journal. There is one writer, and it owns the lock.
#[derive(Debug)]
pub struct JournalWriter {
    disk: Box<dyn Disk>,
    pushed: Pushed,
    /// The length of the journal's whole lines in bytes.
    good_bytes: u64,
    /// The length of the part that survives a power cut.
    synced_bytes: u64,
    durability: Durability,
    marking: Marking,
    /// The number of lines written when the journal was last seen in its place, and the time of
    /// that.
    seen: (u64, Timestamp),
    /// The number of lines that this process has written.
    lines: u64,
}

/// Lines that are not written yet.
#[derive(Debug, Default)]
struct Pushed {
    bytes: Vec<u8>,
    /// The end of each line.
    ends: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Dirty,
    /// Writing or syncing failed. The kernel may have dropped unwritten bytes, so no later sync
    /// proves anything.
    Lost,
}

/// Whether syncs are marked in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marking {
    /// Never: the journal of a check is not continued, so it is synced only at its end.
    Never,
    /// The next line is a mark.
    Due,
    /// The last sync is marked, or there was none.
    Done,
}

/// The reason why an outcome could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing failed. The journal ends with its last whole line.
    #[error("the journal cannot be written")]
    Write(#[source] io::Error),
    /// Syncing failed.
    #[error("the journal cannot be made durable")]
    Sync(#[source] io::Error),
    /// Another program has changed the file.
    #[error(
        "{file} was {} during the run: the {lines} lines written since {since} may be lost{}; nothing more is sent",
        .change.name(), .change.advice()
    )]
    Lost {
        /// The file's name.
        file: String,
        /// The change.
        change: ExternalChange,
        /// The number of lines written since the file was last seen in its place.
        lines: u64,
        /// The time of that, to the second.
        since: String,
    },
}

/// A flush that failed.
#[derive(Debug)]
pub struct FlushError {
    /// The number of lines, counted from the first one pushed since the last flush, that are in the
    /// journal in spite of the failure.
    pub written: usize,
    /// The reason.
    pub source: WriteError,
}

impl JournalWriter {
    /// Begins a new journal. Its header and the directory's entry are durable before anything is
    /// sent.
    pub fn begin(
        file: File,
        header: &Header,
        run_dir: &RunDir,
    ) -> Result<JournalWriter, WriteError> {
        JournalWriter::begin_on(
            Box::new(FileOnDisk::of(file, JOURNAL_NAME, run_dir)),
            header,
        )
    }

    pub(super) fn begin_on(
        disk: Box<dyn Disk>,
        header: &Header,
    ) -> Result<JournalWriter, WriteError> {
        let marking = match header.purpose {
            Purpose::Run | Purpose::Undo => Marking::Done,
            Purpose::Check | Purpose::Preview => Marking::Never,
        };
        let mut writer = JournalWriter::of(disk, 0, marking);
        let mut line = Vec::new();
        header.encode(&mut line);
        writer.append(&line).map_err(|(_, error)| error)?;
        writer.sync()?;
        writer.disk.sync_directory().map_err(WriteError::Sync)?;
        Ok(writer)
    }

    /// Continues a journal with this many valid bytes, which the earlier process may not have
    /// synced.
    pub(super) fn resume(file: File, good_bytes: u64, run_dir: &RunDir) -> JournalWriter {
        JournalWriter::resume_on(
            Box::new(FileOnDisk::of(file, JOURNAL_NAME, run_dir)),
            good_bytes,
        )
    }

    pub(super) fn resume_on(disk: Box<dyn Disk>, good_bytes: u64) -> JournalWriter {
        JournalWriter::of(disk, good_bytes, Marking::Done)
    }

    fn of(disk: Box<dyn Disk>, good_bytes: u64, marking: Marking) -> JournalWriter {
        JournalWriter {
            disk,
            pushed: Pushed::default(),
            good_bytes,
            synced_bytes: 0,
            durability: Durability::Dirty,
            marking,
            seen: (0, Timestamp::now()),
            lines: 0,
        }
    }

    /// Continues a run, before anything is sent. Makes durable what earlier processes wrote, then
    /// writes and syncs `fact`, which proves that the journal can be written.
    pub fn continue_run(&mut self, fact: &Fact) -> Result<(), WriteError> {
        self.make_place_durable()?;
        self.push_fact(fact);
        self.flush().map_err(|error| error.source)?;
        self.sync()
    }

    /// Makes the file and its name survive a power cut.
    pub(super) fn make_place_durable(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        self.disk.sync_directory().map_err(WriteError::Sync)
    }

    /// Queues an entry for [`JournalWriter::flush`].
    pub fn push(&mut self, entry: &Entry<'_>) {
        self.push_line(|buffer| entry.encode(buffer));
    }

    /// Queues the line of many rows for [`JournalWriter::flush`].
    pub fn push_bulk(&mut self, bulk: &BulkEntry) {
        self.push_line(|buffer| bulk.encode(buffer));
    }

    /// Queues a fact for [`JournalWriter::flush`].
    pub fn push_fact(&mut self, fact: &Fact) {
        self.push_line(|buffer| fact.encode(buffer));
    }

    /// Queues the line that `encode` appends for [`JournalWriter::flush`].
    pub(super) fn push_line(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        encode(&mut self.pushed.bytes);
        self.pushed.ends.push(self.pushed.bytes.len());
    }

    /// Writes the queued lines. After a failure the journal ends with the last line that was
    /// written whole.
    pub fn flush(&mut self) -> Result<(), FlushError> {
        let mut pushed = std::mem::take(&mut self.pushed);
        let mut written = 0;
        while let Some((lines, bytes)) = pushed.from(written, self.unsynced_room()) {
            if let Err((whole_lines, source)) = self.write(bytes) {
                return Err(FlushError {
                    written: written + whole_lines,
                    source,
                });
            }
            written += lines;
        }
        pushed.bytes.clear();
        pushed.ends.clear();
        self.pushed = pushed;
        Ok(())
    }

    /// Returns the number of bytes that may be written before the next sync.
    fn unsynced_room(&self) -> u64 {
        match self.marking {
            Marking::Never => u64::MAX,
            Marking::Due | Marking::Done => UNSYNCED_BYTES_MAX - MARK_BYTES_MAX,
        }
    }

    /// Writes lines that fit between two syncs, after a sync and a mark if they are due.
    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, WriteError)> {
        let unsynced = self.good_bytes.saturating_sub(self.synced_bytes);
        if unsynced > 0 && unsynced.saturating_add(length(lines)) > self.unsynced_room() {
            self.make_durable().map_err(|error| (0, error))?;
        }
        self.mark().map_err(|error| (0, error))?;
        self.append(lines)
    }

    /// Marks the last sync, if that is due.
    fn mark(&mut self) -> Result<(), WriteError> {
        if self.marking != Marking::Due {
            return Ok(());
        }
        let mut line = Vec::new();
        Fact::Synced {
            bytes: self.synced_bytes,
        }
        .encode(&mut line);
        self.append(&line).map_err(|(_, error)| error)?;
        self.marking = Marking::Done;
        Ok(())
    }

    /// Appends whole lines. After a failure the lines that reached the file whole stay, and their
    /// number is returned.
    fn append(&mut self, lines: &[u8]) -> Result<(), (usize, WriteError)> {
        if self.durability == Durability::Lost {
            return Err((
                0,
                WriteError::Write(io::Error::other("an earlier write or sync failed")),
            ));
        }
        match self.append_all(lines) {
            Ok(()) => {
                self.good_bytes += length(lines);
                self.lines +=
                    u64::try_from(memchr::memchr_iter(b'\n', lines).count()).unwrap_or(u64::MAX);
                self.durability = Durability::Dirty;
                Ok(())
            }
            Err((appended, error)) => {
                let whole_lines = self.cut_back(lines.get(..appended).unwrap_or(lines));
                self.durability = Durability::Lost;
                Err((whole_lines, WriteError::Write(error)))
            }
        }
    }

    fn append_all(&mut self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut appended = 0;
        while let Some(rest) = bytes.get(appended..).filter(|rest| !rest.is_empty()) {
            match self.disk.append(rest) {
                Ok(0) => return Err((appended, io::ErrorKind::WriteZero.into())),
                Ok(n) => appended += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((appended, error)),
            }
        }
        Ok(())
    }

    /// Cuts the journal back to its last whole line after a failed write that accepted only
    /// `appended`. Returns how many of those lines are whole in the file.
    fn cut_back(&mut self, appended: &[u8]) -> usize {
        // The file's real size counts. If it cannot be read or cut, the reader finds the torn line
        // by its checksum.
        let Ok(bytes) = self.disk.bytes() else {
            return 0;
        };
        let reached = usize::try_from(bytes.saturating_sub(self.good_bytes)).unwrap_or(usize::MAX);
        let reached = appended.get(..reached).unwrap_or(appended);
        let whole = memchr::memrchr(b'\n', reached)
            .and_then(|last| reached.get(..=last))
            .unwrap_or_default();
        self.good_bytes += length(whole);
        // The cut must not extend a file that another program has cut already.
        if bytes > self.good_bytes {
            self.disk.cut(self.good_bytes).ok();
        }
        // The write's failure is reported; this sync only saves what it can.
        self.disk.sync().ok();
        memchr::memchr_iter(b'\n', whole).count()
    }

    /// Makes the written lines survive a power cut, and checks that the file is still in its place.
    pub fn sync(&mut self) -> Result<(), WriteError> {
        if let Some(change) = self
            .disk
            .external_change(self.good_bytes)
            .map_err(WriteError::Sync)?
        {
            self.durability = Durability::Lost;
            let lines = self.lines.saturating_sub(self.seen.0);
            let since = self.seen.1.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
            return Err(WriteError::Lost {
                file: self.disk.display_path(),
                change,
                lines,
                since,
            });
        }
        self.make_durable()?;
        self.seen = (self.lines, Timestamp::now());
        Ok(())
    }

    /// Whether the journal's name is gone or belongs to another file, so that the next process does
    /// not find what this one wrote.
    pub fn is_lost(&self) -> bool {
        matches!(
            self.disk.external_change(self.good_bytes),
            Ok(Some(ExternalChange::Deleted | ExternalChange::Replaced))
        )
    }

    /// Ends this process's part of the journal: syncs it and marks the sync.
    pub fn close(&mut self) -> Result<(), WriteError> {
        self.sync()?;
        self.mark()?;
        self.sync()
    }

    fn make_durable(&mut self) -> Result<(), WriteError> {
        match self.durability {
            Durability::Synced => Ok(()),
            Durability::Lost => Err(WriteError::Sync(io::Error::other(
                "an earlier write or sync failed",
            ))),
            Durability::Dirty => match self.disk.sync() {
                Ok(()) => {
                    self.durability = Durability::Synced;
                    self.synced_bytes = self.good_bytes;
                    self.marking = match self.marking {
                        Marking::Never => Marking::Never,
                        Marking::Due | Marking::Done => Marking::Due,
                    };
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

impl Pushed {
    /// Returns the lines behind the first `written` ones that fit into this many bytes, at least
    /// one, and their number.
    fn from(&self, written: usize, bytes_max: u64) -> Option<(usize, &[u8])> {
        let start = written
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .copied()
            .unwrap_or(0);
        let ends = self.ends.get(written..).filter(|ends| !ends.is_empty())?;
        let bytes_max = usize::try_from(bytes_max).unwrap_or(usize::MAX);
        let lines = ends.partition_point(|end| end - start <= bytes_max).max(1);
        let end = ends.get(lines - 1)?;
        Some((lines, self.bytes.get(start..*end)?))
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
