//! The list of changes: `preview.csv`, a line for each field that would change.

use std::fs::File;
use std::io::{self, BufWriter};

use crate::contract::{CustomerId, Field, FieldChange};
use crate::journal::{RunDir, RunDirError};
use crate::row::Position;

/// The name of the list in its run directory.
pub(crate) const PREVIEW_NAME: &str = "preview.csv";
/// The columns of the list.
const COLUMNS: [&str; 6] = ["custsync_row", "id", "field", "change", "before", "after"];

/// The list of changes. It holds customers' values: only its owner can read it.
///
/// The lines are in no order: customers come as they are read. A line whose change is
/// `not_found`, `deleted`, `not_readable`, `not_sent` or `conflict` tells of a row that changes nothing.
#[derive(Debug)]
pub(crate) struct ChangeList {
    writer: csv::Writer<BufWriter<File>>,
    /// The names of the inputs, for the places of rows.
    inputs: Vec<String>,
}

impl ChangeList {
    /// Begins the list in a run directory, in place of an earlier one. `inputs` are the inputs' names.
    pub(crate) fn create(run_dir: &RunDir, inputs: Vec<String>) -> Result<ChangeList, RunDirError> {
        let file = run_dir.create_file(PREVIEW_NAME)?;
        let mut writer = csv::Writer::from_writer(BufWriter::new(file));
        writer
            .write_record(COLUMNS)
            .map_err(|source| RunDirError::Write {
                file: run_dir.display_path(PREVIEW_NAME),
                source: source.into(),
            })?;
        Ok(ChangeList { writer, inputs })
    }

    /// Adds the changes of a customer.
    pub(super) fn add(
        &mut self,
        customer: CustomerId,
        changes: &[FieldChange<Position>],
    ) -> io::Result<()> {
        for change in changes {
            let (before, after) = (change.before.as_deref(), change.after.as_deref());
            let field = Some(change.field);
            self.line(
                change.place,
                customer,
                field,
                change.kind.name(),
                before,
                after,
            )?;
        }
        Ok(())
    }

    /// Adds a line about a row that changes nothing. `field` is the field at fault, if there is one.
    pub(super) fn add_remark(
        &mut self,
        place: Position,
        customer: CustomerId,
        field: Option<Field>,
        remark: &str,
    ) -> io::Result<()> {
        self.line(place, customer, field, remark, None, None)
    }

    /// Ends the list.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn line(
        &mut self,
        place: Position,
        customer: CustomerId,
        field: Option<Field>,
        change: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> io::Result<()> {
        let input = self.inputs.get(place.input);
        let row = input.map(|name| format!("{name}:{}", place.line));
        let id = customer.to_string();
        self.writer.write_record([
            row.as_deref().unwrap_or_default(),
            &id,
            field.map_or("", Field::name),
            change,
            before.unwrap_or_default(),
            after.unwrap_or_default(),
        ])?;
        Ok(())
    }
}
