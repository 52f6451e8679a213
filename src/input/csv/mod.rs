//! CSV: records, cells and quotes.

pub(crate) mod first_record;
pub(crate) mod header_below;
pub(crate) mod joined;
pub(crate) mod layout;
pub(crate) mod quoting;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod uneven;
