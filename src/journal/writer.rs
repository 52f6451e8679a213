//! Appends to the journal: whole lines, durable when it says so.
//!
//! Two rules tell a reader how far a power cut can have damaged a journal, without a clock. At most [`UNSYNCED_BYTES_MAX`] are
//! written without a sync. And the first line after a sync is a mark, [`Fact::Synced`], so what stands before a mark was durable.

use std::fs::File;
use std::io;

use jiff::Timestamp;

use super::disk::{Disk, ExternalChange, JournalOnDisk};
use super::entry::Entry;
use super::fact::Fact;
use super::header::{Header, Purpose};
use super::run_dir::RunDir;

/// How much is written without a sync. About 4,000 entries; a run that writes fewer than that a second never has to wait for it.
pub(super) const UNSYNCED_BYTES_MAX: u64 = 1 << 20;

/// Appends to the journal. There is one writer, and it owns the lock.
#[derive(Debug)]
pub struct JournalWriter {
    disk: Box<dyn Disk>,
    pushed: Pushed,
    /// How far the journal holds whole lines.
    good_bytes: u64,
    /// How far it outlasts a power cut.
    synced_bytes: u64,
    durability: Durability,
    marking: Marking,
    /// Lines that were written when the journal was last seen to be in its place, and when that was.
    seen: (u64, Timestamp),
    /// Lines that this process has written.
    lines: u64,
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct Pushed {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Durability {
    Synced,
    Dirty,
    /// Writing or syncing failed: the kernel may have dropped what it held, so no later sync proves anything.
    Lost,
}

/// Whether syncs are marked in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marking {
    /// They are not: the journal of a check is never continued, so it is synced at its end alone.
    Never,
    /// The next line is a mark.
    Due,
    /// The last sync is marked, or there was none.
    Done,
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
    /// Somebody else has changed the file.
    #[error(
        "{file} was {} during the run: the {lines} lines written since {since} may be lost{}; nothing more is sent",
        .change.name(), .change.advice()
    )]
    Lost {
        /// The file's name.
        file: String,
        /// What happened to it.
        change: ExternalChange,
        /// Lines that were written since it was last seen to be in its place.
        lines: u64,
        /// When that was, to the second.
        since: String,
    },
}

/// A flush that failed.
#[derive(Debug)]
pub struct FlushError {
    /// How many of the lines that were pushed since the last flush are in the journal all the same: so many of the first.
    pub written: usize,
    /// Why not all.
    pub source: WriteError,
}

impl JournalWriter {
    /// Begins a new journal. Its header is durable, and the directory knows the file, before anything is sent.
    pub fn begin(
        file: File,
        header: &Header,
        run_dir: &RunDir,
    ) -> Result<JournalWriter, WriteError> {
        JournalWriter::begin_on(Box::new(JournalOnDisk::of(file, run_dir)), header)
    }

    pub(super) fn begin_on(
        disk: Box<dyn Disk>,
        header: &Header,
    ) -> Result<JournalWriter, WriteError> {
        let marking = match header.purpose {
            Purpose::Run => Marking::Done,
            Purpose::Check => Marking::Never,
        };
        let mut writer = JournalWriter::of(disk, 0, marking);
        let mut line = Vec::new();
        header.encode(&mut line);
        writer.append(&line).map_err(|(_, error)| error)?;
        writer.sync()?;
        writer.disk.sync_directory().map_err(WriteError::Sync)?;
        Ok(writer)
    }

    /// Goes on with a journal that holds this many good bytes. Nobody knows whether the process that wrote them has synced them.
    pub(super) fn resume(file: File, good_bytes: u64, run_dir: &RunDir) -> JournalWriter {
        JournalWriter::resume_on(Box::new(JournalOnDisk::of(file, run_dir)), good_bytes)
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

    /// Goes on with a run, before anything is sent: makes durable what earlier processes wrote, and proves by this fact, which is
    /// durable, too, that more can be written.
    pub fn go_on(&mut self, fact: &Fact) -> Result<(), WriteError> {
        self.sync()?;
        self.disk.sync_directory().map_err(WriteError::Sync)?;
        self.push_fact(fact);
        self.flush().map_err(|error| error.source)?;
        self.sync()
    }

    /// Adds an entry to what [`JournalWriter::flush`] writes.
    pub fn push(&mut self, entry: &Entry<'_>) {
        entry.encode(&mut self.pushed.bytes);
        self.pushed.ends.push(self.pushed.bytes.len());
    }

    /// Adds a fact to what [`JournalWriter::flush`] writes.
    pub fn push_fact(&mut self, fact: &Fact) {
        fact.encode(&mut self.pushed.bytes);
        self.pushed.ends.push(self.pushed.bytes.len());
    }

    /// Writes what was pushed. On failure the lines that were written whole stay, and the journal ends with the last of them.
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

    /// How much may be written before the next sync.
    fn unsynced_room(&self) -> u64 {
        match self.marking {
            Marking::Never => u64::MAX,
            Marking::Due | Marking::Done => UNSYNCED_BYTES_MAX,
        }
    }

    /// Writes lines that fit between two syncs, behind a sync and a mark where it is time for them.
    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, WriteError)> {
        let unsynced = self.good_bytes.saturating_sub(self.synced_bytes);
        if unsynced > 0 && unsynced.saturating_add(length(lines)) > self.unsynced_room() {
            self.make_durable().map_err(|error| (0, error))?;
        }
        self.mark().map_err(|error| (0, error))?;
        self.append(lines)
    }

    /// Marks the last sync, where that is due.
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

    /// Appends whole lines. On failure those that reached the file whole stay, and their number is returned.
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

    /// Ends the journal with its last whole line, after a write of which only this was accepted. Returns how many of its lines are
    /// whole in the file.
    fn cut_back(&mut self, appended: &[u8]) -> usize {
        // What the file really holds counts. Where it cannot be asked or cut, the reader finds the torn line by its checksum.
        let Ok(bytes) = self.disk.bytes() else {
            return 0;
        };
        let reached = usize::try_from(bytes.saturating_sub(self.good_bytes)).unwrap_or(usize::MAX);
        let reached = appended.get(..reached).unwrap_or(appended);
        let whole = memchr::memrchr(b'\n', reached)
            .and_then(|last| reached.get(..=last))
            .unwrap_or_default();
        self.good_bytes += length(whole);
        // A cut must never make the file longer, which it would where somebody else has cut it already.
        if bytes > self.good_bytes {
            self.disk.cut(self.good_bytes).ok();
        }
        // The failure is what has to be said; this sync only saves what it can.
        self.disk.sync().ok();
        memchr::memchr_iter(b'\n', whole).count()
    }

    /// Makes what was written outlast a power cut, and sees to it that the file is still the one that its name is of.
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
                file: self.disk.shown(),
                change,
                lines,
                since,
            });
        }
        self.make_durable()?;
        self.seen = (self.lines, Timestamp::now());
        Ok(())
    }

    /// Ends this process's part of the journal: all of it is durable, and says so.
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
    /// The lines behind the first `written` ones that take at most so many bytes, at least one, and their number.
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
