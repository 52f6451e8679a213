//! Lays the rows of an input over its customers as they are read, and keeps the findings.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::TemporaryFileError;
use super::change_list::ChangeList;
use super::customer_rows::CustomerRows;
use super::findings::{Counts, Findings, RowCounts};
use super::odd::OddSigns;
use crate::contract::{
    Countries, CustomerId, FIELDS, Field, FieldSet, Image, NotLaid, Projection, ProjectionRules,
    SentFields,
};
use crate::plan::{PlanError, SeenWriter, VALUES_MAX};
use crate::row::Position;

/// The word of the list for a row that would not be sent, because fields would be lost.
const NOT_SENT: &str = "not_sent";
/// The word for a row whose customer others may have changed since the time in the row.
const CONFLICT: &str = "conflict";
/// The word for a row whose customer is shown as deleted.
const DELETED: &str = "deleted";

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
    Rows(#[from] TemporaryFileError),
    /// The list cannot be written.
    #[error("the list of changes cannot be written")]
    List(#[from] io::Error),
    /// The plan cannot be written.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// The files of a preview.
#[derive(Default)]
pub(crate) struct PreviewFiles {
    /// The list of changes; `None` if no values are wanted.
    pub(crate) list: Option<ChangeList>,
    /// The customers of a plan; `None` if the preview makes none.
    pub(crate) plan: Option<SeenWriter>,
}

/// Compares customers with the rows of an input.
pub(crate) struct Previewer {
    rows: Arc<CustomerRows>,
    rules: ProjectionRules,
    files: PreviewFiles,
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
        rows: Arc<CustomerRows>,
        rules: ProjectionRules,
        files: PreviewFiles,
    ) -> Previewer {
        Previewer {
            rows,
            rules,
            files,
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
        if image.is_deleted() {
            return self.deleted(customer, image);
        }
        let mut projection = Projection::new(image, self.rules, countries);
        let mut counts = RowCounts::default();
        let mut remarks: Vec<(Position, Option<Field>, &str)> = Vec::new();
        let mut planned = PlannedBodies::default();
        let has_plan = self.files.plan.is_some();
        self.rows.of_customer(customer, |row| {
            let sent = SentFields::of_request(row.body).unwrap_or_default();
            if has_plan {
                planned.add(&sent, row.body);
            }
            match projection.lay(row.position, row.since, &sent) {
                Ok(()) => counts.laid += 1,
                Err(NotLaid::Conflict) => {
                    counts.conflict += 1;
                    remarks.push((row.position, None, CONFLICT));
                }
                Err(NotLaid::Lost(fields)) => {
                    counts.not_sent += 1;
                    let fields = fields.into_iter();
                    remarks.extend(fields.map(|(field, _)| (row.position, Some(field), NOT_SENT)));
                }
            }
        })?;
        let changes = projection.changes();
        if let Some(plan) = &mut self.files.plan {
            planned.write(customer, image, plan)?;
        }
        if let Some(list) = &mut self.files.list {
            list.add(customer, &changes)?;
            for (position, field, word) in remarks {
                list.add_remark(position, customer, field, word)?;
            }
        }
        self.look_for_oddities(customer, &projection);
        let left_out = projection.left_out();
        self.counts.add(&changes, left_out, counts);
        Ok(())
    }

    /// Takes a customer who is shown as deleted. A run treats it as any other, so it is part of the
    /// plan.
    fn deleted(&mut self, customer: CustomerId, image: &Image) -> Result<(), PreviewError> {
        self.counts.add_deleted();
        if let Some(plan) = &mut self.files.plan {
            let mut planned = PlannedBodies::default();
            self.rows.of_customer(customer, |row| {
                let sent = SentFields::of_request(row.body).unwrap_or_default();
                planned.add(&sent, row.body);
            })?;
            planned.write(customer, image, plan)?;
        }
        self.remark_rows(customer, DELETED)
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
        self.remark_rows(customer, why.name())
    }

    /// Adds a line with this word for each row of a customer.
    fn remark_rows(&mut self, customer: CustomerId, word: &str) -> Result<(), PreviewError> {
        let Some(list) = &mut self.files.list else {
            return Ok(());
        };
        let mut written = Ok(());
        self.rows.of_customer(customer, |row| {
            if written.is_ok() {
                written = list.add_remark(row.position, customer, None, word);
            }
        })?;
        Ok(written?)
    }

    /// Ends the files, and returns the findings. There is a plan only if every customer was read.
    pub(crate) fn finish(self) -> Result<Findings, PreviewError> {
        if let Some(list) = self.files.list {
            list.finish()?;
        }
        let findings = self
            .counts
            .finish(self.rows.customers(), &self.odd.findings());
        if let Some(plan) = self.files.plan.filter(|_| findings.not_read == 0) {
            plan.finish()?;
        }
        Ok(findings)
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

/// The requests of a customer, as far as a plan needs them.
#[derive(Default)]
struct PlannedBodies {
    bodies: Vec<Vec<u8>>,
    /// The requests that set each field, by the field's place.
    counts: [usize; FIELDS.len()],
}

impl PlannedBodies {
    /// Adds a request, unless its fields have more values already than a plan tells apart.
    fn add(&mut self, row: &SentFields<'_>, body: &[u8]) {
        let mut is_wanted = false;
        for (field, _) in row.fields() {
            if let Some(count) = self.counts.get_mut(field.index()) {
                is_wanted |= *count <= VALUES_MAX;
                *count += 1;
            }
        }
        if is_wanted {
            self.bodies.push(body.to_owned());
        }
    }

    fn write(
        &self,
        customer: CustomerId,
        image: &Image,
        plan: &mut SeenWriter,
    ) -> Result<(), PlanError> {
        let rows = self.bodies.iter();
        let rows: Vec<_> = rows
            .filter_map(|body| SentFields::of_request(body))
            .collect();
        plan.add(customer, image, &rows)
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
