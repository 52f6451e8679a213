//! An edit of a state: changes of any number, which take effect together.

use redb::ReadableTable as _;

use super::changes::{Change, Changes};
use super::entry::{Known, Value};
use super::error::StateError;
use super::new_file;
use super::pages::ENTRIES;
use super::record::{Night, Record, ResyncTurn};
use super::store::State;

/// An edit. Nothing changes unless it is committed.
pub struct StateEdit<'a> {
    state: &'a mut State,
    changes: Changes,
    record: Record,
}

impl State {
    /// Begins an edit.
    pub fn edit(&mut self) -> Result<StateEdit<'_>, StateError> {
        self.lock.refuse_reader()?;
        self.close_pages()?;
        self.reopen()?;
        let mut record = self.record.clone();
        record.touch();
        Ok(StateEdit {
            changes: Changes::beside(&self.lock)?,
            record,
            state: self,
        })
    }
}

impl StateEdit<'_> {
    /// Sets what is known of customers, who are then not absent, and adds those who are not there.
    /// A later call counts before an earlier one.
    pub fn set(&mut self, entries: &[(u64, Known)]) -> Result<(), StateError> {
        for (id, known) in entries {
            self.changes.push(*id, Change::Put(Value::of(*known)))?;
        }
        Ok(())
    }

    /// Marks customers as absent. Those who are not there are not added.
    pub fn set_absent(&mut self, ids: &[u64]) -> Result<(), StateError> {
        for id in ids {
            self.changes.push(*id, Change::Absent)?;
        }
        Ok(())
    }

    /// Takes the mark of absent customers from customers who have a row again.
    pub fn set_present(&mut self, ids: &[u64]) -> Result<(), StateError> {
        for id in ids {
            self.changes.push(*id, Change::Present)?;
        }
        Ok(())
    }

    /// Sets the last night.
    pub fn set_night(&mut self, night: Night) {
        self.record.night = Some(night);
    }

    /// Sets the part that the next `--resync-part` sends.
    pub fn set_resync(&mut self, resync: ResyncTurn) {
        self.record.resync = Some(resync);
    }

    /// Sets whether the API keeps the fields that an update leaves out.
    pub fn set_left_out_is_kept(&mut self, is_kept: bool) {
        self.record.left_out_is_kept = Some(is_kept);
    }

    /// Makes the edit take effect. It is durable when this returns; after an error, the state is as
    /// it was, or edited as a whole.
    pub fn commit(self) -> Result<(), StateError> {
        let StateEdit {
            state,
            changes,
            record,
        } = self;
        let shown = &state.shown;
        let transaction = state.pages.begin_read(shown)?;
        let table = transaction
            .open_table(ENTRIES)
            .map_err(|error| shown.reading(error))?;
        let entries = table.iter().map_err(|error| shown.reading(error))?;
        let entries = entries.map(|entry| match entry {
            Ok((id, value)) => Ok((id.value(), Value(value.value()))),
            Err(error) => Err(shown.reading(error)),
        });
        let replaced = new_file::replace(&state.lock, record, |push| changes.over(entries, push));
        drop((table, transaction));
        // After an error, too, it is not certain which file has the name.
        let reopened = state.reopen();
        replaced.and(reopened)
    }
}
