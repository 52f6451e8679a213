//! What was read, whether or not it came to an outcome.

use super::Group;
use crate::contract::Notes;
use crate::row::{Content, Position, Row};

/// What was read, whether or not it came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowsRead {
    /// Rows.
    pub rows: u64,
    /// The last of them.
    pub last_row: Option<u64>,
    /// Rows whose date was brought into another form.
    pub dates_normalised: u64,
    /// Rows that leave fields of the contract out.
    pub fields_left_out: u64,
    /// Rows whose e-mail address has a domain without a dot.
    pub domains_without_dot: Group,
}

impl RowsRead {
    /// Counts a row.
    pub fn add(&mut self, row: &Row) {
        match &row.content {
            Content::Update { notes, .. } => self.add_valid(row.position, *notes),
            Content::Invalid(_) => self.add_invalid(row.position),
        }
    }

    /// Counts a row that keeps the contract.
    pub fn add_valid(&mut self, position: Position, notes: Notes) {
        self.add_invalid(position);
        self.dates_normalised += u64::from(notes.date_normalised);
        self.fields_left_out += u64::from(notes.fields_left_out);
        if notes.email_domain_without_dot {
            self.domains_without_dot.add(position);
        }
    }

    /// Counts a row of which nothing else is known.
    pub fn add_invalid(&mut self, position: Position) {
        self.rows += 1;
        self.last_row = Some(position.row);
    }

    /// Adds rows that come behind these.
    pub fn append(&mut self, later: &RowsRead) {
        self.rows += later.rows;
        self.last_row = later.last_row.or(self.last_row);
        self.dates_normalised += later.dates_normalised;
        self.fields_left_out += later.fields_left_out;
        self.domains_without_dot.append(&later.domains_without_dot);
    }

    /// Numbers the rows as ones that so many rows come before.
    pub fn move_behind(&mut self, rows_before: u64) {
        for row in self.last_row.iter_mut().chain(self.domains_without_dot.first.iter_mut().map(|first| &mut first.row))
        {
            *row += rows_before;
        }
    }
}
