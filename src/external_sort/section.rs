//! A section of a file, read from its beginning. Several readers of one file do not disturb one
//! another.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// A section of a file, by the places of its bytes.
#[derive(Debug)]
pub(crate) struct Section {
    file: Arc<File>,
    unread: Range<u64>,
}

impl Section {
    pub(crate) fn new(file: &Arc<File>, bytes: Range<u64>) -> Section {
        Section {
            file: Arc::clone(file),
            unread: bytes,
        }
    }
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.unread.end.saturating_sub(self.unread.start);
        let bytes = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let read = self
            .file
            .read_at(buffer.split_at_mut(bytes).0, self.unread.start)?;
        self.unread.start += read as u64;
        Ok(read)
    }
}
