//! The API over HTTP: one request, one [`Attempt`](crate::contract::Attempt). Nothing here decides whether to send again.

mod client;
mod http;
mod rate_headers;
mod reading;
mod server_error;
mod token;

pub use client::{Api, ApiOptions};
pub use http::{HttpError, HttpOptions, Proxies, Transport};
pub use token::{Token, TokenError, TokenSource};
