//! The changes of an edit by customer, and how they are laid over the entries.

use std::collections::BTreeMap;
use std::fs;
use std::iter::Peekable;
use std::sync::Arc;

use redb::{Database, ReadableTable as _, TableDefinition, WriteTransaction};

use super::disk::{FileOnDisk, PagesOnDisk};
use super::entry::Value;
use super::error::{Shown, StateError};
use super::lock::StateLock;
use super::new_file::create_private;
use super::pages::builder;

/// The changes by customer's id: a kind and a value.
const CHANGES: TableDefinition<u64, (u8, u64)> = TableDefinition::new("changes");
const PUT: u8 = 0;
const ABSENT: u8 = 1;
const PRESENT: u8 = 2;

/// The number of changes that are kept in memory, about 5 MiB.
const CHANGES_IN_MEMORY_MAX: usize = 1 << 17;
/// The cache of the file of changes.
const CACHE_BYTES: usize = 8 << 20;

/// A change of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It becomes this, and is added if it is not there.
    Put(Value),
    /// It becomes absent, if it is there.
    Absent,
    /// It is not absent any more, if it is there.
    Present,
}

impl Change {
    /// Returns the entry's value after the change; `None` if there is no entry.
    fn applied(self, value: Option<Value>) -> Option<Value> {
        match self {
            Change::Put(new) => Some(new),
            Change::Absent => value.map(Value::absent),
            Change::Present => value.map(Value::present),
        }
    }

    /// Returns the change that does as much as an earlier one and this one after it.
    fn after(self, earlier: Option<Change>) -> Change {
        match (earlier, self) {
            (Some(Change::Put(value)), Change::Absent) => Change::Put(value.absent()),
            (Some(Change::Put(value)), Change::Present) => Change::Put(value.present()),
            (_, change) => change,
        }
    }

    fn to_pair(self) -> (u8, u64) {
        match self {
            Change::Put(value) => (PUT, value.0),
            Change::Absent => (ABSENT, 0),
            Change::Present => (PRESENT, 0),
        }
    }

    fn of_pair((kind, value): (u8, u64)) -> Change {
        match kind {
            ABSENT => Change::Absent,
            PRESENT => Change::Present,
            _ => Change::Put(Value(value)),
        }
    }
}

/// The changes of an edit, of any number and in any order. Those that do not fit into memory are in a
/// file without a name, which ends with the process.
pub(super) struct Changes {
    in_memory: BTreeMap<u64, Change>,
    /// The transaction is never committed: the file is only read through it.
    in_file: WriteTransaction,
    shown: Shown,
    #[expect(dead_code, reason = "a transaction needs its database")]
    pages: Database,
}

impl Changes {
    /// Creates an empty collection, whose file is beside the state.
    pub(super) fn beside(lock: &StateLock) -> Result<Changes, StateError> {
        let shown = lock.shown();
        let path = lock.beside("changes");
        let file = create_private(&path)
            .and_then(|file| fs::remove_file(&path).map(|()| file))
            .map_err(|source| shown.write(source))?;
        let pages = builder(CACHE_BYTES)
            .create_with_backend(PagesOnDisk(Arc::new(FileOnDisk(file))))
            .map_err(|error| shown.writing(error))?;
        Ok(Changes {
            in_memory: BTreeMap::new(),
            in_file: pages.begin_write().map_err(|error| shown.writing(error))?,
            shown,
            pages,
        })
    }

    /// Adds a change, after all that were added before.
    pub(super) fn push(&mut self, id: u64, change: Change) -> Result<(), StateError> {
        let earlier = self.in_memory.get(&id).copied();
        self.in_memory.insert(id, change.after(earlier));
        if self.in_memory.len() < CHANGES_IN_MEMORY_MAX {
            return Ok(());
        }
        self.spill().map_err(|error| self.shown.writing(error))
    }

    /// Moves the changes in memory to the file.
    fn spill(&mut self) -> Result<(), redb::Error> {
        let mut table = self.in_file.open_table(CHANGES)?;
        for (id, change) in std::mem::take(&mut self.in_memory) {
            let earlier = match change {
                Change::Put(_) => None,
                Change::Absent | Change::Present => {
                    table.get(id)?.map(|pair| Change::of_pair(pair.value()))
                }
            };
            table.insert(id, change.after(earlier).to_pair())?;
        }
        Ok(())
    }

    /// Lays the changes over entries with ascending ids, and passes on the resulting entries.
    pub(super) fn over(
        mut self,
        entries: impl Iterator<Item = Result<(u64, Value), StateError>>,
        push: impl FnMut(u64, Value) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        self.spill().map_err(|error| self.shown.writing(error))?;
        let failed = |error: redb::Error| self.shown.reading(error);
        let table = self
            .in_file
            .open_table(CHANGES)
            .map_err(|error| failed(error.into()))?;
        let changes = table.iter().map_err(|error| failed(error.into()))?;
        let changes = changes.map(|change| match change {
            Ok((id, pair)) => Ok((id.value(), Change::of_pair(pair.value()))),
            Err(error) => Err(failed(error.into())),
        });
        overlay(entries, changes, push)
    }
}

/// Lays changes over entries, both with ascending ids.
fn overlay<E>(
    entries: impl Iterator<Item = Result<(u64, Value), E>>,
    changes: impl Iterator<Item = Result<(u64, Change), E>>,
    mut push: impl FnMut(u64, Value) -> Result<(), E>,
) -> Result<(), E> {
    let mut entries = entries.peekable();
    for change in changes {
        let (id, change) = change?;
        while let Some((earlier, value)) = next_if(&mut entries, |other| other < id)? {
            push(earlier, value)?;
        }
        let value = next_if(&mut entries, |other| other == id)?.map(|(_, value)| value);
        if let Some(value) = change.applied(value) {
            push(id, value)?;
        }
    }
    for entry in entries {
        let (id, value) = entry?;
        push(id, value)?;
    }
    Ok(())
}

/// Takes the next entry, if its id is wanted.
fn next_if<E>(
    entries: &mut Peekable<impl Iterator<Item = Result<(u64, Value), E>>>,
    is_wanted: impl Fn(u64) -> bool,
) -> Result<Option<(u64, Value)>, E> {
    entries
        .next_if(|entry| entry.as_ref().map_or(true, |(id, _)| is_wanted(*id)))
        .transpose()
}
