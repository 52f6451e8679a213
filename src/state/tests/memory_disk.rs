//! A disk in memory, which can be damaged without waiting for a real one, and which remembers what
//! was written.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::disk::Disk;
use super::super::entry::Value;
use super::super::error::{Shown, StateError};
use super::super::lock::Access;
use super::super::pages::{Pages, read_record, visit_entries};
use super::super::record::Record;
use super::super::store::refuse_flaws;

/// An operation that changes the disk.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Write(u64, Vec<u8>),
    SetBytes(u64),
    Sync,
}

/// A disk in memory.
#[derive(Debug, Default)]
pub(super) struct MemoryDisk {
    content: Mutex<Vec<u8>>,
    operations: Mutex<Vec<Operation>>,
}

impl MemoryDisk {
    pub(super) fn of(content: &[u8]) -> Arc<MemoryDisk> {
        Arc::new(MemoryDisk {
            content: Mutex::new(content.to_vec()),
            operations: Mutex::default(),
        })
    }

    pub(super) fn operations(&self) -> Vec<Operation> {
        locked(&self.operations).clone()
    }

    fn remember(&self, operation: Operation) {
        locked(&self.operations).push(operation);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place(at: u64) -> usize {
    usize::try_from(at).expect("a small file")
}

/// Applies an operation to the content of a disk.
pub(super) fn apply(operation: &Operation, content: &mut Vec<u8>) {
    match operation {
        Operation::Write(at, bytes) => {
            let end = place(*at) + bytes.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[place(*at)..end].copy_from_slice(bytes);
        }
        Operation::SetBytes(bytes) => content.resize(place(*bytes), 0),
        Operation::Sync => {}
    }
}

impl Disk for MemoryDisk {
    fn bytes(&self) -> io::Result<u64> {
        Ok(locked(&self.content).len() as u64)
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let content = locked(&self.content);
        let end = place(at).checked_add(out.len());
        let part = end.and_then(|end| content.get(place(at)..end));
        out.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let operation = Operation::Write(at, bytes.to_vec());
        apply(&operation, &mut locked(&self.content));
        self.remember(operation);
        Ok(())
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        let operation = Operation::SetBytes(bytes);
        apply(&operation, &mut locked(&self.content));
        self.remember(operation);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.remember(Operation::Sync);
        Ok(())
    }
}

/// All that a state holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) record: Record,
    pub(super) entries: Vec<(u64, Value)>,
}

/// Opens a file of this content as a process that may write does, and reads all of it.
pub(super) fn opened(content: &[u8]) -> Result<Content, StateError> {
    let disk: Arc<dyn Disk> = MemoryDisk::of(content);
    let shown = Shown("nightly.state".to_owned());
    refuse_flaws(&disk, Access::Write, &shown)?;
    let pages = Pages::to_read(&disk, &shown)?;
    let transaction = pages.begin_read(&shown)?;
    let (record, _) = read_record(&transaction, &shown)?;
    let mut entries = Vec::new();
    visit_entries(&transaction, &shown, |id, value| entries.push((id, value)))?;
    Ok(Content { record, entries })
}
