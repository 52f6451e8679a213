//! A regular file that must not change while it is read. If another program rewrote it meanwhile,
//! half a row of the old file would be joined with half a row of the new one.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use crate::input::bytes::stream_fault::StreamFault;

/// A file with its state at the time of opening. Its own reads fail after a change; a reader with
/// another handle calls [`check`](Self::check).
pub(crate) struct SteadyFile {
    file: Arc<File>,
    at_start: FileState,
}

/// A file and its state. Another file has another version, and so has the same one after a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    state: FileState,
}

impl FileVersion {
    /// Returns the version of the file at this path.
    pub(crate) fn of(path: &Path) -> io::Result<FileVersion> {
        fs::metadata(path).map(|metadata| FileVersion::of_metadata(&metadata))
    }

    /// Returns the version of the file with this metadata.
    pub(crate) fn of_metadata(metadata: &Metadata) -> FileVersion {
        FileVersion {
            device: metadata.dev(),
            inode: metadata.ino(),
            state: FileState::of(metadata),
        }
    }
}

/// The part of the metadata that every write changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileState {
    bytes: u64,
    /// The time of the last write, in seconds and nanoseconds.
    written: (i64, i64),
}

impl FileState {
    fn of(metadata: &Metadata) -> FileState {
        FileState {
            bytes: metadata.len(),
            written: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

impl SteadyFile {
    /// Returns a file with the state that `metadata` holds.
    pub(crate) fn new(file: Arc<File>, metadata: &Metadata) -> SteadyFile {
        SteadyFile {
            file,
            at_start: FileState::of(metadata),
        }
    }

    /// Opens the file at this path.
    pub(crate) fn open(path: &Path) -> io::Result<SteadyFile> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        Ok(SteadyFile::new(Arc::new(file), &metadata))
    }

    /// Fails if the file was changed. Called after each read, so that nothing that was read from a
    /// changed file is passed on.
    pub(crate) fn check(&self) -> io::Result<()> {
        let now = FileState::of(&self.file.metadata()?);
        if now == self.at_start {
            Ok(())
        } else {
            Err(StreamFault::Changed.into())
        }
    }
}

impl Read for SteadyFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.check()?;
        Ok(read)
    }
}

impl Seek for SteadyFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the result of a read in the middle of a file after `change` was applied to it.
    fn read_behind(change: impl FnOnce(&Path)) -> io::Result<usize> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rows.csv");
        fs::write(&path, "id,job\n1,a\n").expect("a file");
        // File times may have a resolution of some milliseconds.
        let yesterday = std::time::SystemTime::now() - std::time::Duration::from_hours(24);
        File::options()
            .write(true)
            .open(&path)
            .and_then(|file| file.set_modified(yesterday))
            .expect("a time");
        let mut file = SteadyFile::open(&path).expect("opens");
        assert_eq!(file.read(&mut [0; 7]).expect("reads"), 7);
        change(&path);
        file.read(&mut [0; 7])
    }

    #[test]
    fn a_file_that_is_changed_is_read_no_further() {
        let is_changed = |read: io::Result<usize>| {
            matches!(
                read.map_err(io::Error::downcast::<StreamFault>),
                Err(Ok(StreamFault::Changed))
            )
        };
        assert!(is_changed(read_behind(
            |path| fs::write(path, "id,job\n").expect("shorter")
        )));
        assert!(is_changed(read_behind(|path| fs::write(
            path,
            "id,job\n2,b\n"
        )
        .expect("as long"))));
        assert!(is_changed(read_behind(|path| fs::write(
            path,
            "id,job\n1,a\n2,b\n"
        )
        .expect("longer"))));
    }

    #[test]
    fn a_file_that_another_one_replaces_is_read_to_its_end() {
        let replaced = read_behind(|path| {
            let new = path.with_extension("new");
            fs::write(&new, "id\n")
                .and_then(|()| fs::rename(new, path))
                .expect("a new file in its place");
        });
        assert_eq!(replaced.expect("reads on"), 4);
    }
}
