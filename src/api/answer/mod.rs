//! What an answer says: its body, its headers, its error.

pub(crate) mod body;
pub mod rate_headers;
pub mod reading;
pub(crate) mod seen;
pub(crate) mod server_error;
