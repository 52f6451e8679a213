//! The reasons why a file cannot be read from an address, or not any further. None of them repeats
//! what a server sends, nor the address, which the place of the error names.

use crate::api::{FetchError, HttpError, TokenError};
use crate::objects::ObjectFault;

/// A reason why a file cannot be read from its address.
#[derive(Debug, thiserror::Error)]
pub enum DownloadFault {
    /// The settings for HTTP cannot be used.
    #[error("cannot be asked for")]
    Settings(#[source] HttpError),
    /// This machine has no resources for a connection.
    #[error("cannot be asked for")]
    Runtime(#[source] std::io::Error),
    /// The token for the server cannot be read.
    #[error("cannot be asked for, as --input-token-file names no token")]
    Token(#[source] TokenError),
    /// The server cannot be reached as long as something is not set right, or redirects too far.
    #[error("cannot be read: {0}")]
    Unreachable(String),
    /// The server refuses the request, which had no token.
    #[error(
        "cannot be read: the server refuses it without a token ({status}): give one with --input-token-file FILE, or a new address if it is one that expires"
    )]
    Refused {
        /// The status.
        status: u16,
    },
    /// The server refuses the token.
    #[error(
        "cannot be read: the server refuses the token of --input-token-file ({status}): get a new one, or one that may read this file"
    )]
    TokenRefused {
        /// The status.
        status: u16,
    },
    /// There is no such file.
    #[error("cannot be read: the server has no such file ({status}): is the address right?")]
    NotFound {
        /// The status.
        status: u16,
    },
    /// The server answers something else than the file.
    #[error(
        "cannot be read: the server answers {status} instead of the file: is the address right?"
    )]
    Unexpected {
        /// The status.
        status: u16,
    },
    /// The file is sent in an encoding that was not asked for and cannot be undone.
    #[error(
        "cannot be read: the server compresses it on the way (Content-Encoding) in another way than gzip and zstd, although it was asked not to: download it first"
    )]
    Encoded,
    /// The object cannot be read.
    #[error("cannot be read: {0}")]
    Object(Box<ObjectFault>),
    /// More bytes came than the server announced.
    #[error(
        "cannot be read on: the server sends more than the {bytes} bytes that it announced: download it first"
    )]
    TooLong {
        /// The length that it announced.
        bytes: u64,
    },
    /// The file is another one than at the beginning.
    #[error(
        "was replaced while it was read, so nothing after this place is used: run this again when it is written"
    )]
    Replaced,
    /// The server let nothing through for too long.
    #[error(
        "cannot be read for the moment: {cause}, and nothing came for {lasted_s} s (--max-wait): run this again later"
    )]
    Outage {
        /// The cause of the last failure.
        cause: String,
        /// The time that was waited for.
        lasted_s: u64,
    },
    /// The server names a wait that is too long.
    #[error(
        "cannot be read for the moment: the server asks to wait for {wait_s} s ({status}), which is longer than --max-wait: run this again later"
    )]
    WaitTooLong {
        /// The status.
        status: u16,
        /// The wait that it names.
        wait_s: u64,
    },
}

/// The kinds of faults, by what a user does about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The address, the token or a setting has to change.
    Unusable,
    /// Waiting helps.
    Outage,
    /// The file is another one now.
    Replaced,
}

impl DownloadFault {
    /// Returns the kind of the fault.
    pub(crate) fn kind(&self) -> FaultKind {
        match self {
            DownloadFault::Settings(_)
            | DownloadFault::Runtime(_)
            | DownloadFault::Token(_)
            | DownloadFault::Unreachable(_)
            | DownloadFault::Refused { .. }
            | DownloadFault::TokenRefused { .. }
            | DownloadFault::NotFound { .. }
            | DownloadFault::Unexpected { .. }
            | DownloadFault::Encoded
            | DownloadFault::Object(_)
            | DownloadFault::TooLong { .. } => FaultKind::Unusable,
            DownloadFault::Outage { .. } | DownloadFault::WaitTooLong { .. } => FaultKind::Outage,
            DownloadFault::Replaced => FaultKind::Replaced,
        }
    }
}

impl From<FetchError> for DownloadFault {
    fn from(error: FetchError) -> DownloadFault {
        match error {
            FetchError::Settings(error) => DownloadFault::Settings(error),
            error => DownloadFault::Unreachable(error.to_string()),
        }
    }
}

impl From<DownloadFault> for std::io::Error {
    /// Wraps the fault in the error type of readers.
    fn from(fault: DownloadFault) -> std::io::Error {
        std::io::Error::other(fault)
    }
}
