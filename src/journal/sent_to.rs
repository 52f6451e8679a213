//! The first customers to whom a request was sent, and how the API showed the values: what the
//! canary of a continued run needs to know.

use std::collections::BTreeMap;

use rapidhash::RapidHashSet;

use super::entry::Outcome;
use super::settled::Settled;
use crate::contract::{CustomerId, Field, FieldSet};

/// The most customers that are kept: as many as a canary may have.
pub(crate) const CUSTOMERS_MAX: u16 = 10_000;

/// The customers to whom a request was sent.
#[derive(Debug, Default)]
pub(crate) struct SentTo {
    customers: RapidHashSet<u64>,
    echoes: BTreeMap<Field, u64>,
}

impl SentTo {
    /// Adds an entry.
    pub(super) fn add(&mut self, entry: &Settled<'_>) {
        let was_sent = match entry.outcome {
            Outcome::Updated
            | Outcome::Rejected
            | Outcome::Conflict
            | Outcome::Failed
            // Read, and found to be so; rows that are known to be so have no entry of their own.
            | Outcome::Unchanged
            | Outcome::Other => true,
            Outcome::Invalid | Outcome::Superseded | Outcome::Elsewhere => false,
        };
        if was_sent
            && let Some(customer) = entry.id
            && self.customers.len() < usize::from(CUSTOMERS_MAX)
        {
            self.customers.insert(customer);
        }
    }

    /// Adds the fields of an updated row that the API shows with another value than was sent. Such
    /// a row has one entry only.
    pub(super) fn add_echo(&mut self, fields: FieldSet) {
        for field in fields.iter() {
            *self.echoes.entry(field).or_default() += 1;
        }
    }

    /// Returns the customers; if there are very many, only the first ones.
    pub(crate) fn customers(&self) -> impl Iterator<Item = CustomerId> {
        let customers = self.customers.iter();
        customers.filter_map(|customer| CustomerId::new(*customer).ok())
    }

    /// Returns the number of updated rows in which the API shows another value, by field.
    pub(crate) fn echoes(&self) -> &BTreeMap<Field, u64> {
        &self.echoes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Entry;

    fn add(sent_to: &mut SentTo, row: u64, customer: u64, outcome: Outcome) {
        let entry = Entry {
            id: Some(customer),
            ..Entry::of_row(row, outcome)
        };
        let line = entry.line();
        sent_to.add(&Settled::read(&line).expect("an entry"));
    }

    #[test]
    fn customers_count_by_the_rows_for_which_something_was_sent() {
        let mut sent_to = SentTo::default();
        for (row, outcome) in (1..).zip(Outcome::ALL) {
            add(&mut sent_to, row, row, outcome);
        }
        let is_sent = |outcome: &Outcome| {
            !matches!(
                outcome,
                Outcome::Invalid | Outcome::Superseded | Outcome::Elsewhere
            )
        };
        let want: Vec<_> = (1..)
            .zip(Outcome::ALL)
            .filter(|(_, outcome)| is_sent(outcome))
            .map(|(row, _)| row)
            .collect();
        let mut customers: Vec<_> = sent_to.customers().map(CustomerId::get).collect();
        customers.sort_unstable();
        assert_eq!(customers, want);
    }

    #[test]
    fn a_customer_counts_once_and_so_many_are_kept() {
        let mut sent_to = SentTo::default();
        let most = u64::from(CUSTOMERS_MAX);
        for row in 1..=most + 5 {
            add(&mut sent_to, row, row.div_ceil(2), Outcome::Updated);
        }
        assert_eq!(sent_to.customers().count() as u64, (most + 5).div_ceil(2));
        for row in 1..=most + 5 {
            add(&mut sent_to, row, row, Outcome::Rejected);
        }
        assert_eq!(sent_to.customers().count() as u64, most);
    }

    #[test]
    fn echoes_are_counted_by_field() {
        let mut sent_to = SentTo::default();
        for fields in [vec![Field::Email], vec![Field::Email, Field::Job], vec![]] {
            sent_to.add_echo(fields.into_iter().collect());
        }
        let want = BTreeMap::from([(Field::Email, 2), (Field::Job, 1)]);
        assert_eq!(sent_to.echoes(), &want);
    }
}
