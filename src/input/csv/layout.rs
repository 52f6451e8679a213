//! The layout of a CSV input: its dialect and columns.

use bytes::Bytes;

use crate::input::bytes::decode::Bom;
use crate::input::bytes::dialect::{Delimiter, Dialect};
use crate::input::mapping::header::Columns;
use crate::input::mapping::own_columns::OwnColumns;
use crate::input::options::Ragged;

/// The columns of a CSV input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvLayout {
    pub(crate) dialect: Dialect,
    pub(crate) ragged: Ragged,
    pub(crate) header: Bytes,
    pub(crate) columns: Columns,
    pub(crate) own: OwnColumns,
    pub(crate) bom: Bom,
}

impl CsvLayout {
    /// The byte between two fields.
    pub fn delimiter(&self) -> Delimiter {
        self.dialect.delimiter
    }

    /// Returns the dialect of the records.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the number of columns at the start that custsync added.
    pub fn own_columns(&self) -> usize {
        self.own.leading
    }

    /// Returns the columns' names, in order.
    pub fn names(&self) -> &[String] {
        &self.columns.names
    }

    /// Returns the header as written in the input, without its line end and without the columns
    /// that custsync added at the start.
    pub fn header(&self) -> &[u8] {
        &self.header
    }
}
