//! Blocks of whole records, and the sources that they come from.
//!
//! - `source`: the interface of all sources of rows
//! - `block`: a block, and its limits
//! - `cutter`: reads a stream and cuts it into blocks
//! - `framing`: finds the ends of records without reading fields
//! - `array`: finds the ends of the elements of a JSON array
//! - `typed`: records whose cells their source has typed
//! - `index`: the structural index of a CSV text: cell ends, line ends and quotes as bits
//! - `chunk`, `escaping`: parts of the index

pub(crate) mod array;
pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod cutter;
pub(crate) mod escaping;
pub(crate) mod framing;
pub(crate) mod index;
pub(crate) mod source;
pub(crate) mod typed;
