//! The bearer token: where it comes from, and how it is refreshed.
//!
//! [`source`] is what a run uses: it reads a token and refreshes it. `secret` is a checked token,
//! `tokens` the content of a token file. `file`, `saving` and `unfinished` read, lock and replace
//! that file without losing a login, and `file_watch` notices when another program replaces it.
//! [`authorize`] logs in, and [`oauth`] speaks with the token endpoint through the client of
//! `endpoint`.

pub(crate) mod authorize;
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
