//! Why a token could not be had.

use jiff::Timestamp;

use crate::api::http::options::HttpError;
use crate::api::token::oauth::OauthError;
use crate::api::token::secret::TokenError;

/// Why a token could not be renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The file.
    #[error(transparent)]
    File(#[from] TokenError),
    /// The token endpoint.
    #[error(transparent)]
    Endpoint(#[from] OauthError),
    /// The refresh token was most likely spent by a request whose answer never came to be kept.
    #[error(
        "{error}: a renewal that began at {} was cut off, because the process was killed or the connection broke, and the server may have spent the refresh token then", shown_time(*.began)
    )]
    CutOff {
        /// When that request began.
        began: Timestamp,
        /// What the server says now.
        error: OauthError,
    },
    /// No client can be made for it.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// The refresh token would be sent in the open.
    #[error("the token file's token_url is plain http to {host}: use https, or --allow-http")]
    PlainHttp {
        /// The URL's host.
        host: String,
    },
}

pub(crate) fn shown_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
