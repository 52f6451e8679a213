//! The lines of a file of images.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::contract::{CustomerId, Image};
use crate::journal::entry::milliseconds;
use crate::journal::fact::Fact;
use crate::journal::line;

/// The first bytes of each line with an image, and of no other line.
const ENTRY_START: &[u8] = b"{\"row\":";

/// A customer before a request, and the request.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ImageEntry {
    /// The row's number.
    pub(crate) row: u64,
    /// The customer.
    #[serde(deserialize_with = "customer_id")]
    pub(crate) id: CustomerId,
    /// The customer as it was shown before the request.
    pub(crate) image: Image,
    /// The request's body.
    pub(crate) sent: Box<RawValue>,
    /// The time when the customer was read.
    #[serde(with = "milliseconds")]
    pub(crate) at: Timestamp,
}

/// A country's id and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountryPair {
    /// The id.
    pub(crate) country_id: i64,
    /// The name.
    pub(crate) country_name: String,
}

fn customer_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<CustomerId, D::Error> {
    CustomerId::new(u64::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl ImageEntry {
    /// Creates the entry of a request whose body is about to be sent.
    pub(crate) fn new(
        row: u64,
        id: CustomerId,
        image: Image,
        body: &[u8],
        at: Timestamp,
    ) -> ImageEntry {
        ImageEntry {
            row,
            id,
            image,
            sent: serde_json::from_slice(body).expect("a body is an object of our own making"),
            at,
        }
    }

    /// Appends the entry as a line, with its checksum.
    pub(super) fn encode(&self, buffer: &mut Vec<u8>) {
        encode(self, buffer);
    }
}

impl CountryPair {
    /// Appends the pair as a line, with its checksum.
    pub(super) fn encode(&self, buffer: &mut Vec<u8>) {
        encode(self, buffer);
    }
}

fn encode(line: &impl Serialize, buffer: &mut Vec<u8>) {
    let start = buffer.len();
    serde_json::to_writer(&mut *buffer, line).expect("values, written to memory, cannot fail");
    line::seal(buffer, start);
}

/// Returns the customer of an intact line with an image; `None` for other lines.
fn customer(content: &[u8]) -> serde_json::Result<Option<CustomerId>> {
    #[derive(Deserialize)]
    struct Customer {
        #[serde(deserialize_with = "customer_id")]
        id: CustomerId,
    }
    if !content.starts_with(ENTRY_START) {
        return Ok(None);
    }
    serde_json::from_slice(content).map(|Customer { id }| Some(id))
}

/// Returns the image in an intact line; `None` for other lines.
pub(super) fn image(content: &[u8]) -> serde_json::Result<Option<ImageEntry>> {
    if !content.starts_with(ENTRY_START) {
        return Ok(None);
    }
    serde_json::from_slice(content).map(Some)
}

/// Returns the pair in an intact line; `None` for other lines.
pub(super) fn country_pair(content: &[u8]) -> serde_json::Result<Option<CountryPair>> {
    const PAIR_START: &[u8] = b"{\"country_id\":";
    if content.starts_with(PAIR_START) {
        return serde_json::from_slice(content).map(Some);
    }
    Ok(None)
}

/// Returns the customer of an intact line with an image, or the pair of one with a pair.
pub(super) fn customer_or_pair(
    content: &[u8],
) -> serde_json::Result<(Option<CustomerId>, Option<CountryPair>)> {
    Ok((customer(content)?, country_pair(content)?))
}

/// The first bytes of a mark.
const MARK_START: &[u8] = b"{\"fact\":\"synced\"";

/// Returns the offset that a mark was written at; `None` for other lines.
pub(super) fn mark(content: &[u8]) -> Option<u64> {
    if !content.starts_with(MARK_START) {
        return None;
    }
    match serde_json::from_slice(content) {
        Ok(Fact::Synced { bytes }) => Some(bytes),
        Ok(_) | Err(_) => None,
    }
}

/// Whether a torn line ends with an intact mark, because the line end between them has changed.
pub(super) fn ends_with_mark(torn: &[u8]) -> bool {
    let start = memchr::memmem::rfind(torn, MARK_START);
    start
        .and_then(|start| torn.get(start..)?.strip_suffix(b"\n"))
        .is_some_and(line::is_sealed)
}
