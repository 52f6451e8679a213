//! Cuts text into blocks of whole records.
//!
//! - `block`: a block, and its limits
//! - `cutter`: reads a stream and cuts it into blocks
//! - `framing`: finds the ends of records without reading fields
//! - `index`: the structural index of a CSV text: cell ends, line ends and quotes as bits
//! - `chunk`, `escaping`: parts of the index

pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod cutter;
pub(crate) mod escaping;
pub(crate) mod framing;
pub(crate) mod index;
