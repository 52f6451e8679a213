//! The valid rows of an input, by their customers.

use std::io;
use std::path::Path;

use super::TemporaryFileError;
use crate::contract::CustomerId;
use crate::external_sort::{SortedEntries, Sorter};
use crate::row::{Position, Row, RowContent};

/// The valid rows of an input, by their customers.
#[derive(Debug)]
pub(crate) struct CustomerRows {
    rows: SortedEntries,
    count: u64,
}

/// The valid rows of an input while it is read.
#[derive(Debug)]
pub(crate) struct CustomerRowsWriter {
    rows: Sorter,
    count: u64,
    /// The bytes of a row, while they are put together.
    content: Vec<u8>,
}

impl CustomerRowsWriter {
    /// Begins with no rows. They are kept in temporary files in this folder.
    pub(crate) fn create(folder: &Path) -> Result<CustomerRowsWriter, TemporaryFileError> {
        Ok(CustomerRowsWriter {
            rows: Sorter::create(folder)?,
            count: 0,
            content: Vec::new(),
        })
    }

    /// Keeps a row, if it would be sent.
    pub(crate) fn add(&mut self, row: &Row) -> Result<(), TemporaryFileError> {
        let RowContent::Update { id, body, .. } = &row.content else {
            return Ok(());
        };
        let Position { row, input, line } = row.position;
        self.content.clear();
        self.content
            .extend_from_slice(&(input as u64).to_le_bytes());
        self.content.extend_from_slice(&line.to_le_bytes());
        self.content.extend_from_slice(body);
        self.count += 1;
        Ok(self.rows.add((id.get(), row), &self.content)?)
    }

    /// Sorts the rows. No row is added after that.
    pub(crate) fn finish(self) -> Result<CustomerRows, TemporaryFileError> {
        Ok(CustomerRows {
            rows: self.rows.finish()?,
            count: self.count,
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
        let mut is_there = false;
        self.rows.visit_from((customer.get(), 0), |(found, _), _| {
            is_there = found == customer.get();
            false
        })?;
        Ok(is_there)
    }

    /// Returns up to `most` customers with ids above `after`, with ascending ids.
    pub(crate) fn customers_after(
        &self,
        after: u64,
        most: usize,
    ) -> Result<Vec<CustomerId>, TemporaryFileError> {
        let mut customers: Vec<u64> = Vec::with_capacity(most);
        self.rows.visit_from((after + 1, 0), |(customer, _), _| {
            if customers.last() != Some(&customer) {
                customers.push(customer);
            }
            // The one beyond shows that the last one has no more rows.
            customers.len() <= most
        })?;
        customers.truncate(most);
        let ids = customers.into_iter().map(CustomerId::new);
        ids.collect::<Result<_, _>>()
            .map_err(|error| io::Error::other(error).into())
    }

    /// Visits the rows of a customer in the order of the input, each with its request's body.
    pub(crate) fn of_customer(
        &self,
        customer: CustomerId,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(), TemporaryFileError> {
        let mut is_whole = true;
        self.rows
            .visit_from((customer.get(), 0), |(found, row), value| {
                if found != customer.get() {
                    return false;
                }
                match place_and_body(value) {
                    Some((input, line, body)) => visit(Position { row, input, line }, body),
                    None => is_whole = false,
                }
                is_whole
            })?;
        if is_whole {
            Ok(())
        } else {
            Err(io::Error::from(io::ErrorKind::InvalidData).into())
        }
    }
}

/// Takes a value apart: the input, the line and the body.
fn place_and_body(value: &[u8]) -> Option<(usize, u64, &[u8])> {
    let (input, rest) = value.split_first_chunk()?;
    let (line, body) = rest.split_first_chunk()?;
    let input = usize::try_from(u64::from_le_bytes(*input)).ok()?;
    Some((input, u64::from_le_bytes(*line), body))
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
            rows.of_customer(id(customer), |position, body| {
                let body = String::from_utf8(body.to_vec()).expect("UTF-8");
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
