//! A state that is open.

use std::fs::{self, OpenOptions};
use std::io;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use redb::ReadableDatabase as _;

use crate::journal::{RunKey, open_regular};

use super::disk::{Disk, FIRST_BLOCK_BYTES, FileOnDisk};
use super::entry::{StateEntry, Value};
use super::error::{Shown, StateError};
use super::first_block::{FirstBlock, Flaw};
use super::lock::{Access, StateLock};
use super::new_file;
use super::pages::{self, ENTRIES, Pages};
use super::record::{Record, StateIdentity, StateInfo};

/// The state of nightly runs: the request that the API last acknowledged, for each customer.
pub struct State {
    pub(super) lock: StateLock,
    pub(super) shown: Shown,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) pages: Pages,
    pub(super) record: Record,
    key: RunKey,
    info: StateInfo,
}

impl State {
    /// Opens the state of this identity; `None` if there is no file.
    pub fn open(lock: StateLock, identity: &StateIdentity) -> Result<Option<State>, StateError> {
        let state = State::open_any(lock)?;
        if let Some(state) = &state {
            state.record.refuse_other(identity, &state.shown)?;
        }
        Ok(state)
    }

    /// Opens the state of any identity; `None` if there is no file.
    pub fn open_any(lock: StateLock) -> Result<Option<State>, StateError> {
        let Some(disk) = open_file(&lock)? else {
            return Ok(None);
        };
        let shown = lock.shown();
        refuse_flaws(&disk, lock.access(), &shown)?;
        let pages = Pages::to_read(&disk, &shown)?;
        let (record, key) = pages::read_record(&pages.begin_read(&shown)?, &shown)?;
        let bytes = disk.bytes().map_err(|source| shown.read(source))?;
        Ok(Some(State {
            info: record.info(bytes),
            lock,
            shown,
            disk,
            pages,
            record,
            key,
        }))
    }

    /// Begins an empty state, whose requests are hashed with this key. It is an error if there is a
    /// file.
    pub fn create(
        lock: StateLock,
        identity: &StateIdentity,
        key: RunKey,
    ) -> Result<State, StateError> {
        let shown = lock.shown();
        if fs::symlink_metadata(lock.path()).is_ok() {
            return Err(StateError::Exists { file: shown.0 });
        }
        let record = Record::beginning(identity.clone(), key);
        new_file::replace(&lock, record, |_| Ok(()))?;
        State::open(lock, identity)?.ok_or_else(|| shown.read(io::ErrorKind::NotFound.into()))
    }

    /// Returns the key that requests are hashed with.
    pub fn key(&self) -> RunKey {
        self.key
    }

    /// Returns what the state tells about itself.
    pub fn info(&self) -> &StateInfo {
        &self.info
    }

    /// Looks customers up, in any order and number. The result has the order of the ids.
    pub fn look_up(&self, ids: &[u64]) -> Result<Vec<Option<StateEntry>>, StateError> {
        let transaction = self.pages.begin_read(&self.shown)?;
        let table = transaction
            .open_table(ENTRIES)
            .map_err(|error| self.shown.reading(error))?;
        let mut sorted: Vec<_> = ids.iter().copied().zip(0_usize..).collect();
        sorted.sort_unstable();
        let mut found = vec![None; ids.len()];
        for (id, place) in sorted {
            let value = table.get(id).map_err(|error| self.shown.reading(error))?;
            if let Some(entry) = found.get_mut(place) {
                *entry = value.map(|value| Value(value.value()).entry());
            }
        }
        Ok(found)
    }

    /// Visits all customers with ascending ids.
    pub fn for_each(&self, mut visit: impl FnMut(u64, StateEntry)) -> Result<(), StateError> {
        let transaction = self.pages.begin_read(&self.shown)?;
        pages::visit_entries(&transaction, &self.shown, |id, value| {
            visit(id, value.entry());
        })
    }

    /// Closes the state. Dropping it does the same, but returns no error; the next process then
    /// repairs the file.
    pub fn close(mut self) -> Result<(), StateError> {
        self.close_pages()
    }

    /// Closes the database. A file in which customers were marked gets its checksum.
    pub(crate) fn close_pages(&mut self) -> Result<(), StateError> {
        match mem::replace(&mut self.pages, Pages::Closed) {
            Pages::Reading(_) | Pages::Closed => Ok(()),
            Pages::Writing(pages) => {
                pages.close().map_err(|error| self.shown.writing(error))?;
                FirstBlock::closing(self.disk.as_ref())
                    .and_then(|block| block.write(self.disk.as_ref()))
                    .map_err(|source| self.shown.write(source))
            }
        }
    }

    /// Opens the state's file again, after it was replaced.
    pub(super) fn reopen(&mut self) -> Result<(), StateError> {
        let gone = || self.shown.read(io::ErrorKind::NotFound.into());
        self.disk = open_file(&self.lock)?.ok_or_else(gone)?;
        self.pages = Pages::to_read(&self.disk, &self.shown)?;
        let transaction = self.pages.begin_read(&self.shown)?;
        let (record, _) = pages::read_record(&transaction, &self.shown)?;
        self.tell(record)
    }

    /// Takes over a record that was written.
    pub(super) fn tell(&mut self, record: Record) -> Result<(), StateError> {
        let bytes = self.disk.bytes();
        self.info = record.info(bytes.map_err(|source| self.shown.read(source))?);
        self.record = record;
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // The file says that it is not closed, so the next process repairs it.
        self.close_pages().ok();
    }
}

/// Opens the file of a state, if it exists. Anything but a regular file is refused before it is
/// opened, since opening a pipe or a device may wait or have effects.
fn open_file(lock: &StateLock) -> Result<Option<Arc<dyn Disk>>, StateError> {
    let shown = lock.shown();
    match fs::metadata(lock.path()) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(StateError::NotAFile { file: shown.0 }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(shown.read(source)),
    }
    let mut options = OpenOptions::new();
    options.read(true).write(lock.access() == Access::Write);
    let file = open_regular(&mut options, lock.path()).map_err(|source| shown.read(source))?;
    Ok(Some(Arc::new(FileOnDisk(file))))
}

/// Returns an error if a file is not whole. A file that was left in the middle of its writing is
/// repaired first.
pub(super) fn refuse_flaws(
    disk: &Arc<dyn Disk>,
    access: Access,
    shown: &Shown,
) -> Result<(), StateError> {
    let read_error = |source| shown.read(source);
    let flaw = match FirstBlock::read(disk.as_ref()).map_err(read_error)? {
        Err(flaw) => Some(flaw),
        Ok(FirstBlock::BeingWritten { .. }) if access == Access::Read => {
            return Err(StateError::Unrepaired {
                file: shown.0.clone(),
            });
        }
        Ok(FirstBlock::BeingWritten { marking }) => return repair(disk, marking, shown),
        Ok(block) => block.flaw_of_content(disk.as_ref()).map_err(read_error)?,
    };
    let file = shown.0.clone();
    match flaw {
        None => Ok(()),
        Some(Flaw::NotAState) => Err(StateError::NotAState { file }),
        Some(Flaw::OtherFormat(format)) => Err(StateError::OtherFormat { file, format }),
        Some(Flaw::Damaged(reason)) => Err(shown.damaged(reason)),
    }
}

/// Repairs a file that was left in the middle of its writing, and closes it. It must hold at least
/// the marking of this number, and all entries that it counts. Nothing but these proves that the
/// file is whole, so a panic of the library is damage, too.
fn repair(disk: &Arc<dyn Disk>, marking: u64, shown: &Shown) -> Result<(), StateError> {
    let bytes = disk.bytes().map_err(|source| shown.read(source))?;
    // An empty database would be made of no pages at all.
    if bytes <= FIRST_BLOCK_BYTES {
        return Err(shown.damaged("it is cut short"));
    }
    let checked = || {
        let pages = pages::open_to_repair(disk, shown)?;
        let transaction = pages.begin_read().map_err(|error| shown.reading(error))?;
        let record = pages::counted_record(&transaction, shown)?;
        drop(transaction);
        if record.marking < marking {
            return Err(shown.damaged("its last marking is lost"));
        }
        pages.close().map_err(|error| shown.writing(error))
    };
    panic::catch_unwind(AssertUnwindSafe(checked))
        .unwrap_or_else(|_| Err(shown.damaged("its pages cannot be read")))?;
    FirstBlock::closing(disk.as_ref())
        .and_then(|block| block.write(disk.as_ref()))
        .map_err(|source| shown.write(source))
}
