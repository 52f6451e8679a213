//! CSV: from a block to records, cells and rows.
//!
//! - `records`: records and cells
//! - `quoting`: cells with quotes or escapes that need a closer look
//! - `rows`: reads the cells of a record into a builder of an update
//! - `uneven`, `joined`: rows that are refused because their cells do not fit the header
//! - `layout`: the columns of an input
//! - `own_part`: what custsync wrote into a failed row
//! - `kept`: the cells of a failed row for a workbook
//! - `header`: the columns that the first record or the user names
//! - `first_record`, `header_below`: detection of the delimiter and the header

pub(crate) mod first_record;
pub(crate) mod header;
pub(crate) mod header_below;
pub(crate) mod joined;
pub(crate) mod kept;
pub(crate) mod layout;
pub(crate) mod own_part;
pub(crate) mod quoting;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod uneven;
