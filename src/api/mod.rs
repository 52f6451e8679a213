//! The API over HTTP: one request, one [`Attempt`](crate::contract::Attempt), and the token that authorizes it. Nothing here
//! decides whether to send again.

mod address;
pub mod authorize;
mod body;
mod client;
mod endpoint;
mod fault;
mod file_watch;
mod http;
mod lanes;
pub mod oauth;
mod proxy;
pub mod rate_headers;
pub mod reading;
mod route;
mod seen;
mod server_error;
mod shown;
mod token;
pub mod token_file;
mod token_source;
mod tokens;
mod unfinished;

pub use address::{foreign_part, is_loopback};
pub use client::{Api, ApiOptions};
pub use endpoint::{EndpointOptions, PlainHttp};
pub use file_watch::FileWatch;
pub use http::{HttpError, HttpOptions, Protocol, Proxies, Transport};
pub use route::Route;
pub use shown::shown_request;
pub use token::{LoginFlaw, Token, TokenError, TokenFlaw};
pub use token_source::{
    Grant, LoginLost, Occasion, Origin, RenewalError, Renewed, Stopping, TokenSource, with_causes,
};
