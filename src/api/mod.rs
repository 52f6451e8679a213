//! The API over HTTP: sends one request and returns one [`Attempt`](crate::contract::Attempt).
//! Nothing here decides whether to send again.
//!
//! `client` builds requests about customers, `http` has the connections below it, `answer` reads
//! what comes back, and `token` gets, keeps and refreshes the token. `shown` formats a request for
//! the screen.

mod answer;
mod client;
mod http;
mod shown;
mod token;

pub use answer::{rate_headers, reading};
pub use client::{Api, ApiOptions};
pub use http::address::{foreign_part, is_loopback};
pub use http::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
pub use http::route::Route;
pub use shown::shown_request;
pub use token::endpoint::{EndpointOptions, PlainHttp};
pub use token::file_watch::FileWatch;
pub use token::refresh_error::RefreshError;
pub use token::secret::{LoginFlaw, Token, TokenError, TokenFlaw};
pub use token::source::{
    Grant, LoginLost, Origin, RefreshCause, RefreshResult, Stopping, TokenSource,
};
pub use token::{authorize, oauth};

/// Reads and writes files of tokens.
pub mod token_file {
    pub use super::token::file::load;
    pub use super::token::saving::{remove, save};
    pub use super::token::tokens::Tokens;
}
