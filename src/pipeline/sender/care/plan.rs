//! The customers of a plan: a row is sent only if its customer is as the preview saw it.

use std::fmt;

use crate::contract::{Countries, FieldSet, Image, SentFields};
use crate::plan::{CountryDoubt, PlanError, Seen};
use crate::row::{Row, RowContent};

/// The customers of a plan (`run --plan`).
pub(crate) struct PlannedCustomers {
    /// The values that the preview saw and that the plan sends.
    pub seen: Seen,
    /// The treatment of a country whose id is not known.
    pub doubt: CountryDoubt,
}

impl fmt::Debug for PlannedCustomers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlannedCustomers")
    }
}

impl PlannedCustomers {
    /// Returns the fields of a row that its customer has with other values now than the plan knows.
    pub(super) fn conflicts(
        &self,
        row: &Row,
        now: &Image,
        countries: &Countries,
    ) -> Result<FieldSet, PlanError> {
        let RowContent::Update { id, body, .. } = &row.content else {
            unreachable!("only updates are sent");
        };
        let sent = SentFields::of_request(body).unwrap_or_default();
        self.seen.conflicts(*id, &sent, now, countries, self.doubt)
    }
}
