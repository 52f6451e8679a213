//! Reads a file from an address as a stream of bytes. A connection that breaks is continued where it
//! broke, if the server's file is still the same; otherwise the reading ends with an error.
//!
//! `address` is the address: of a server, of which only scheme, host and path are ever shown, or of
//! object storage. `origin` asks either of them. `version` compares
//! what a server says of its file, and `answer` decides what an answer means; both are pure.
//! `reader` carries that out, within the patience of `patience`. `fault` has the reasons why a file
//! cannot be read, or not any further.

mod address;
mod answer;
mod fault;
mod options;
mod origin;
mod patience;
mod reader;
#[cfg(test)]
mod tests;
mod token;
mod version;

pub(crate) use address::{Address, AddressError, has_hidden_query, shown_word};
pub(crate) use fault::{DownloadFault, FaultKind};
pub(crate) use options::DownloadOptions;
pub(crate) use reader::Download;
pub(crate) use version::StrongVersion;
