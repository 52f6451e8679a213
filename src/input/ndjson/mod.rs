//! NDJSON: one JSON object a line.
//!
//! - `lines`: the lines of a block
//! - `rows`: reads each line, by the fast path or the general parser
//! - `plain_object`, `string_scanner`: the fast path
//! - `object`: takes the members of an object into a builder of an update
//! - `layout`: the keys of an input
//! - `members`, `json_shape`: repeated members, and messages for JSON that is not NDJSON

pub(crate) mod json_shape;
pub(crate) mod layout;
pub(crate) mod lines;
pub(crate) mod members;
pub(crate) mod object;
pub(crate) mod plain_object;
pub(crate) mod rows;
pub(crate) mod string_scanner;
