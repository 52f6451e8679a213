//! Marks of customers, written into the file of the state itself.

use std::mem;

use redb::WriteTransaction;

use super::entry::{Figures, Value};
use super::error::StateError;
use super::first_block::FirstBlock;
use super::pages::{self, ENTRIES, Pages, RECORD};
use super::record::{Night, Record};
use super::store::State;

impl State {
    /// Marks customers as unknown for a run, in the file itself, and adds those who are not there.
    /// The marks are durable when it returns. Until the state is closed or edited, the file says
    /// that it is being written.
    pub fn mark_at_once(&mut self, night: &Night, ids: &[u64]) -> Result<(), StateError> {
        self.lock.refuse_reader()?;
        self.begin_writing()?;
        let Pages::Writing(pages) = &self.pages else {
            return Err(self.shown.writing(redb::Error::DatabaseClosed));
        };
        let mut record = self.record.clone();
        record.touch();
        record.night = Some(night.clone());
        record.marking += 1;
        let transaction = pages
            .begin_write()
            .map_err(|error| self.shown.writing(error))?;
        mark(&transaction, &mut record, ids).map_err(|error| self.shown.writing(error))?;
        transaction
            .commit()
            .map_err(|error| self.shown.writing(error))?;
        // After a kill, a file without this marking is damaged.
        FirstBlock::BeingWritten {
            marking: record.marking,
        }
        .write(self.disk.as_ref())
        .map_err(|source| self.shown.write(source))?;
        self.tell(record)
    }

    /// Opens the database for writing, unless it is. The file says so before it changes.
    fn begin_writing(&mut self) -> Result<(), StateError> {
        if matches!(self.pages, Pages::Writing(_)) {
            return Ok(());
        }
        drop(mem::replace(&mut self.pages, Pages::Closed));
        FirstBlock::BeingWritten {
            marking: self.record.marking,
        }
        .write(self.disk.as_ref())
        .map_err(|source| self.shown.write(source))?;
        self.pages = Pages::Writing(pages::open_to_write(&self.disk, &self.shown)?);
        Ok(())
    }
}

/// Writes marks and the record that counts them.
fn mark(
    transaction: &WriteTransaction,
    record: &mut Record,
    ids: &[u64],
) -> Result<(), redb::Error> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let figures: &mut Figures = &mut record.figures;
    let mut table = transaction.open_table(ENTRIES)?;
    for id in ids {
        if let Some(old) = table.insert(id, Value::UNKNOWN.0)? {
            figures.remove(id, Value(old.value()));
        }
        figures.add(id, Value::UNKNOWN);
    }
    let mut table = transaction.open_table(RECORD)?;
    table.insert((), record.to_json().as_str())?;
    Ok(())
}
