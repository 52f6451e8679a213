//! A file from a place on. Reads leave the file's own position alone, which a writer may share.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// A file from `offset` on.
pub(super) struct FileFrom<'f> {
    pub(super) file: &'f File,
    pub(super) offset: u64,
}

impl io::Read for FileFrom<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.offset)?;
        self.offset += u64::try_from(n).unwrap_or(u64::MAX);
        Ok(n)
    }
}
