//! From cells to fields: which column fills which field, and what a cell's text means.
//!
//! - `header`, `columns`, `target`, `loose_names`: the columns of a header, by the API's names,
//!   `--map` and `--ignore`
//! - `rule_places`: where the user's rules for columns are
//! - `column_fault`, `column_hints`, `names`: messages about columns, and which names may be shown
//! - `cell_rules`, `null_strings`, `value_maps`, `constants`: the user's rules for values
//! - `cell_writer`, `odd_text`: from a cell to the builder of an update, with a fast path
//! - `own_columns`, `own_part`, `withheld`: what custsync wrote into failed rows
//! - `record`, `explained`: a checked row, of any format, and how its cells were read
//! - `proposal`: what each column probably fills, for a person to complete
//! - `record_layout`: the interface of all formats

pub(crate) mod cell_rules;
pub(crate) mod cell_writer;
pub(crate) mod column_fault;
pub(crate) mod column_hints;
pub(crate) mod columns;
pub(crate) mod constants;
pub(crate) mod explained;
pub(crate) mod header;
pub(crate) mod kept_value;
pub(crate) mod loose_names;
pub(crate) mod names;
pub(crate) mod null_strings;
pub(crate) mod odd_text;
pub(crate) mod own_columns;
pub(crate) mod own_part;
pub(crate) mod proposal;
pub(crate) mod record;
pub(crate) mod record_layout;
pub(crate) mod rule_places;
pub(crate) mod target;
pub(crate) mod value_maps;
pub(crate) mod withheld;
