//! Counts of updated rows that the API shows in another way than they were sent.

use std::collections::BTreeMap;

use super::Group;
use crate::contract::Field;
use crate::journal::Entry;
use crate::row::Position;

/// The updated rows that the API shows in another way than they were sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EchoTally {
    /// Rows with a field that is shown with another value.
    pub rows: u64,
    /// The fields, in the order of the contract.
    pub fields: BTreeMap<Field, EchoRows>,
}

/// Rows of which the API shows one field in another way than it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EchoRows {
    /// The rows with another value.
    pub differs: Group,
    /// Those of them with a date that is one day off.
    pub next_day: u64,
    /// The rows with another spelling.
    pub spelling: Group,
}

impl EchoTally {
    /// Counts an updated row.
    pub(super) fn add(&mut self, entry: &Entry<'_>, position: Position) {
        self.rows += u64::from(!entry.echo.is_empty());
        for field in entry.echo.iter() {
            let rows = self.fields.entry(field).or_default();
            rows.differs.add(position);
            let is_next_day = field == Field::DateOfBirth && entry.echo_next_day;
            rows.next_day += u64::from(is_next_day);
        }
        for field in entry.echo_spelling.iter() {
            let rows = self.fields.entry(field).or_default();
            rows.spelling.add(position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Outcome;

    #[test]
    fn each_field_counts_its_rows() {
        let mut tally = EchoTally::default();
        let mut add = |row: u64, echo: &[Field], spelling: &[Field], echo_next_day: bool| {
            let entry = Entry {
                echo: echo.iter().copied().collect(),
                echo_spelling: spelling.iter().copied().collect(),
                echo_next_day,
                ..Entry::of_row(row, Outcome::Updated)
            };
            let (input, line) = (0, row + 1);
            tally.add(&entry, Position { row, input, line });
        };
        add(1, &[], &[], false);
        add(2, &[Field::Email, Field::DateOfBirth], &[], true);
        add(3, &[Field::DateOfBirth], &[Field::Email], false);
        add(4, &[], &[Field::Email], false);
        let fields: Vec<_> = tally
            .fields
            .iter()
            .map(|(field, rows)| {
                let (differs, spelling) = (rows.differs.rows, rows.spelling.rows);
                (field.name(), differs, rows.next_day, spelling)
            })
            .collect();
        assert_eq!(tally.rows, 2);
        assert_eq!(fields, [("email", 1, 0, 2), ("date_of_birth", 2, 1, 0)]);
    }
}
