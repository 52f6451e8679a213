//! Lays the rows of an input over its customers as they are read, and keeps the findings.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::change_list::ChangeList;
use super::findings::{Counts, Findings};
use super::odd::OddSigns;
use super::planned_rows::PlannedRows;
use super::scratch::ScratchError;
use crate::contract::{
    Countries, CustomerId, Field, FieldSet, Image, Projection, RequestKind, SentFields,
};
use crate::row::Position;

/// The word of the list for a row that would not be sent, because fields would be lost.
const NOT_SENT: &str = "not_sent";

/// The reason why the API does not show a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotShown {
    /// There is no such customer.
    NotFound,
    /// It refuses, or the request fails.
    NotReadable,
}

/// The findings cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    /// The rows cannot be read back.
    #[error(transparent)]
    Rows(#[from] ScratchError),
    /// The list cannot be written.
    #[error("the list of changes cannot be written")]
    List(#[from] io::Error),
}

/// Compares customers with the rows of an input.
pub(crate) struct Previewer {
    rows: Arc<PlannedRows>,
    kind: RequestKind,
    /// The list of changes; `None` if no values are wanted.
    list: Option<ChangeList>,
    counts: Counts,
    odd: OddSigns,
}

impl fmt::Debug for Previewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previewer").finish_non_exhaustive()
    }
}

impl Previewer {
    /// Compares with these rows.
    pub(crate) fn new(
        rows: Arc<PlannedRows>,
        kind: RequestKind,
        list: Option<ChangeList>,
    ) -> Previewer {
        Previewer {
            rows,
            kind,
            list,
            counts: Counts::new(),
            odd: OddSigns::new(),
        }
    }

    /// Takes a customer who is shown.
    pub(crate) fn shown(
        &mut self,
        customer: CustomerId,
        image: &Image,
        countries: &Countries,
    ) -> Result<(), PreviewError> {
        let mut projection = Projection::new(image, self.kind, countries);
        let (mut laid, mut not_sent) = (0, 0);
        let mut lost: Vec<(Position, Field)> = Vec::new();
        self.rows.of_customer(customer, |position, body| {
            let row = SentFields::of_request(body).unwrap_or_default();
            match projection.lay(position, &row) {
                Ok(()) => laid += 1,
                Err(fields) => {
                    not_sent += 1;
                    lost.extend(fields.into_iter().map(|(field, _)| (position, field)));
                }
            }
        })?;
        let changes = projection.changes();
        if let Some(list) = &mut self.list {
            list.add(customer, &changes)?;
            for (position, field) in lost {
                list.add_remark(position, customer, Some(field), NOT_SENT)?;
            }
        }
        self.look_for_oddities(customer, &projection);
        let left_out = projection.left_out();
        self.counts.add(&changes, left_out, laid, not_sent);
        Ok(())
    }

    /// Takes a customer whom the API does not show.
    pub(crate) fn not_shown(
        &mut self,
        customer: CustomerId,
        why: NotShown,
    ) -> Result<(), PreviewError> {
        match why {
            NotShown::NotFound => self.counts.add_not_found(),
            NotShown::NotReadable => self.counts.add_not_readable(),
        }
        let Some(list) = &mut self.list else {
            return Ok(());
        };
        let mut written = Ok(());
        self.rows.of_customer(customer, |position, _| {
            if written.is_ok() {
                written = list.add_remark(position, customer, None, why.name());
            }
        })?;
        Ok(written?)
    }

    /// Ends the list, and returns the findings.
    pub(crate) fn finish(self) -> io::Result<Findings> {
        if let Some(list) = self.list {
            list.finish()?;
        }
        Ok(self
            .counts
            .finish(self.rows.customers(), &self.odd.findings()))
    }

    fn look_for_oddities(&mut self, customer: CustomerId, projection: &Projection<'_, Position>) {
        for field in FieldSet::ALL.iter() {
            if let Some((before, after)) = projection.values(field) {
                self.odd
                    .add(customer, field, before.as_deref(), after.as_deref());
            }
        }
        let first = projection.values(Field::FirstName);
        let last = projection.values(Field::LastName);
        if let (Some((first, new_first)), Some((last, new_last))) = (first, last) {
            self.odd.add_names(
                first.as_deref(),
                last.as_deref(),
                new_first.as_deref(),
                new_last.as_deref(),
            );
        }
    }
}

impl NotShown {
    /// The word of the list.
    fn name(self) -> &'static str {
        match self {
            NotShown::NotFound => "not_found",
            NotShown::NotReadable => "not_readable",
        }
    }
}
