//! The valid rows of an input, by their customers.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::{TemporaryFileError, TemporaryFolder};
use crate::contract::CustomerId;
use crate::external_sort::{SortedEntries, Sorter};
use crate::row::{Position, Row, RowContent};

/// A row of a customer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CustomerRow<'b> {
    /// The place of the record.
    pub(crate) position: Position,
    /// The latest time at which others may have changed the customer (`--unless-changed-since`).
    pub(crate) since: Option<Timestamp>,
    /// The body of its request.
    pub(crate) body: &'b [u8],
}

/// The valid rows of an input, by their customers.
#[derive(Debug)]
pub(crate) struct CustomerRows {
    rows: SortedEntries,
    count: u64,
    folder: TemporaryFolder,
}

/// The valid rows of an input while it is read.
#[derive(Debug)]
pub(crate) struct CustomerRowsWriter {
    rows: Sorter,
    count: u64,
    folder: TemporaryFolder,
    /// The bytes of a row, while they are put together.
    content: Vec<u8>,
}

impl CustomerRowsWriter {
    /// Begins with no rows. They are kept in temporary files in this folder.
    pub(crate) fn create(folder: &Path) -> Result<CustomerRowsWriter, TemporaryFileError> {
        let rows = Sorter::create(folder);
        let folder = TemporaryFolder(folder.to_owned());
        Ok(CustomerRowsWriter {
            rows: rows.map_err(|error| folder.failed(error))?,
            count: 0,
            folder,
            content: Vec::new(),
        })
    }

    /// Keeps a row, if it would be sent.
    pub(crate) fn add(&mut self, row: &Row) -> Result<(), TemporaryFileError> {
        let RowContent::Update {
            id,
            body,
            read_first,
            ..
        } = &row.content
        else {
            return Ok(());
        };
        let since = read_first.as_ref().and_then(|read_first| read_first.since);
        let Position { row, input, line } = row.position;
        let content = &mut self.content;
        content.clear();
        content.extend_from_slice(&(input as u64).to_le_bytes());
        content.extend_from_slice(&line.to_le_bytes());
        content.push(u8::from(since.is_some()));
        if let Some(since) = since {
            content.extend_from_slice(&since.as_nanosecond().to_le_bytes());
        }
        content.extend_from_slice(body);
        self.count += 1;
        let added = self.rows.add((id.get(), row), &self.content);
        added.map_err(|error| self.folder.failed(error))
    }

    /// Sorts the rows. No row is added after that.
    pub(crate) fn finish(self) -> Result<CustomerRows, TemporaryFileError> {
        let rows = self.rows.finish();
        Ok(CustomerRows {
            rows: rows.map_err(|error| self.folder.failed(error))?,
            count: self.count,
            folder: self.folder,
        })
    }
}

impl CustomerRows {
    /// The number of rows.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The number of customers.
    pub(crate) fn customers(&self) -> u64 {
        self.rows.customers()
    }

    /// Whether a row is of this customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> Result<bool, TemporaryFileError> {
        let found = self.rows.contains(customer.get());
        found.map_err(|error| self.folder.failed(error))
    }

    /// Returns up to `most` customers with ids above `after`, with ascending ids.
    pub(crate) fn customers_after(
        &self,
        after: u64,
        most: usize,
    ) -> Result<Vec<CustomerId>, TemporaryFileError> {
        let mut customers: Vec<u64> = Vec::with_capacity(most);
        self.visit_from(after + 1, |(customer, _), _| {
            if customers.last() != Some(&customer) {
                customers.push(customer);
            }
            // The one beyond shows that the last one has no more rows.
            customers.len() <= most
        })?;
        customers.truncate(most);
        let ids = customers.into_iter().map(CustomerId::new);
        ids.collect::<Result<_, _>>()
            .map_err(|error| self.folder.failed(io::Error::other(error)))
    }

    /// Visits the rows of a customer in the order of the input.
    pub(crate) fn of_customer(
        &self,
        customer: CustomerId,
        mut visit: impl FnMut(CustomerRow<'_>),
    ) -> Result<(), TemporaryFileError> {
        let mut is_whole = true;
        let visited =
            self.rows
                .of_customer(customer.get(), |row, value| match row_of(row, value) {
                    Some(row) => visit(row),
                    None => is_whole = false,
                });
        visited.map_err(|error| self.folder.failed(error))?;
        if is_whole {
            Ok(())
        } else {
            let invalid = io::Error::from(io::ErrorKind::InvalidData);
            Err(self.folder.failed(invalid))
        }
    }

    /// Visits the rows from the first one of this customer on, until `visit` returns `false`.
    fn visit_from(
        &self,
        customer: u64,
        visit: impl FnMut((u64, u64), &[u8]) -> bool,
    ) -> Result<(), TemporaryFileError> {
        let visited = self.rows.visit_from((customer, 0), visit);
        visited.map_err(|error| self.folder.failed(error))
    }
}

/// Takes the value of a row with this number apart.
fn row_of(row: u64, value: &[u8]) -> Option<CustomerRow<'_>> {
    let (input, rest) = value.split_first_chunk()?;
    let (line, rest) = rest.split_first_chunk()?;
    let (has_since, rest) = rest.split_first()?;
    let (since, body) = match has_since {
        0 => (None, rest),
        1 => {
            let (since, body) = rest.split_first_chunk()?;
            let since = Timestamp::from_nanosecond(i128::from_le_bytes(*since));
            (Some(since.ok()?), body)
        }
        _ => return None,
    };
    Some(CustomerRow {
        position: Position {
            row,
            input: usize::try_from(u64::from_le_bytes(*input)).ok()?,
            line: u64::from_le_bytes(*line),
        },
        since,
        body,
    })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::contract::FieldSet;

    fn id(id: u64) -> CustomerId {
        CustomerId::new(id).expect("an id")
    }

    fn row(number: u64, customer: u64, body: &'static str) -> Row {
        Row {
            position: Position {
                row: number,
                input: 1,
                line: number + 1,
            },
            id: Some(id(customer)),
            hash: 0,
            raw: Bytes::new(),
            content: RowContent::Update {
                id: id(customer),
                body: Bytes::from_static(body.as_bytes()),
                fields: FieldSet::EMPTY,
                request: 0,
                read_first: None,
            },
        }
    }

    #[test]
    fn an_error_of_a_temporary_file_names_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("previews");
        let error = CustomerRowsWriter::create(&missing).expect_err("there is no folder");
        assert_eq!(
            error.to_string(),
            format!(
                "a temporary file in {} cannot be written or read",
                missing.display()
            )
        );
    }

    #[test]
    fn the_time_of_a_row_comes_back_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = CustomerRowsWriter::create(folder.path()).expect("a file");
        let times = ["2026-11-23T09:00:00.000000001Z", "-001000-01-01T00:00:00Z"];
        let times = times.map(|time| Some(time.parse().expect("a time")));
        let times = [times[0], None, times[1]];
        for (number, since) in (1..).zip(times) {
            let mut row = row(number, 7, "a");
            let read_first = row.read_first_mut().expect("it is an update");
            read_first.since = since;
            rows.add(&row).expect("it is kept");
        }
        let rows = rows.finish().expect("it is written");
        let mut found = Vec::new();
        rows.of_customer(id(7), |row| found.push((row.since, row.body.to_vec())))
            .expect("it is read");
        assert_eq!(found, times.map(|since| (since, b"a".to_vec())));
    }

    #[test]
    fn rows_come_back_by_customer_in_the_order_of_the_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut rows = CustomerRowsWriter::create(folder.path()).expect("a file");
        for (number, customer, body) in [
            (1, 9, "a"),
            (2, 7, "b"),
            (3, 9, "c"),
            (4, 7, "d"),
            (5, 300, ""),
        ] {
            rows.add(&row(number, customer, body)).expect("it is kept");
        }
        let superseded = Row {
            content: RowContent::Superseded,
            ..row(6, 8, "")
        };
        rows.add(&superseded).expect("it is passed over");
        let rows = rows.finish().expect("it is written");
        assert_eq!((rows.count(), rows.customers()), (5, 3));
        let of = |customer: u64| {
            let mut found = Vec::new();
            rows.of_customer(id(customer), |row| {
                let (position, body) = (row.position, row.body.to_vec());
                let body = String::from_utf8(body).expect("UTF-8");
                found.push((position.row, position.input, position.line, body));
            })
            .expect("it is read");
            found
        };
        assert_eq!(of(7), [(2, 1, 3, "b".into()), (4, 1, 5, "d".into())]);
        assert_eq!(of(9), [(1, 1, 2, "a".into()), (3, 1, 4, "c".into())]);
        assert_eq!(of(300), [(5, 1, 6, String::new())]);
        assert!(of(8).is_empty());
        let after = |after: u64, most| rows.customers_after(after, most).expect("it is read");
        assert_eq!(after(0, 2), [id(7), id(9)]);
        assert_eq!(after(9, 2), [id(300)]);
        assert!(after(300, 2).is_empty());
        assert!(rows.contains(id(7)).expect("it is read"));
        assert!(!rows.contains(id(8)).expect("it is read"));
    }
}
