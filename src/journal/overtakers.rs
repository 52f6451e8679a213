//! Updated rows that overtook earlier rows of the same customer. What is still sent of those
//! earlier rows must not overwrite newer values.
//!
//! Most customers have one row, so only customers with an earlier row that ended badly are watched.
//! Each of their updated rows takes 24 bytes.

use roaring::RoaringBitmap;

use super::settled::Settled;
use crate::contract::FieldSet;

/// The bits of a hash by which customers are told apart. A collision costs 24 bytes and nothing
/// else. The bits take at most 16 MiB, and 3 MiB for a million customers.
const HASH_BITS: u32 = 27;

/// Finds the rows that overtook others, in a stream of outcomes.
#[derive(Debug, Clone, Default)]
pub struct Overtakers {
    /// Hashes of the watched customers.
    watched: RoaringBitmap,
    updated: Vec<UpdatedRow>,
    is_sorted: bool,
}

/// A row that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct UpdatedRow {
    customer: u64,
    row: u64,
    fields: FieldSet,
}

impl Overtakers {
    /// Adds an entry of the journal. A customer's entries are in the order of the file, except for
    /// rows whose entry says that they were overtaken.
    pub(super) fn add(&mut self, entry: &Settled<'_>) -> serde_json::Result<()> {
        if let Some(customer) = entry.id.filter(|_| entry.outcome.needs_attention()) {
            self.watch(customer);
            let overtaken = entry.overtaken()?;
            if !overtaken.is_empty() {
                self.remember(customer, entry.row + 1, overtaken);
            }
        }
        self.add_updated(entry)
    }

    /// Adds an entry of the journal if it sets fields of a watched customer.
    pub(super) fn add_updated(&mut self, entry: &Settled<'_>) -> serde_json::Result<()> {
        if let Some(customer) = entry.id.filter(|_| entry.outcome.sets_fields())
            && self.is_watched(customer)
        {
            self.remember(customer, entry.row, entry.fields()?);
        }
        Ok(())
    }

    /// Watches a customer: updated rows are remembered from now on.
    pub fn watch(&mut self, customer: u64) {
        self.watched.insert(hash(customer));
    }

    /// Whether this customer is watched.
    pub fn is_watched(&self, customer: u64) -> bool {
        self.watched.contains(hash(customer))
    }

    /// Whether no customer is watched.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// Adds an applied row of this customer, with the fields that it set.
    pub fn updated(&mut self, customer: u64, row: u64, fields: FieldSet) {
        if self.is_watched(customer) {
            self.remember(customer, row, fields);
        }
    }

    /// Remembers an updated row, whether its customer is watched or not.
    pub fn remember(&mut self, customer: u64, row: u64, fields: FieldSet) {
        self.updated.push(UpdatedRow {
            customer,
            row,
            fields,
        });
        self.is_sorted = false;
    }

    /// Sorts the rows for [`Overtakers::of`].
    pub fn sort(&mut self) {
        if !self.is_sorted {
            self.updated.sort_unstable();
            self.updated.dedup();
            self.is_sorted = true;
        }
    }

    /// Returns the fields that later rows of the customer have set. Call [`Overtakers::sort`]
    /// first.
    pub fn of(&self, customer: u64, row: u64) -> FieldSet {
        debug_assert!(
            self.is_sorted || self.updated.is_empty(),
            "what was found is sorted first"
        );
        let first = self
            .updated
            .partition_point(|updated| (updated.customer, updated.row) <= (customer, row));
        let later = self.updated.get(first..).unwrap_or_default();
        later
            .iter()
            .take_while(|updated| updated.customer == customer)
            .fold(FieldSet::EMPTY, |fields, updated| {
                fields.union(updated.fields)
            })
    }
}

/// Returns the highest bits of a product (Fibonacci hashing), since ids are often consecutive.
fn hash(customer: u64) -> u32 {
    let product = customer.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u32::try_from(product >> (u64::BITS - HASH_BITS)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Entry, Outcome};
    use super::*;
    use crate::contract::FIELDS;

    const CUSTOMERS: u64 = 4;

    /// Generates the rows of a file in order: customer, outcome, and a bit for each field that is
    /// set.
    fn rows() -> impl Strategy<Value = Vec<(u64, Outcome, u16)>> {
        let outcomes = prop::sample::select(&Outcome::ALL[..]);
        prop::collection::vec((0..CUSTOMERS, outcomes, 1..1_u16 << FIELDS.len()), 0..40)
    }

    fn entries(rows: &[(u64, Outcome, u16)]) -> Vec<Entry<'static>> {
        let entry = |((customer, outcome, bits), row): (&(u64, Outcome, u16), u64)| {
            let fields = FIELDS
                .iter()
                .map(|rule| rule.field)
                .filter(|field| bits & 1 << field.index() != 0)
                .collect();
            Entry {
                id: Some(*customer),
                fields,
                ..Entry::of_row(row, *outcome)
            }
        };
        rows.iter().zip(1..).map(entry).collect()
    }

    fn later_fields(entries: &[Entry<'_>], of: &Entry<'_>) -> FieldSet {
        let later = entries
            .iter()
            .filter(|later| later.id == of.id && later.row > of.row);
        later
            .filter(|later| later.outcome.sets_fields())
            .fold(FieldSet::EMPTY, |set, later| set.union(later.fields))
    }

    fn found(entries: &[Entry<'_>]) -> Overtakers {
        let mut overtakers = Overtakers::default();
        for entry in entries {
            let line = entry.line();
            overtakers
                .add(&Settled::read(&line).expect("an entry"))
                .expect("field sets");
        }
        overtakers.sort();
        overtakers
    }

    proptest! {
        #[test]
        fn all_that_overtook_a_bad_row_is_found(rows in rows()) {
            let entries = entries(&rows);
            let overtakers = found(&entries);
            for entry in entries.iter().filter(|entry| entry.outcome.needs_attention()) {
                let want = later_fields(&entries, entry);
                prop_assert_eq!(overtakers.of(entry.id.expect("a customer"), entry.row), want, "row {}", entry.row);
            }
        }

        #[test]
        fn a_row_that_comes_last_is_found_by_what_its_entry_says(rows in rows(), late in any::<prop::sample::Index>()) {
            prop_assume!(!rows.is_empty());
            // One row is sent after all others and ends badly.
            let mut entries = entries(&rows);
            let mut late = entries.remove(late.index(rows.len()));
            late.outcome = Outcome::Failed;
            late.overtaken = later_fields(&entries, &late);
            let want = late.overtaken;
            let (customer, row) = (late.id.expect("a customer"), late.row);
            entries.push(late);
            prop_assert_eq!(found(&entries).of(customer, row), want);
        }
    }
}
