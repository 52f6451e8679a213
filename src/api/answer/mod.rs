//! Reads an answer of the API into plain values: [`reading`] is the entry point, `body` classifies
//! the JSON with the visitors of `seen`, [`rate_headers`] reads `Retry-After`, the rate window and
//! the server's clock, and `server_error` keeps the part of an error that may be shown.

pub(crate) mod body;
pub mod rate_headers;
pub mod reading;
pub(crate) mod seen;
pub(crate) mod server_error;
