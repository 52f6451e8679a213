//! Objects of cloud storage: Amazon S3 and its like, Google Cloud Storage, and Azure Blob Storage.
//! `object_store` signs the requests, gets the credentials, and knows the interfaces of the
//! providers; connections, certificates, proxies and time limits are this program's. Nothing here
//! decides whether to try again.
//!
//! `address` is the address of an object, in which nothing is secret. `fault` has the reasons why an
//! object cannot be read or written, and `refusal` explains the answers that refuse. `bucket` reads,
//! lists and writes, by the settings that `settings` reads from the environment. `connector` sends the
//! requests, and keeps what was answered. `absent` stands for `bucket` in a program without the feature
//! `object-storage`.

#[cfg(not(feature = "object-storage"))]
mod absent;
mod address;
#[cfg(feature = "object-storage")]
mod bucket;
#[cfg(feature = "object-storage")]
mod connector;
mod fault;
mod listing;
mod refusal;
#[cfg(feature = "object-storage")]
mod settings;
#[cfg(feature = "object-storage")]
mod upload;

use std::path::PathBuf;
use std::time::Duration;

#[cfg(not(feature = "object-storage"))]
pub(crate) use absent::{Bucket, ObjectBody};
pub(crate) use address::{ObjectAddress, ObjectAddressError};
#[cfg(feature = "object-storage")]
pub(crate) use bucket::{Bucket, ObjectBody};
pub(crate) use fault::ObjectFault;
pub(crate) use listing::{Depth, Listing};

use crate::api::PlainHttp;

/// The settings for connections to object storage.
#[derive(Debug, Clone)]
pub(crate) struct BucketOptions {
    /// Certificates to trust beside the system's (`--ca-file`).
    pub(crate) ca_file: Option<PathBuf>,
    /// The servers that plain HTTP may reach (`--allow-http`).
    pub(crate) plain_http: PlainHttp,
    /// The longest time without a byte.
    pub(crate) idle_max: Duration,
}

/// The content of a new object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'f> {
    /// The file that is read from its beginning.
    pub(crate) file: &'f std::fs::File,
    /// The number of bytes. What follows them in the file is left out.
    pub(crate) bytes: u64,
    /// The type, for those who open the object in a browser.
    pub(crate) media_type: &'static str,
}
