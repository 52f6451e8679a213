//! The customers of a plan: a row is sent only if its customer is as the preview saw it.

use std::collections::BTreeMap;
use std::fmt;

use crate::contract::{Countries, CustomerId, FieldSet, Image, SentFields};
use crate::journal::Entry;
use crate::plan::{CountryDoubt, PlanError, Seen};
use crate::row::{Row, RowContent};

/// The most customers of whom it is kept that the API shows other values than were sent. Of more,
/// later rows end in conflict.
const SHOWN_OTHERWISE_MAX: usize = 100_000;

/// The customers of a plan (`run --plan`).
pub(crate) struct PlannedCustomers {
    /// The values that the preview saw and that the plan sends.
    seen: Seen,
    doubt: CountryDoubt,
    /// The fields that the API has shown with other values than were sent.
    shown_otherwise: BTreeMap<CustomerId, FieldSet>,
}

impl fmt::Debug for PlannedCustomers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlannedCustomers")
    }
}

impl PlannedCustomers {
    /// The customers that the preview saw. `doubt` is the treatment of a country whose id is not
    /// known.
    pub(crate) fn new(seen: Seen, doubt: CountryDoubt) -> PlannedCustomers {
        PlannedCustomers {
            seen,
            doubt,
            shown_otherwise: BTreeMap::new(),
        }
    }

    /// Returns the fields of a row that its customer has with other values now than the plan knows.
    pub(super) fn conflicts(
        &self,
        row: &Row,
        now: &Image,
        countries: &Countries,
    ) -> Result<FieldSet, PlanError> {
        let RowContent::Update {
            id, body, fields, ..
        } = &row.content
        else {
            unreachable!("only updates are sent");
        };
        let known = self.shown_otherwise.get(id).copied().unwrap_or_default();
        let found = self.unknown(*id, body, now, countries)?;
        Ok(found.intersection(*fields).without(known))
    }

    /// Takes in the customer in the answer to an update. What the API makes of a value is no change
    /// of another.
    pub(super) fn updated(
        &mut self,
        row: &Row,
        shown: &Image,
        countries: &Countries,
    ) -> Result<(), PlanError> {
        let RowContent::Update { id, body, .. } = &row.content else {
            unreachable!("only updates are sent");
        };
        let fields = self.unknown(*id, body, shown, countries)?;
        self.is_shown_otherwise(*id, fields);
        Ok(())
    }

    /// Takes up the entry of a row that an earlier process sent: its echo names the fields that the API
    /// has shown with other values.
    pub(crate) fn recorded(&mut self, entry: &Entry<'_>) {
        if let Some(customer) = entry.id.and_then(|id| CustomerId::new(id).ok()) {
            self.is_shown_otherwise(customer, entry.echo);
        }
    }

    fn is_shown_otherwise(&mut self, customer: CustomerId, fields: FieldSet) {
        let has_room = self.shown_otherwise.len() < SHOWN_OTHERWISE_MAX;
        if !fields.is_empty() && (has_room || self.shown_otherwise.contains_key(&customer)) {
            let known = self.shown_otherwise.entry(customer).or_default();
            *known = known.union(fields);
        }
    }

    fn unknown(
        &self,
        customer: CustomerId,
        body: &[u8],
        now: &Image,
        countries: &Countries,
    ) -> Result<FieldSet, PlanError> {
        let sent = SentFields::of_request(body).unwrap_or_default();
        self.seen
            .conflicts(customer, &sent, now, countries, self.doubt)
    }
}
