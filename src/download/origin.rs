//! The two ways to a file: from a server, and from object storage. Both answer with the same kind of
//! head, so that all else is the same.

use bytes::Bytes;

use crate::api::{FetchError, Fetcher, FileBody, FileHead, NoAnswer, Wanted};
use crate::contract::Fault;
use crate::download::address::{Address, Place};
use crate::download::fault::DownloadFault;
use crate::download::options::DownloadOptions;
use crate::objects::{Bucket, ObjectBody, ObjectFault};

/// The way to a file.
pub(super) enum Origin {
    Server(Fetcher),
    Object { bucket: Bucket, key: String },
}

/// The bytes behind the head of an answer.
pub(super) enum FileBytes {
    Server(FileBody),
    Object(ObjectBody),
}

/// The reason why there is no answer to read.
pub(super) enum Unread {
    Fetch(FetchError),
    Object(ObjectFault),
}

impl Origin {
    /// Returns the way to the file at this address.
    pub(super) fn of(
        address: &Address,
        options: &DownloadOptions,
    ) -> Result<Origin, DownloadFault> {
        match address.place() {
            Place::Server(url) => Ok(Origin::Server(Fetcher::new(
                (**url).clone(),
                options.ca_file.clone(),
                options.idle_max,
            ))),
            Place::Object(address) => Ok(Origin::Object {
                bucket: Bucket::open(address, &options.of_buckets())
                    .map_err(|fault| DownloadFault::Object(Box::new(fault)))?,
                key: address.key().to_owned(),
            }),
        }
    }

    /// Asks for the file, or for a part of it.
    pub(super) async fn get(&mut self, wanted: &Wanted) -> Result<(FileHead, FileBytes), Unread> {
        match self {
            Origin::Server(fetcher) => {
                let (head, body) = fetcher.get(wanted).await.map_err(Unread::Fetch)?;
                Ok((head, FileBytes::Server(body)))
            }
            Origin::Object { bucket, key } => {
                let got = bucket.get(key, wanted.part.as_ref()).await;
                let (head, body) = got.map_err(Unread::Object)?;
                Ok((head, FileBytes::Object(body)))
            }
        }
    }
}

impl FileBytes {
    /// Returns the next bytes, or `None` at the end of the answer.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            FileBytes::Server(body) => body.chunk().await,
            FileBytes::Object(body) => body.chunk().await,
        }
    }
}

impl Unread {
    /// Returns the cause in words, if it may pass. Before any sign of life, a mistake in an address
    /// or a setting does not.
    pub(super) fn passing(&self, has_begun: bool) -> Option<String> {
        match self {
            Unread::Fetch(FetchError::NoAnswer(NoAnswer { fault, explained }))
            | Unread::Object(ObjectFault::NoAnswer(NoAnswer { fault, explained })) => {
                (has_begun || may_pass(*fault)).then(|| explained.clone())
            }
            // They were there before.
            Unread::Object(fault @ ObjectFault::NoCredentials { .. }) => {
                has_begun.then(|| fault.to_string())
            }
            Unread::Fetch(_) | Unread::Object(_) => None,
        }
    }
}

impl From<Unread> for DownloadFault {
    fn from(unread: Unread) -> DownloadFault {
        match unread {
            Unread::Fetch(error) => error.into(),
            Unread::Object(ObjectFault::Replaced) => DownloadFault::Replaced,
            Unread::Object(ObjectFault::NoAnswer(no_answer)) => {
                DownloadFault::Unreachable(no_answer.explained)
            }
            Unread::Object(fault) => DownloadFault::Object(Box::new(fault)),
        }
    }
}

/// Whether a fault before any sign of life may pass. Others are mistakes in an address or a setting.
fn may_pass(fault: Fault) -> bool {
    match fault {
        Fault::NameUnknown | Fault::Tls(_) | Fault::Proxy(_) => false,
        Fault::Refused
        | Fault::Unreachable
        | Fault::NotConnected
        | Fault::ConnectTimeout
        | Fault::Broken
        | Fault::Timeout
        | Fault::NotProcessed
        | Fault::Unanswered
        | Fault::LookupFailed
        | Fault::NoSockets => true,
    }
}
