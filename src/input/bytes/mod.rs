//! From an input's name to the bytes of its text.
//!
//! - `name`, `source`, `pauses`, `steady`: opens files and pipes
//! - `stream`: peeks at the first bytes and picks the steps below
//! - `compression`, `decompress`: gzip, Zstandard, xz, bzip2; `archive`: zip
//! - `decode`: other encodings than UTF-8
//! - `magic`, `not_text`: files that are not rows, with what to do about them
//! - `format`, `dialect`, `failed_rows`, `lines`: formats, and facts about a text's first bytes
//! - `json_path`, `json_pick`: the array in a JSON object that the user names
//! - `stream_fault`: errors that appear while the bytes are read

pub(crate) mod archive;
pub(crate) mod compression;
pub(crate) mod decode;
pub(crate) mod decompress;
pub(crate) mod dialect;
pub(crate) mod failed_rows;
pub(crate) mod format;
pub(crate) mod json_path;
pub(crate) mod json_pick;
pub(crate) mod lines;
pub(crate) mod magic;
pub(crate) mod name;
pub(crate) mod not_text;
pub(crate) mod pauses;
pub(crate) mod source;
pub(crate) mod steady;
pub(crate) mod stream;
pub(crate) mod stream_fault;

use std::io::Read;

/// The bytes of an input.
pub(crate) type ByteStream = Box<dyn Read + Send>;

/// The byte order mark of UTF-8. It is optional in UTF-8, and not part of the first column's name.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(crate) fn bytes_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Returns the bytes from `at` on.
pub(crate) fn from(buffer: &[u8], at: usize) -> &[u8] {
    buffer.get(at..).unwrap_or_default()
}

pub(crate) fn first_visible(head: &[u8]) -> Option<u8> {
    head.iter()
        .copied()
        .find(|byte| !byte.is_ascii_whitespace())
}
