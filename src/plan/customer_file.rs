//! The file of a plan that redb uses. Its first block is not redb's: it says that the file is
//! finished, and holds a checksum of all that follows.
//!
//! | bytes | content |
//! |---|---|
//! | 0 to 15 | `custsync seen` and line ends |
//! | 16 to 19 | the version of the format; this and all before it stay in all later versions |
//! | 20 to 27 | the file's size |
//! | 28 to 31 | the CRC-32C of all that follows this block |
//! | 32 to 35 | the CRC-32C of all before it in this block |
//!
//! Numbers are little-endian. The block is zero until the file is finished.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use redb::StorageBackend;

use crate::external_sort::Section;

/// The size of the first block, which is that of redb's pages.
const FIRST_BLOCK_BYTES: u64 = 4096;
const NAME: [u8; 16] = *b"custsync seen\r\n\n";
const FORMAT: u32 = 1;
/// The bytes of a checksum's step.
const STEP_BYTES: usize = 64 << 10;

/// The part of a file behind its first block. redb locks nothing here: the run directory's own lock
/// keeps other writers away, and a finished file is only read.
#[derive(Debug, Clone)]
pub(super) struct CustomerFile(pub(super) Arc<File>);

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileState {
    /// It is finished and whole.
    Whole,
    /// It was not finished.
    Unfinished,
    /// It has the format of another version.
    OtherFormat(u32),
    /// It is damaged.
    Damaged(&'static str),
}

impl StorageBackend for CustomerFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len().saturating_sub(FIRST_BLOCK_BYTES))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, FIRST_BLOCK_BYTES + offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(FIRST_BLOCK_BYTES + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, FIRST_BLOCK_BYTES + offset)
    }
}

impl CustomerFile {
    /// Marks the file as finished, synced.
    pub(super) fn finish(&self) -> io::Result<()> {
        let bytes = self.0.metadata()?.len();
        self.0.write_all_at(&self.block(bytes)?, 0)?;
        self.0.sync_all()
    }

    /// Returns the state of the file. The whole file is read.
    pub(super) fn state(&self) -> io::Result<FileState> {
        let bytes = self.0.metadata()?.len();
        if bytes <= FIRST_BLOCK_BYTES {
            return Ok(FileState::Unfinished);
        }
        let mut block = [0; 36];
        self.0.read_exact_at(&mut block, 0)?;
        let (name, rest) = block.split_at(NAME.len());
        let format = rest.first_chunk().map(|number| u32::from_le_bytes(*number));
        Ok(match format {
            _ if block == [0; 36] => FileState::Unfinished,
            _ if name != NAME => FileState::Damaged("it does not begin as it should"),
            Some(FORMAT) if self.block(bytes)? == block => FileState::Whole,
            Some(FORMAT) | None => FileState::Damaged("its checksum is wrong"),
            Some(other) => FileState::OtherFormat(other),
        })
    }

    /// Returns the first block of the file as it is now, with this size.
    fn block(&self, bytes: u64) -> io::Result<Vec<u8>> {
        let mut block = NAME.to_vec();
        block.extend(FORMAT.to_le_bytes());
        block.extend(bytes.to_le_bytes());
        block.extend(self.checksum(bytes)?.to_le_bytes());
        block.extend(crc32c::crc32c(&block).to_le_bytes());
        Ok(block)
    }

    /// Returns the CRC-32C of a file of this size behind its first block.
    fn checksum(&self, bytes: u64) -> io::Result<u32> {
        let mut content = Section::new(&self.0, FIRST_BLOCK_BYTES..bytes);
        let (mut step, mut checksum) = (vec![0; STEP_BYTES], 0);
        loop {
            match content.read(&mut step)? {
                0 => return Ok(checksum),
                read => checksum = crc32c::crc32c_append(checksum, step.split_at(read).0),
            }
        }
    }
}
