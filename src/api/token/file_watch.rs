//! Detects changes of a token file.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file, and its state at the last look.
#[derive(Debug)]
pub(crate) struct FileWatch {
    path: Option<PathBuf>,
    seen: Option<Fingerprint>,
}

/// The attributes that change when a file is written or replaced.
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
    /// Watches the file at this path; without a path, nothing changes.
    pub(crate) fn new(path: Option<PathBuf>) -> FileWatch {
        let seen = path.as_deref().and_then(Fingerprint::of);
        FileWatch { path, seen }
    }

    /// Whether the file has changed since the last call. A file that is missing for a moment has
    /// not.
    pub(crate) fn has_changed(&mut self) -> bool {
        let now = self.path.as_deref().and_then(Fingerprint::of);
        if now.is_none() || now == self.seen {
            return false;
        }
        self.seen = now;
        true
    }
}
