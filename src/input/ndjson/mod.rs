//! JSON: objects, one a line (NDJSON) or as the elements of an array.
//!
//! - `records`: the lines or elements of a block
//! - `rows`: reads each record, by the fast path or the general parser
//! - `plain_object`, `string_scanner`: the fast path
//! - `object`: takes the members of an object into a builder of an update
//! - `layout`: the keys of an input
//! - `own_part`: what custsync wrote into a failed row
//! - `members`, `json_shape`: repeated members, and messages for JSON that is not NDJSON
//! - `array_in_object`: the array of rows in an input that is one object

pub(crate) mod array_in_object;
pub(crate) mod json_shape;
pub(crate) mod layout;
pub(crate) mod members;
pub(crate) mod object;
pub(crate) mod own_part;
pub(crate) mod plain_object;
pub(crate) mod records;
pub(crate) mod rows;
pub(crate) mod string_scanner;
