//! From cells to fields: which column fills which field, and how a cell is read.

pub(crate) mod cell_rules;
pub(crate) mod column_fault;
pub(crate) mod columns;
pub(crate) mod constants;
pub(crate) mod draft_writer;
pub(crate) mod header;
pub(crate) mod loose_names;
pub(crate) mod names;
pub(crate) mod null_strings;
pub(crate) mod odd_text;
pub(crate) mod own_columns;
pub(crate) mod record;
pub(crate) mod target;
pub(crate) mod value_maps;
pub(crate) mod withheld;
