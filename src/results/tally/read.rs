//! Counts of the rows that were read, whether or not they have an outcome.

use std::collections::BTreeMap;

use super::Group;
use crate::contract::{Field, RowNotes, Warning, Warnings};
use crate::row::Position;
use crate::row::duplicates::Occurrence;

/// Counts of the rows that were read, whether or not they have an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowsRead {
    /// Rows.
    pub rows: u64,
    /// The last row.
    pub last_row: Option<u64>,
    /// Rows with a date that was normalised.
    pub dates_normalised: u64,
    /// Rows that leave out fields of the contract.
    pub fields_left_out: u64,
    /// Rows with fields that are not sent because later rows had set them.
    pub fields_overtaken: u64,
    /// Lines with only delimiters, which do not count as rows.
    pub blank_rows: u64,
    /// Valid rows with a warning.
    pub warnings: BTreeMap<(Field, Warning), Group>,
    /// Valid rows that duplicate the customer of an earlier valid row.
    pub duplicates: Group,
    /// Rows that are not sent because of a later row of their customer.
    pub superseded: u64,
    /// Rows of other shards.
    pub elsewhere: u64,
    /// The last row that was compared with earlier ones, if later ones were not.
    pub compared_to: Option<u64>,
}

impl RowsRead {
    /// Counts a valid row.
    pub fn add_valid(&mut self, position: Position, notes: RowNotes) {
        self.add_invalid(position);
        self.dates_normalised += u64::from(notes.date_normalised);
        self.fields_left_out += u64::from(notes.fields_left_out);
        self.fields_overtaken += u64::from(!notes.overtaken.is_empty());
        if !notes.warnings.is_empty() {
            self.add_warnings(position, notes.warnings);
        }
    }

    #[cold]
    fn add_warnings(&mut self, position: Position, warnings: Warnings) {
        for about in warnings.iter() {
            self.warnings.entry(about).or_default().add(position);
        }
    }

    /// Counts a valid row of which nothing is sent, since later rows had set all of its fields.
    pub fn add_overtaken(&mut self, position: Position, notes: RowNotes) {
        self.add_valid(position, notes);
        self.superseded += 1;
    }

    /// Counts a row without further facts.
    pub fn add_invalid(&mut self, position: Position) {
        self.rows += 1;
        self.last_row = Some(position.row);
    }

    /// Counts a row of another shard.
    pub fn add_elsewhere(&mut self, position: Position) {
        self.add_invalid(position);
        self.elsewhere += 1;
    }

    /// Counts the occurrence of a valid row's customer.
    pub fn add_occurrence(&mut self, position: Position, occurrence: Occurrence) {
        match occurrence {
            // A refused row counts as invalid.
            Occurrence::Sent | Occurrence::Refused => {}
            Occurrence::Superseded => self.superseded += 1,
            Occurrence::SentAgain => self.duplicates.add(position),
            Occurrence::SentInstead { lost } => {
                for field in lost.iter() {
                    self.warnings
                        .entry((field, Warning::LostWithEarlierRow))
                        .or_default()
                        .add(position);
                }
            }
            Occurrence::Unknown => self.compared_to = self.compared_to.or(Some(position.row - 1)),
        }
    }

    /// Adds the counts of later rows.
    pub fn append(&mut self, later: &RowsRead) {
        self.rows += later.rows;
        self.last_row = later.last_row.or(self.last_row);
        self.dates_normalised += later.dates_normalised;
        self.fields_left_out += later.fields_left_out;
        self.fields_overtaken += later.fields_overtaken;
        self.blank_rows += later.blank_rows;
        for (about, group) in &later.warnings {
            self.warnings.entry(*about).or_default().append(group);
        }
        self.duplicates.append(&later.duplicates);
        self.superseded += later.superseded;
        self.elsewhere += later.elsewhere;
        self.compared_to = self.compared_to.or(later.compared_to);
    }

    /// Moves the row numbers by the number of rows before these.
    pub fn move_behind(&mut self, rows_before: u64) {
        let groups = self.warnings.values_mut().chain([&mut self.duplicates]);
        let places = groups.flat_map(|group| &mut group.first);
        for row in places
            .map(|place| &mut place.row)
            .chain(&mut self.last_row)
            .chain(&mut self.compared_to)
        {
            *row += rows_before;
        }
    }
}
