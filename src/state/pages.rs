//! The redb database in a state's file: its tables, and how they are opened and read.

use std::sync::Arc;

use redb::{
    Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _,
    ReadableTable as _, TableDefinition,
};

use crate::journal::RunKey;

use super::disk::{Disk, PagesOnDisk};
use super::entry::{Figures, Value};
use super::error::{Shown, StateError};
use super::record::Record;

/// The values of the entries by customer's id.
pub(super) const ENTRIES: TableDefinition<u64, u64> = TableDefinition::new("entries");
/// The one record, as JSON.
pub(super) const RECORD: TableDefinition<(), &str> = TableDefinition::new("record");

/// The cache in which ids are looked up.
const CACHE_BYTES: usize = 16 << 20;

/// The database of a state that is open.
pub(super) enum Pages {
    /// It is only read.
    Reading(ReadOnlyDatabase),
    /// Customers are marked in it.
    Writing(Database),
    /// It was closed.
    Closed,
}

impl Pages {
    /// Opens the database of a file that is closed and whole.
    pub(super) fn to_read(disk: &Arc<dyn Disk>, shown: &Shown) -> Result<Pages, StateError> {
        let pages = builder(CACHE_BYTES)
            .open_read_only_with_backend(PagesOnDisk(Arc::clone(disk)))
            .map_err(|error| shown.reading(error))?;
        Ok(Pages::Reading(pages))
    }

    /// Begins to read. What it returns must not outlive the call that needs it.
    pub(super) fn begin_read(&self, shown: &Shown) -> Result<ReadTransaction, StateError> {
        let transaction = match self {
            Pages::Reading(pages) => pages.begin_read(),
            Pages::Writing(pages) => pages.begin_read(),
            Pages::Closed => return Err(shown.reading(redb::Error::DatabaseClosed)),
        };
        transaction.map_err(|error| shown.reading(error))
    }
}

/// Returns a builder of databases with a cache of this size.
pub(super) fn builder(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_bytes);
    builder
}

/// Opens the database of a file to mark customers in it.
pub(super) fn open_to_write(disk: &Arc<dyn Disk>, shown: &Shown) -> Result<Database, StateError> {
    builder(CACHE_BYTES)
        .create_with_backend(PagesOnDisk(Arc::clone(disk)))
        .map_err(|error| shown.writing(error))
}

/// Opens the database of a file that was left in the middle of its writing. redb goes back to the
/// last commit that is whole, and checks each page.
pub(super) fn open_to_repair(disk: &Arc<dyn Disk>, shown: &Shown) -> Result<Database, StateError> {
    builder(CACHE_BYTES)
        .set_check_integrity_on_open(true)
        .create_with_backend(PagesOnDisk(Arc::clone(disk)))
        .map_err(|error| shown.reading(error))
}

/// Reads the record.
pub(super) fn read_record(
    transaction: &ReadTransaction,
    shown: &Shown,
) -> Result<(Record, RunKey), StateError> {
    let table = transaction
        .open_table(RECORD)
        .map_err(|error| shown.reading(error))?;
    let json = table
        .get(())
        .map_err(|error| shown.reading(error))?
        .ok_or_else(|| shown.damaged("it has no record"))?;
    Record::parse(json.value(), shown)
}

/// Visits all entries with ascending ids.
pub(super) fn visit_entries(
    transaction: &ReadTransaction,
    shown: &Shown,
    mut visit: impl FnMut(u64, Value),
) -> Result<(), StateError> {
    let table = transaction
        .open_table(ENTRIES)
        .map_err(|error| shown.reading(error))?;
    for entry in table.iter().map_err(|error| shown.reading(error))? {
        let (id, value) = entry.map_err(|error| shown.reading(error))?;
        visit(id.value(), Value(value.value()));
    }
    Ok(())
}

/// Counts all entries and compares them with the record, which it returns.
pub(super) fn counted_record(
    transaction: &ReadTransaction,
    shown: &Shown,
) -> Result<Record, StateError> {
    let (record, _) = read_record(transaction, shown)?;
    let mut figures = Figures::default();
    visit_entries(transaction, shown, |id, value| figures.add(id, value))?;
    if figures == record.figures {
        Ok(record)
    } else {
        Err(shown.damaged("its entries are not those that were counted"))
    }
}
