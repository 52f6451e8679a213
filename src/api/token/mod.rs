//! The bearer token: where it comes from, and how it is refreshed.

pub mod authorize;
pub(crate) mod endpoint;
pub(super) mod file;
pub(crate) mod file_watch;
pub mod oauth;
pub(crate) mod refresh_error;
pub(super) mod saving;
pub(crate) mod secret;
pub(crate) mod source;
pub(crate) mod tokens;
pub(crate) mod unfinished;
