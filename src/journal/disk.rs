//! The disk operations of the journal's writer, and their implementation. Tests replace it with a
//! disk whose power is cut.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;

use super::run_dir::RunDir;

/// A journal's file and its directory.
pub(super) trait Disk: Debug + Send {
    /// Appends some of these bytes and returns their number.
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Returns the file's size in bytes.
    fn bytes(&self) -> io::Result<u64>;

    /// Cuts the file to this size.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;

    /// Makes the appended bytes survive a power cut.
    fn sync(&mut self) -> io::Result<()>;

    /// Makes the file's name survive a power cut.
    fn sync_directory(&mut self) -> io::Result<()>;

    /// Returns the change that another program made to the file, of which `bytes` were written;
    /// `None` if the file is in place and intact.
    fn external_change(&self, bytes: u64) -> io::Result<Option<ExternalChange>>;

    /// The file's name, safe to show.
    fn display_path(&self) -> String;
}

/// A change by another program to a journal that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExternalChange {
    /// The file's name is gone.
    Deleted,
    /// The name belongs to another file.
    Replaced,
    /// The file is shorter than what was written.
    Cut,
    /// The file is longer than what was written.
    AppendedTo,
}

impl ExternalChange {
    /// The change, in words that follow "the journal was".
    pub(super) fn name(self) -> &'static str {
        match self {
            ExternalChange::Deleted => "deleted or moved away",
            ExternalChange::Replaced => "replaced by another file",
            ExternalChange::Cut => "cut",
            ExternalChange::AppendedTo => "appended to by another program",
        }
    }

    /// The end of the message: the consequence of the change.
    pub(super) fn advice(self) -> &'static str {
        match self {
            ExternalChange::Deleted | ExternalChange::Replaced => {
                ", and all before them, unless the file is put back before the next run"
            }
            ExternalChange::Cut | ExternalChange::AppendedTo => "",
        }
    }
}

/// A file of a run directory.
#[derive(Debug)]
pub(super) struct FileOnDisk {
    file: File,
    name: &'static str,
    /// The run directory, which holds the lock.
    run_dir: RunDir,
}

impl FileOnDisk {
    /// Creates a disk for the file that was opened by this name in this run directory.
    pub(super) fn of(file: File, name: &'static str, run_dir: &RunDir) -> FileOnDisk {
        FileOnDisk {
            file,
            name,
            run_dir: run_dir.clone(),
        }
    }
}

impl Disk for FileOnDisk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.run_dir.sync_file(&self.file)
    }

    fn sync_directory(&mut self) -> io::Result<()> {
        self.run_dir.sync()
    }

    fn external_change(&self, bytes: u64) -> io::Result<Option<ExternalChange>> {
        let open = self.file.metadata()?;
        let named = match fs::symlink_metadata(self.run_dir.file(self.name)) {
            Ok(named) => named,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Some(ExternalChange::Deleted));
            }
            Err(error) => return Err(error),
        };
        Ok(
            if open.nlink() == 0 || (open.dev(), open.ino()) != (named.dev(), named.ino()) {
                Some(ExternalChange::Replaced)
            } else {
                match open.len().cmp(&bytes) {
                    std::cmp::Ordering::Less => Some(ExternalChange::Cut),
                    std::cmp::Ordering::Equal => None,
                    std::cmp::Ordering::Greater => Some(ExternalChange::AppendedTo),
                }
            },
        )
    }

    fn display_path(&self) -> String {
        self.run_dir.display_path(self.name)
    }
}
