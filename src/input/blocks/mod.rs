//! Cuts text into blocks of whole records.

pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod cutter;
pub(crate) mod escaping;
pub(crate) mod framing;
pub(crate) mod index;
