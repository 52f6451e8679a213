//! One bucket: reads, lists and writes its objects. Each call is one try.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::list::PaginatedListOptions;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use tokio::time::{sleep, timeout};

use crate::api::{FileHead, WantedPart};
use crate::contract::Fault;
use crate::objects::address::{ObjectAddress, Provider};
use crate::objects::connector::{Answer, Connector, Seen};
use crate::objects::fault::ObjectFault;
use crate::objects::listing::{Depth, Listing, OBJECTS_LISTED_MAX};
use crate::objects::refusal::{Operation, Refusal, may_pass};
use crate::objects::settings::{Client, client};
use crate::objects::{BucketOptions, Content, upload};
use crate::text;

/// The longest time for getting credentials. A machine without a role may not answer at all.
const CREDENTIALS_TIME_MAX: Duration = Duration::from_secs(5);
/// The number of times that a server in trouble is asked for credentials, and the pause between them.
const CREDENTIALS_ATTEMPTS: u32 = 3;
const CREDENTIALS_PAUSE: Duration = Duration::from_millis(500);
/// The most characters of an error of the library.
const CAUSE_CHARACTERS_MAX: usize = 300;
/// The delimiter of folders in keys.
const DELIMITER: &str = "/";

/// One bucket.
pub(crate) struct Bucket {
    provider: Provider,
    client: Client,
    connector: Connector,
    idle_max: Duration,
}

/// The bytes of an object.
pub(crate) struct ObjectBody {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    idle_max: Duration,
}

impl Bucket {
    /// Returns the bucket of this address. No request is sent.
    pub(crate) fn open(
        address: &ObjectAddress,
        options: &BucketOptions,
    ) -> Result<Bucket, ObjectFault> {
        let provider = address.provider();
        let connector = Connector::new(provider, options.clone());
        match client(address, connector.clone()) {
            Ok(client) => Ok(Bucket {
                provider,
                client,
                connector,
                idle_max: options.idle_max,
            }),
            Err(error) => Err(ObjectFault::Environment {
                provider,
                cause: cause(&error),
            }),
        }
    }

    /// Reads an object, or the rest of it. The head is that of the answer, also if it is one of a
    /// server in trouble; then no bytes follow.
    pub(crate) async fn get(
        &self,
        key: &str,
        part: Option<&WantedPart>,
    ) -> Result<(FileHead, ObjectBody), ObjectFault> {
        self.check_credentials().await?;
        let is_tag = |validator: &&WantedPart| validator.if_range.starts_with('"');
        let options = GetOptions {
            range: part.map(|part| GetRange::Offset(part.from)),
            if_match: part.filter(is_tag).map(|part| part.if_range.clone()),
            ..GetOptions::default()
        };
        let got = (self.client.store)
            .get_opts(&self.path(key)?, options)
            .await;
        let idle_max = self.idle_max;
        let body = |stream| ObjectBody { stream, idle_max };
        match (got, self.connector.take_seen()) {
            (Ok(got), Some(Seen::Answer(Answer { head, .. }))) => {
                Ok((head, body(got.into_stream())))
            }
            (Err(_), Some(Seen::Answer(Answer { head, .. })))
                if may_pass(head.status) || (head.status == 416 && part.is_some()) =>
            {
                Ok((head, body(futures_util::stream::empty().boxed())))
            }
            // The server ignores that a part is wanted.
            (Err(_), Some(Seen::Answer(Answer { head, .. })))
                if head.status == 200 && part.is_some() =>
            {
                let head = FileHead {
                    status: 206,
                    content_range: None,
                    ..head
                };
                Ok((head, body(futures_util::stream::empty().boxed())))
            }
            (Err(_), Some(Seen::Answer(Answer { head, .. }))) if head.status == 412 => {
                Err(ObjectFault::Replaced)
            }
            (got, seen) => Err(self.fault(got.err(), seen, Operation::Read)),
        }
    }

    /// Lists the objects whose keys begin with `prefix`.
    pub(crate) async fn list(&self, prefix: &str, depth: Depth) -> Result<Listing, ObjectFault> {
        self.check_credentials().await?;
        let mut listing = Listing::default();
        let mut page_token = None;
        loop {
            let options = PaginatedListOptions {
                delimiter: (depth == Depth::Folder).then_some(Cow::Borrowed(DELIMITER)),
                page_token,
                ..PaginatedListOptions::default()
            };
            let wanted = Some(prefix).filter(|prefix| !prefix.is_empty());
            let page = self.client.lists.list_paginated(wanted, options).await;
            let seen = self.connector.take_seen();
            let page = page.map_err(|error| self.fault(Some(error), seen, Operation::List))?;
            // The mark of an empty folder is an object with the folder's own name.
            let own = prefix.strip_suffix(DELIMITER);
            let keys = page.result.objects.into_iter();
            let keys = keys.map(|object| String::from(object.location));
            listing.keys.extend(keys.filter(|key| own != Some(key)));
            let folders = page.result.common_prefixes.into_iter();
            listing.folders.extend(folders.map(String::from));
            if listing.keys.len() + listing.folders.len() > OBJECTS_LISTED_MAX {
                return Err(ObjectFault::TooManyObjects {
                    most: OBJECTS_LISTED_MAX,
                });
            }
            page_token = page.page_token;
            if page_token.is_none() {
                listing.keys.sort();
                listing.folders.sort();
                return Ok(listing);
            }
        }
    }

    /// Writes an object, which is there whole or not at all.
    pub(crate) async fn put(&self, key: &str, content: Content<'_>) -> Result<(), ObjectFault> {
        self.check_credentials().await?;
        let (store, path) = (self.client.store.as_ref(), self.path(key)?);
        match upload::put(store, &self.connector, &path, content).await {
            Ok(()) => Ok(()),
            Err(upload::UploadError::Store(failed)) => {
                let (error, seen) = *failed;
                Err(self.fault(Some(error), seen, Operation::Write))
            }
            Err(upload::UploadError::File(error)) => Err(ObjectFault::File(error)),
            Err(upload::UploadError::TooLarge { gib }) => Err(ObjectFault::TooLarge { gib }),
        }
    }

    /// Gets credentials if they are needed, so that a failure to do so is told apart from one of the
    /// request itself. `object_store` keeps them until they expire.
    async fn check_credentials(&self) -> Result<(), ObjectFault> {
        let Some(credentials) = &self.client.credentials else {
            return Ok(());
        };
        let mut attempts = 1..=CREDENTIALS_ATTEMPTS;
        let got = timeout(CREDENTIALS_TIME_MAX, async {
            loop {
                attempts.next();
                let Err(error) = credentials.check().await else {
                    self.connector.take_seen();
                    return Ok(());
                };
                match self.connector.take_seen() {
                    Some(Seen::Answer(answer))
                        if may_pass(answer.head.status) && !attempts.is_empty() =>
                    {
                        sleep(CREDENTIALS_PAUSE).await;
                    }
                    seen => return Err((error, seen)),
                }
            }
        });
        let cause = match got.await {
            Ok(Ok(())) => return Ok(()),
            Err(_elapsed) => {
                let time = CREDENTIALS_TIME_MAX.as_secs();
                format!("no answer within {time} s from the service that gives a machine its role")
            }
            Ok(Err((_, Some(Seen::PlainHttp { server })))) => {
                return Err(ObjectFault::PlainHttp { server });
            }
            Ok(Err((_, Some(Seen::Settings(error))))) => return Err(ObjectFault::Settings(error)),
            Ok(Err((_, Some(Seen::NoAnswer(no_answer))))) => no_answer.explained,
            Ok(Err((_, Some(Seen::Answer(Answer { head, code, .. }))))) => {
                let code = code.map_or_else(String::new, |code| format!(" {code}"));
                let status = head.status;
                format!("the service that gives credentials answers {status}{code}")
            }
            // Nothing was asked: a file of credentials cannot be used.
            Ok(Err((error, None))) => cause(&error),
        };
        Err(ObjectFault::NoCredentials {
            provider: self.provider,
            cause,
        })
    }

    fn path(&self, key: &str) -> Result<Path, ObjectFault> {
        Path::parse(key).map_err(|error| ObjectFault::Environment {
            provider: self.provider,
            cause: text::safe_cut(&error.to_string(), CAUSE_CHARACTERS_MAX),
        })
    }

    /// Returns the fault of a request that failed.
    fn fault(
        &self,
        error: Option<object_store::Error>,
        seen: Option<Seen>,
        operation: Operation,
    ) -> ObjectFault {
        let provider = self.provider;
        match (seen, error) {
            (Some(Seen::Settings(error)), _) => ObjectFault::Settings(error),
            (Some(Seen::PlainHttp { server }), _) => ObjectFault::PlainHttp { server },
            (Some(Seen::NoAnswer(no_answer)), _) => ObjectFault::NoAnswer(no_answer),
            (Some(Seen::Answer(Answer { head, code, region })), _) => {
                if (200..300).contains(&head.status) {
                    let status = head.status;
                    return ObjectFault::Unexpected { provider, status };
                }
                ObjectFault::Refused(Refusal {
                    provider,
                    operation,
                    status: head.status,
                    code,
                    region,
                })
            }
            (None, Some(error)) => ObjectFault::Environment {
                provider,
                cause: cause(&error),
            },
            (None, None) => ObjectFault::Unexpected {
                provider,
                status: 0,
            },
        }
    }
}

impl ObjectBody {
    /// Returns the next bytes, or `None` at the end of the answer.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match timeout(self.idle_max, self.stream.next()).await {
            Ok(Some(Ok(chunk))) => Ok(Some(chunk)),
            // The library's error names the URL.
            Ok(Some(Err(_))) => Err(Fault::Broken),
            Ok(None) => Ok(None),
            Err(_elapsed) => Err(Fault::Timeout),
        }
    }
}

/// Returns an error of the library for a request that was not sent: it names settings and files, and
/// no URL.
fn cause(error: &object_store::Error) -> String {
    let error = match error {
        object_store::Error::Generic { source, .. } => text::with_causes(source.as_ref()),
        other => text::with_causes(other),
    };
    text::safe_cut(&error, CAUSE_CHARACTERS_MAX)
}
