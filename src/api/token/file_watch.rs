//! Tells when a token file was changed.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file, and how it looked the last time.
#[derive(Debug)]
pub struct FileWatch {
    path: Option<PathBuf>,
    seen: Option<Fingerprint>,
}

/// What changes when a file is written or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    bytes: u64,
}

impl Fingerprint {
    fn of(path: &Path) -> Option<Fingerprint> {
        let read = || -> io::Result<Fingerprint> {
            let file = std::fs::metadata(path)?;
            let changed = (file.mtime(), file.mtime_nsec());
            Ok(Fingerprint {
                device: file.dev(),
                inode: file.ino(),
                changed,
                bytes: file.len(),
            })
        };
        read().ok()
    }
}

impl FileWatch {
    /// Watches the file at this path, or nothing.
    pub(crate) fn new(path: Option<PathBuf>) -> FileWatch {
        let seen = path.as_deref().and_then(Fingerprint::of);
        FileWatch { path, seen }
    }

    /// Whether the file has changed since this was asked the last time. One that is gone for a moment has not.
    pub fn has_changed(&mut self) -> bool {
        let now = self.path.as_deref().and_then(Fingerprint::of);
        if now.is_none() || now == self.seen {
            return false;
        }
        self.seen = now;
        true
    }
}
