//! NDJSON: one JSON object a line.

pub(crate) mod json_shape;
pub(crate) mod layout;
pub(crate) mod lines;
pub(crate) mod members;
pub(crate) mod object;
pub(crate) mod plain_object;
pub(crate) mod rows;
pub(crate) mod string_scanner;
