//! The valid rows of an input, by their customers.

use std::fmt;
use std::path::Path;

use super::scratch::{Scratch, ScratchError};
use crate::contract::CustomerId;
use crate::row::{Position, Row, RowContent};

/// The size of the rows that are written together.
const TOGETHER_BYTES: usize = 8 << 20;
/// The bytes before a body: the input and the line of its row.
const PLACE_BYTES: usize = 2 * size_of::<u64>();

/// The valid rows of an input, by their customers.
pub(crate) struct CustomerRows {
    rows: Scratch<(u64, u64)>,
    /// Rows that are not written yet.
    waiting: Vec<(u64, u64, Vec<u8>)>,
    waiting_bytes: usize,
    count: u64,
    customers: u64,
}

impl fmt::Debug for CustomerRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomerRows")
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl CustomerRows {
    /// Creates their file. It must not exist.
    pub(crate) fn create(path: &Path) -> Result<CustomerRows, ScratchError> {
        Ok(CustomerRows {
            rows: Scratch::create(path)?,
            waiting: Vec::new(),
            waiting_bytes: 0,
            count: 0,
            customers: 0,
        })
    }

    /// Keeps a row, if it would be sent.
    pub(crate) fn add(&mut self, row: &Row) -> Result<(), ScratchError> {
        let RowContent::Update { id, body, .. } = &row.content else {
            return Ok(());
        };
        let Position { row, input, line } = row.position;
        let mut value = Vec::with_capacity(PLACE_BYTES + body.len());
        value.extend_from_slice(&(input as u64).to_le_bytes());
        value.extend_from_slice(&line.to_le_bytes());
        value.extend_from_slice(body);
        self.count += 1;
        self.waiting_bytes += size_of::<(u64, u64, Vec<u8>)>() + value.capacity();
        self.waiting.push((id.get(), row, value));
        if self.waiting_bytes >= TOGETHER_BYTES {
            self.write()?;
        }
        Ok(())
    }

    /// Writes the last rows and counts the customers. No row is added after that.
    pub(crate) fn finish(&mut self) -> Result<(), ScratchError> {
        self.write()?;
        self.waiting = Vec::new();
        let mut last = None;
        let customers = &mut self.customers;
        self.rows.visit_from((0, 0), |(customer, _), _| {
            *customers += u64::from(last.replace(customer) != Some(customer));
            true
        })
    }

    /// The number of rows.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The number of customers.
    pub(crate) fn customers(&self) -> u64 {
        self.customers
    }

    /// Whether a row is of this customer.
    pub(crate) fn contains(&self, customer: CustomerId) -> Result<bool, ScratchError> {
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
    ) -> Result<Vec<CustomerId>, ScratchError> {
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
            .map_err(|_error| ScratchError::Entry)
    }

    /// Visits the rows of a customer in the order of the input, each with its request's body.
    pub(crate) fn of_customer(
        &self,
        customer: CustomerId,
        mut visit: impl FnMut(Position, &[u8]),
    ) -> Result<(), ScratchError> {
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
            Err(ScratchError::Entry)
        }
    }

    fn write(&mut self) -> Result<(), ScratchError> {
        self.waiting
            .sort_unstable_by_key(|(customer, row, _)| (*customer, *row));
        let entries = self.waiting.iter();
        self.rows
            .insert(entries.map(|(customer, row, value)| ((*customer, *row), value.as_slice())))?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
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
        let path = folder.path().join("rows");
        let mut rows = CustomerRows::create(&path).expect("a file");
        for (number, customer, body) in [(1, 9, "a"), (2, 7, "b"), (3, 9, "c")] {
            rows.add(&row(number, customer, body)).expect("it is kept");
        }
        rows.write().expect("it is written");
        for (number, customer, body) in [(4, 7, "d"), (5, 300, "")] {
            rows.add(&row(number, customer, body)).expect("it is kept");
        }
        let superseded = Row {
            content: RowContent::Superseded,
            ..row(6, 8, "")
        };
        rows.add(&superseded).expect("it is passed over");
        rows.finish().expect("it is written");
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
        drop(rows);
        assert!(!path.exists(), "it is deleted");
    }
}
