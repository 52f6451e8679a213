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
