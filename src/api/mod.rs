//! The API over HTTP: one request, one [`Attempt`](crate::contract::Attempt). Nothing here decides whether to send again.

mod client;
mod rate_headers;
mod reading;
mod server_error;
mod token;

pub use client::{Api, ApiError, ApiOptions, Proxies, Transport};
pub use token::{Token, TokenError, TokenSource};
