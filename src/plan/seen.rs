//! The customers of a plan, as the preview saw them: for each the hashes of the values that it may
//! have when a row is sent.
//!
//! redb holds them, by the rules of [`state`](crate::state): they are written with ascending ids in
//! one commit, and no reader is open meanwhile.

use std::fmt;
use std::fs::OpenOptions;
use std::sync::Arc;

use redb::{
    Builder, ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _, TableDefinition, TableError,
};

use super::SEEN_NAME;
use super::accepted::{AcceptedValues, CountryDoubt, CountryNamesNow, ValueHasher};
use super::customer_file::{CustomerFile, FileState};
use super::error::PlanError;
use crate::contract::{Countries, CustomerId, FieldSet, Image, SentFields};
use crate::external_sort::Sorter;
use crate::journal::{RunDir, RunKey, open_regular};

/// The accepted values by customer's id, see [`AcceptedValues::encode`].
const CUSTOMERS: TableDefinition<u64, &[u8]> = TableDefinition::new("customers");
/// The one hash that proves the key.
const KEY: TableDefinition<(), &str> = TableDefinition::new("key");
/// The cache while the file is written. Entries come with ascending ids.
const WRITE_CACHE_BYTES: usize = 2 << 20;
/// The cache in which customers are looked up.
const READ_CACHE_BYTES: usize = 8 << 20;

/// Writes the customers of a plan. Unless it is finished, the plan has no customers.
pub struct SeenWriter {
    run_dir: RunDir,
    key: RunKey,
    sorter: Sorter,
    /// The number of the next customer who is added.
    number: u64,
    /// The bytes of an entry, while they are put together.
    entry: Vec<u8>,
}

/// The customers of a plan.
pub struct Seen {
    run_dir: RunDir,
    key: RunKey,
    pages: ReadOnlyDatabase,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen")
    }
}

impl SeenWriter {
    /// Begins the customers of a plan. Its requests are begun first, which removes an earlier plan.
    pub fn create(run_dir: &RunDir, key: RunKey) -> Result<SeenWriter, PlanError> {
        let sorter = Sorter::create(run_dir.path());
        Ok(SeenWriter {
            run_dir: run_dir.clone(),
            key,
            sorter: sorter.map_err(|source| PlanError::write(run_dir, SEEN_NAME, source))?,
            number: 0,
            entry: Vec::new(),
        })
    }

    /// Adds a customer who was read, and the rows of the plan that are sent for it. Customers may
    /// come in any order.
    pub(crate) fn add<'s, 'b: 's>(
        &mut self,
        customer: CustomerId,
        image: &Image,
        rows: impl IntoIterator<Item = &'s SentFields<'b>>,
    ) -> Result<(), PlanError> {
        let mut hasher = ValueHasher::new(self.key, customer);
        self.entry.clear();
        AcceptedValues::of(&mut hasher, image, rows).encode(&mut self.entry);
        let added = self.sorter.add((customer.get(), self.number), &self.entry);
        self.number += 1;
        added.map_err(|source| PlanError::write(&self.run_dir, SEEN_NAME, source))
    }

    /// Adds a customer as [`SeenWriter::add`] does: from the body of the answer that shows it, and
    /// the bodies of the requests. Returns whether the answer shows this customer.
    pub fn add_answer(
        &mut self,
        customer: CustomerId,
        answer: &[u8],
        bodies: &[&[u8]],
    ) -> Result<bool, PlanError> {
        let Some(image) = Image::of_answer(answer, customer) else {
            return Ok(false);
        };
        let rows: Vec<_> = bodies
            .iter()
            .filter_map(|body| SentFields::of_request(body))
            .collect();
        self.add(customer, &image, &rows).map(|()| true)
    }

    /// Finishes the customers. They then survive a power cut.
    pub fn finish(self) -> Result<(), PlanError> {
        let run_dir = self.run_dir;
        run_dir.create_file(SEEN_NAME)?;
        let mut options = OpenOptions::new();
        let file = open_regular(options.read(true).write(true), &run_dir.file(SEEN_NAME));
        let file = file.map_err(|source| PlanError::write(&run_dir, SEEN_NAME, source))?;
        let file = CustomerFile(Arc::new(file));
        write(&run_dir, &file, self.key, self.sorter)?;
        file.finish()
            .and_then(|()| run_dir.sync())
            .map_err(|source| PlanError::write(&run_dir, SEEN_NAME, source))
    }
}

/// An error while the file is written.
struct Failed<'d>(&'d RunDir);

impl Failed<'_> {
    fn to_write(&self, error: impl Into<redb::Error>) -> PlanError {
        PlanError::writing(self.0, SEEN_NAME, error)
    }
}

/// Writes the pages of the file.
fn write(
    run_dir: &RunDir,
    file: &CustomerFile,
    key: RunKey,
    sorter: Sorter,
) -> Result<(), PlanError> {
    let failed = Failed(run_dir);
    let pages = Builder::new()
        .set_cache_size(WRITE_CACHE_BYTES)
        .create_with_backend(file.clone())
        .map_err(|error| failed.to_write(error))?;
    let transaction = pages
        .begin_write()
        .map_err(|error| failed.to_write(error))?;
    {
        let mut table = transaction
            .open_table(KEY)
            .map_err(|error| failed.to_write(error))?;
        table
            .insert((), key.proof().as_str())
            .map_err(|error| failed.to_write(error))?;
        let mut table = transaction
            .open_table(CUSTOMERS)
            .map_err(|error| failed.to_write(error))?;
        sorter
            .merge(|(customer, _), entry| {
                // Of a customer who was added twice, the last entry counts.
                let inserted = table.insert(customer, entry);
                inserted.map(drop).map_err(redb::Error::from)
            })
            .map_err(|error| failed.to_write(error))?;
    }
    transaction
        .commit()
        .map_err(|error| failed.to_write(error))?;
    pages.close().map_err(|error| failed.to_write(error))
}

impl Seen {
    /// Opens the customers of a plan with this key; `None` if the plan has none. The whole file is
    /// read once, to find damage.
    pub fn open(run_dir: &RunDir, key: RunKey) -> Result<Option<Seen>, PlanError> {
        if run_dir.file(SEEN_NAME).symlink_metadata().is_err() {
            return Ok(None);
        }
        let file = CustomerFile(Arc::new(run_dir.open_file(SEEN_NAME)?));
        let state = file.state();
        match state.map_err(|source| PlanError::read(run_dir, SEEN_NAME, source))? {
            FileState::Whole => {}
            FileState::Unfinished => {
                return Err(PlanError::damaged(
                    run_dir,
                    SEEN_NAME,
                    "it was not finished",
                ));
            }
            FileState::OtherFormat(format) => {
                return Err(PlanError::OtherFormat {
                    file: run_dir.display_path(SEEN_NAME),
                    format,
                });
            }
            FileState::Damaged(reason) => {
                return Err(PlanError::damaged(run_dir, SEEN_NAME, reason));
            }
        }
        let pages = Builder::new()
            .set_cache_size(READ_CACHE_BYTES)
            .open_read_only_with_backend(file)
            .map_err(|error| PlanError::reading(run_dir, SEEN_NAME, error))?;
        let seen = Seen {
            run_dir: run_dir.clone(),
            key,
            pages,
        };
        seen.refuse_other_key()?;
        Ok(Some(seen))
    }

    /// Returns the fields of `sent` in which the customer, as it is shown now, has another value than
    /// the preview saw, than any row of the plan sends, and than is sent now. For a customer whom the
    /// preview did not find, those are all fields with another value than is sent.
    pub(crate) fn conflicts(
        &self,
        customer: CustomerId,
        sent: &SentFields<'_>,
        now: &Image,
        countries: &Countries,
        doubt: CountryDoubt,
    ) -> Result<FieldSet, PlanError> {
        let transaction = self.begin_read()?;
        let table = transaction.open_table(CUSTOMERS);
        let table = table.map_err(|error: TableError| self.unreadable(error))?;
        let entry = table
            .get(customer.get())
            .map_err(|error| self.unreadable(error))?;
        let accepted = match &entry {
            None => Some(AcceptedValues::default()),
            Some(entry) => AcceptedValues::decode(entry.value()),
        };
        let accepted = accepted.ok_or_else(|| {
            PlanError::damaged(&self.run_dir, SEEN_NAME, "an entry cannot be read")
        })?;
        let mut hasher = ValueHasher::new(self.key, customer);
        let names = CountryNamesNow::of(now, countries, doubt);
        Ok(accepted.conflicts(&mut hasher, sent, now, &names))
    }

    fn refuse_other_key(&self) -> Result<(), PlanError> {
        let transaction = self.begin_read()?;
        let table = transaction.open_table(KEY);
        let table = table.map_err(|error: TableError| self.unreadable(error))?;
        let proof = table.get(()).map_err(|error| self.unreadable(error))?;
        if proof.is_some_and(|proof| proof.value() == self.key.proof()) {
            Ok(())
        } else {
            let reason = "it belongs to another key";
            Err(PlanError::damaged(&self.run_dir, SEEN_NAME, reason))
        }
    }

    fn begin_read(&self) -> Result<ReadTransaction, PlanError> {
        self.pages
            .begin_read()
            .map_err(|error| self.unreadable(error))
    }

    fn unreadable(&self, error: impl Into<redb::Error>) -> PlanError {
        PlanError::reading(&self.run_dir, SEEN_NAME, error)
    }
}
