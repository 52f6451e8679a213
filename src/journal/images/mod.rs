//! The images of customers as they were before the run's requests, and the requests' fields, in a
//! file of the run directory. `custsync undo` puts them back.
//!
//! The file has sealed lines like the journal's, in the order in which they were written:
//!
//! ```text
//! {"row":17,"id":42,"image":{"job":"Nurse"},"sent":{"job":"Doctor"},"at":"2026-11-29T09:18:04.113Z","crc":"…"}
//! {"country_id":4,"country_name":"Country 4","crc":"…"}
//! {"fact":"synced","bytes":4096,"crc":"…"}
//! ```
//!
//! An image is durable before its request leaves. So a line that a kill or a power cut has torn
//! belongs to a request that never left, and is cut off. The journal's rules say how far such a
//! tail reaches ([`damage`](super::damage)): it has no mark, and no more bytes than are written
//! without a sync. All other damage is an error, since an image that is lost cannot be put back.

mod error;
mod file;
mod index;
mod keep;
mod line;
mod reader;

pub(crate) use error::ImagesError;
pub(crate) use file::ImagesFile;
pub(crate) use index::{ImageIndex, for_each_image};
pub(crate) use keep::keep_images;
pub(crate) use line::ImageEntry;

/// The file's name.
pub(crate) const IMAGES_NAME: &str = "before.ndjson";
