//! A file that a state is written to, and the part of it that redb uses.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use redb::StorageBackend;

/// The size of the first block, which is that of redb's pages.
pub(super) const FIRST_BLOCK_BYTES: u64 = 4096;

/// The operations on a state's file. Tests replace it with a disk whose power is cut.
pub(super) trait Disk: Debug + Send + Sync {
    /// Returns the file's size in bytes.
    fn bytes(&self) -> io::Result<u64>;

    /// Fills `out` from this place.
    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()>;

    /// Writes at this place.
    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the file to this size, or extends it with zeros.
    fn set_bytes(&self, bytes: u64) -> io::Result<()>;

    /// Makes what was written survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// A file.
#[derive(Debug)]
pub(super) struct FileOnDisk(pub(super) File);

impl Disk for FileOnDisk {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, at)
    }

    fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, at)
    }

    fn set_bytes(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// The part of a file behind its first block, which is redb's. redb locks nothing here: the state's
/// own lock does.
#[derive(Debug)]
pub(super) struct PagesOnDisk(pub(super) Arc<dyn Disk>);

impl StorageBackend for PagesOnDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.bytes()?.saturating_sub(FIRST_BLOCK_BYTES))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(FIRST_BLOCK_BYTES + offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_bytes(FIRST_BLOCK_BYTES + len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(FIRST_BLOCK_BYTES + offset, data)
    }
}
