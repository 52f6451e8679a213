//! The errors of reading or refreshing a token.

use crate::text::utc_second;
use jiff::Timestamp;

use crate::api::http::options::HttpError;
use crate::api::token::oauth::OauthError;
use crate::api::token::secret::TokenError;

/// An error of reading or refreshing a token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The token file.
    #[error(transparent)]
    File(#[from] TokenError),
    /// The token endpoint.
    #[error(transparent)]
    Endpoint(#[from] OauthError),
    /// The refresh token was most likely spent by a request whose answer was lost.
    #[error(
        "{error}: a refresh that began at {} was cut off, because the process was killed or the connection broke, and the server may have spent the refresh token then", utc_second(*.began)
    )]
    CutOff {
        /// The time of that request.
        began: Timestamp,
        /// The server's answer now.
        error: OauthError,
    },
    /// No HTTP client can be built for the endpoint.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// The refresh token would be sent unencrypted.
    #[error("the token file's token_url is plain http to {host}: use https, or --allow-http")]
    PlainHttp {
        /// The URL's host.
        host: String,
    },
}
