//! Writes an object in bounded memory: small ones in one request, large ones in parts.

use std::io;
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload,
};

use crate::objects::Content;
use crate::objects::connector::{Connector, Seen};

/// The bytes of a part: the least that S3 and Google take.
const PART_BYTES: usize = 5 << 20;
/// The bytes that a connection sends at once.
const PIECE_BYTES: usize = 64 << 10;
/// The most parts of an object.
const PARTS_MAX: u64 = 10_000;
/// The most bytes of an object.
const BYTES_MAX: u64 = PART_BYTES as u64 * PARTS_MAX;

/// The reason why an object was not written.
#[derive(Debug)]
pub(super) enum UploadError {
    /// The store refuses it, or cannot be reached: the error, and the end of the request.
    Store(Box<(object_store::Error, Option<Seen>)>),
    /// The file cannot be read.
    File(io::Error),
    /// The file is larger than an object may be.
    TooLarge {
        /// The most GiB.
        gib: u64,
    },
}

/// Writes an object. Parts of one that was not finished are deleted, as far as the store can be
/// reached.
pub(super) async fn put(
    store: &dyn ObjectStore,
    connector: &Connector,
    path: &Path,
    content: Content<'_>,
) -> Result<(), UploadError> {
    let failed = |error| UploadError::Store(Box::new((error, connector.take_seen())));
    if content.bytes > BYTES_MAX {
        let gib = BYTES_MAX >> 30;
        return Err(UploadError::TooLarge { gib });
    }
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, content.media_type.into());
    if content.bytes <= PART_BYTES as u64 {
        let payload = part(content, 0)?;
        let options = PutOptions::from(attributes);
        let put = store.put_opts(path, payload, options).await;
        return put.map(|_| ()).map_err(failed);
    }
    let options = PutMultipartOptions::from(attributes);
    let upload = store.put_multipart_opts(path, options).await;
    let mut upload = upload.map_err(failed)?;
    let sent = send_parts(upload.as_mut(), connector, content).await;
    if sent.is_err() {
        // The parts of an upload that nobody ends cost money. The first error says more than this
        // one.
        upload.abort().await.ok();
    }
    sent
}

async fn send_parts(
    upload: &mut dyn MultipartUpload,
    connector: &Connector,
    content: Content<'_>,
) -> Result<(), UploadError> {
    let failed = |error| UploadError::Store(Box::new((error, connector.take_seen())));
    let mut position = 0;
    while position < content.bytes {
        let payload = part(content, position)?;
        position += payload.content_length() as u64;
        let sent = upload.put_part(payload).await;
        sent.map_err(failed)?;
    }
    upload.complete().await.map(|_| ()).map_err(failed)
}

/// Reads the part that begins at `position`.
fn part(content: Content<'_>, position: u64) -> Result<PutPayload, UploadError> {
    let left = usize::try_from(content.bytes - position).unwrap_or(usize::MAX);
    let mut bytes = vec![0; left.min(PART_BYTES)];
    let read = content.file.read_exact_at(&mut bytes, position);
    read.map_err(UploadError::File)?;
    let bytes = Bytes::from(bytes);
    // The connection copies what it sends, a piece at a time.
    let pieces = (0..bytes.len()).step_by(PIECE_BYTES);
    let piece = |start: usize| bytes.slice(start..bytes.len().min(start + PIECE_BYTES));
    Ok(pieces.map(piece).collect())
}
