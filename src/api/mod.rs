//! The API over HTTP: sends one request and returns one [`Attempt`](crate::contract::Attempt).
//! Nothing here decides whether to send again.
//!
//! `client` builds requests about customers, `http` has the connections below it, `answer` reads
//! what comes back, and `token` gets, keeps and refreshes the token. `shown` formats a request for
//! the screen. `webhook` tells other services about a run.

mod answer;
mod client;
mod http;
mod shown;
mod token;
mod webhook;

pub use answer::{rate_headers, reading};
pub(crate) use client::{Api, ApiOptions, Update};
pub(crate) use http::address::{foreign_part, is_loopback};
pub(crate) use http::fetch::{FetchError, Fetcher, FileBody, FileHead, Wanted, WantedPart};
#[cfg(feature = "object-storage")]
pub(crate) use http::file_server::FileServer;
pub(crate) use http::file_server::NoAnswer;
pub(crate) use http::options::{HttpError, HttpOptions, Protocol, Proxies, Transport};
pub(crate) use http::push::{PushError, Pusher};
pub(crate) use http::route::Route;
pub(crate) use http::secret_address::{SecretAddress, SecretAddressError, Unencrypted};
pub(crate) use shown::shown_request;
pub(crate) use token::authorize;
pub(crate) use token::endpoint::{EndpointOptions, PlainHttp};
pub(crate) use token::file_watch::FileWatch;
pub use token::oauth;
pub use token::secret::{LoginFlaw, Token};
pub(crate) use token::secret::{TokenError, TokenFlaw};
pub(crate) use token::source::{Grant, Origin, RefreshCause, RefreshResult, TokenSource};
pub(crate) use webhook::{Patience, Payload, Webhook};

/// Reads and writes files of tokens.
pub mod token_file {
    pub use crate::api::token::file::load;
    pub use crate::api::token::saving::{remove, save};
    pub use crate::api::token::tokens::Tokens;
}
