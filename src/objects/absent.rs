//! A program without object storage says so when an object is named.

use std::convert::Infallible;

use bytes::Bytes;

use crate::api::{FileHead, WantedPart};
use crate::contract::Fault;
use crate::objects::{BucketOptions, Content, Depth, Listing, ObjectAddress, ObjectFault};

/// A bucket, which this program cannot open.
pub(crate) struct Bucket(Infallible);

/// The bytes of an object, which this program cannot read.
pub(crate) struct ObjectBody(Infallible);

impl Bucket {
    /// Fails: the program was built without object storage.
    pub(crate) fn open(_: &ObjectAddress, _: &BucketOptions) -> Result<Bucket, ObjectFault> {
        Err(ObjectFault::NotBuiltIn)
    }

    /// Reads an object.
    pub(crate) async fn get(
        &self,
        _: &str,
        _: Option<&WantedPart>,
    ) -> Result<(FileHead, ObjectBody), ObjectFault> {
        match self.0 {}
    }

    /// Lists objects.
    pub(crate) async fn list(&self, _: &str, _: Depth) -> Result<Listing, ObjectFault> {
        match self.0 {}
    }

    /// Writes an object.
    pub(crate) async fn put(&self, _: &str, _: Content<'_>) -> Result<(), ObjectFault> {
        match self.0 {}
    }
}

impl ObjectBody {
    /// Returns the next bytes.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Fault> {
        match self.0 {}
    }
}
