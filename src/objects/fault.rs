//! The reasons why objects cannot be read, listed or written. None of them holds a secret: neither a
//! URL of a request, which may be signed, nor the words of a server.

use crate::api::{HttpError, NoAnswer};
use crate::objects::address::Provider;
use crate::objects::refusal::Refusal;

/// A reason why objects cannot be read, listed or written.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFault {
    /// The program was built without the feature.
    #[error(
        "this custsync was built without object storage (its cargo feature `object-storage`): use one that has it"
    )]
    NotBuiltIn,
    /// The settings for HTTP cannot be used.
    #[error("the settings for connections cannot be used")]
    Settings(#[source] HttpError),
    /// The settings in the environment cannot be used.
    #[error("the settings for {provider} in the environment cannot be used: {cause}: {}", provider.variables())]
    Environment {
        /// The provider.
        provider: Provider,
        /// The cause in words.
        cause: String,
    },
    /// Plain HTTP to another machine.
    #[error(
        "{server} is asked over plain http, which would send the data unencrypted: use https, or allow it with AWS_ALLOW_HTTP=true or --allow-http"
    )]
    PlainHttp {
        /// Host and port.
        server: String,
    },
    /// Nothing to authenticate with.
    #[error("there are no credentials for {provider} ({cause}): {}", provider.variables())]
    NoCredentials {
        /// The provider.
        provider: Provider,
        /// The cause in words.
        cause: String,
    },
    /// No answer came.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    /// The server refuses.
    #[error("{0}")]
    Refused(Refusal),
    /// The object is not the one that the rest was asked of.
    #[error("the object was replaced")]
    Replaced,
    /// The answer is not one of the provider.
    #[error("the server's answer ({status}) is not one of {provider}: is the address right?")]
    Unexpected {
        /// The provider.
        provider: Provider,
        /// The status.
        status: u16,
    },
    /// More objects than a command reads.
    #[error("there are more than {most} objects: name a longer prefix")]
    TooManyObjects {
        /// The most objects.
        most: usize,
    },
    /// A file that is too large for one object.
    #[error("the file is larger than {gib} GiB")]
    TooLarge {
        /// The most GiB.
        gib: u64,
    },
    /// The file that is to be written cannot be read.
    #[error("the file cannot be read")]
    File(#[source] std::io::Error),
}

impl ObjectFault {
    /// Whether another try may do better.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            ObjectFault::NoAnswer(_) => true,
            ObjectFault::Refused(refusal) => refusal.may_pass(),
            ObjectFault::NotBuiltIn
            | ObjectFault::Settings(_)
            | ObjectFault::Environment { .. }
            | ObjectFault::PlainHttp { .. }
            | ObjectFault::NoCredentials { .. }
            | ObjectFault::Replaced
            | ObjectFault::Unexpected { .. }
            | ObjectFault::TooManyObjects { .. }
            | ObjectFault::TooLarge { .. }
            | ObjectFault::File(_) => false,
        }
    }
}
