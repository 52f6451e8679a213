//! The columns and cells of kept rows, as they are written into a workbook.

use std::borrow::Cow;

/// A column of an input, without those that custsync added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeptColumn<'l> {
    /// The name; empty if it has none.
    pub(crate) name: &'l str,
    /// Whether cells of the column are to be text.
    pub(crate) is_text: bool,
}

/// A row from which custsync's part was removed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct KeptRow<'r> {
    /// The cells that are not empty, by ascending columns. Columns are counted from 0, without
    /// custsync's.
    pub(crate) cells: Vec<(usize, KeptValue<'r>)>,
    /// Whether the row has as many columns as the header.
    pub(crate) fit: ColumnFit,
}

/// The number of a row's columns, compared with that of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColumnFit {
    /// Fewer.
    Short,
    /// The same.
    Even,
    /// More.
    Long,
}

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeptValue<'r> {
    /// Text.
    Text(Cow<'r, str>),
    /// A number, as it is written.
    Number(&'r str),
    /// A number of the 1900 date system that is displayed as a date.
    Day(f64),
    /// A date in ISO 8601 that has no such number.
    IsoDate(Cow<'r, str>),
    /// A boolean.
    Boolean(bool),
    /// A spreadsheet error, as shown.
    Error(&'static str),
}
