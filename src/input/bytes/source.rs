//! The source of an input's bytes: a named file, a member of an archive, standard input, or an
//! address.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::fd::AsFd as _;
use std::sync::Arc;

use crate::download::{Address, Download, DownloadOptions, StrongVersion};
use crate::input::bytes::ByteStream;
use crate::input::bytes::archive::member::ArchiveMember;
use crate::input::bytes::name::InputName;
use crate::input::bytes::pauses::{Pauses, Pipe};
use crate::input::bytes::steady::SteadyFile;
use crate::input::error::InputFault;

/// An open input.
pub(crate) struct Source {
    /// The bytes, unbuffered: blocks are read in large pieces.
    pub(crate) reader: ByteStream,
    /// The size in bytes, for a regular file, or a file on a server that tells it. A member of an
    /// archive has none that can be trusted.
    pub(crate) size: Option<u64>,
    /// The file again, to check whether it was changed.
    pub(crate) steady: Option<SteadyFile>,
    /// The version of a file on a server that can be read twice.
    pub(crate) version: Option<StrongVersion>,
    /// The switches for pauses, for standard input and pipes.
    pub(crate) pauses: Pauses,
}

impl Source {
    /// Opens an input. Opening a FIFO blocks until it has a writer.
    pub(crate) fn open(name: &InputName, options: &DownloadOptions) -> Result<Source, InputFault> {
        let file = match name {
            InputName::Address(address) => return Source::download(address, options),
            // A duplicate of the descriptor, read as a file: `Stdin` would add a small buffer of
            // its own.
            InputName::Stdin => io::stdin().as_fd().try_clone_to_owned().map(File::from),
            InputName::Path(path) => File::open(path),
            InputName::Member(member) => return Source::open_member(member),
        };
        let file = file.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => InputFault::Missing,
            _ => InputFault::Open(error),
        })?;
        let metadata = file.metadata().map_err(InputFault::Open)?;
        if metadata.is_dir() {
            return Err(InputFault::Directory);
        }
        let pauses = Pauses::default();
        Ok(if metadata.is_file() {
            let file = Arc::new(file);
            let steady = Some(SteadyFile::new(Arc::clone(&file), &metadata));
            Source {
                size: Some(metadata.len()),
                reader: Box::new(file),
                steady,
                version: None,
                pauses,
            }
        } else {
            Source {
                size: None,
                reader: Box::new(Pipe::new(file, pauses.clone())),
                steady: None,
                version: None,
                pauses,
            }
        })
    }

    fn open_member(member: &ArchiveMember) -> Result<Source, InputFault> {
        let (reader, file) = member.open()?;
        let metadata = file.metadata().map_err(InputFault::Open)?;
        Ok(Source {
            reader: Box::new(reader),
            size: None,
            steady: Some(SteadyFile::new(file, &metadata)),
            version: None,
            pauses: Pauses::default(),
        })
    }

    fn download(address: &Address, options: &DownloadOptions) -> Result<Source, InputFault> {
        let download = Download::open(address, options)
            .map_err(|fault| InputFault::Download { line: None, fault })?;
        Ok(Source {
            size: download.length(),
            version: download.strong_version(),
            steady: None,
            pauses: Pauses::default(),
            reader: Box::new(download),
        })
    }
}

/// The bytes of an input as they are stored, by which it is known again: those of a regular file, or
/// the packed ones of an archive's member.
pub(crate) struct StoredBytes {
    file: File,
    start: u64,
    bytes: u64,
}

impl StoredBytes {
    /// Opens the file. `None` for what is not stored on this machine.
    pub(crate) fn of(name: &InputName) -> io::Result<Option<StoredBytes>> {
        Ok(Some(match name {
            InputName::Stdin | InputName::Address(_) => return Ok(None),
            InputName::Path(path) => {
                let file = File::open(path)?;
                StoredBytes {
                    bytes: file.metadata()?.len(),
                    start: 0,
                    file,
                }
            }
            InputName::Member(member) => {
                let (file, start, bytes) = member.packed()?;
                StoredBytes { file, start, bytes }
            }
        }))
    }

    /// Returns their number.
    pub(crate) fn len(&self) -> u64 {
        self.bytes
    }

    /// Returns at most `bytes` bytes, from the one at `from` on.
    pub(crate) fn part(&mut self, from: u64, bytes: u64) -> io::Result<Vec<u8>> {
        let from = from.min(self.bytes);
        let bytes = bytes.min(self.bytes - from);
        // A part that grows is read in many pieces.
        let mut part = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
        self.file
            .seek(SeekFrom::Start(self.start.saturating_add(from)))?;
        (&mut self.file).take(bytes).read_to_end(&mut part)?;
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn open(path: impl Into<PathBuf>) -> Result<Source, InputFault> {
        Source::open(&InputName::Path(path.into()), &DownloadOptions::default())
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(matches!(
            open(folder.path().join("none.csv")),
            Err(InputFault::Missing)
        ));
        assert!(matches!(open(folder.path()), Err(InputFault::Directory)));
        let file = folder.path().join("file");
        std::fs::write(&file, "id").expect("a file");
        assert!(matches!(open(file.join("below")), Err(InputFault::Open(_))));
    }

    #[test]
    fn only_a_regular_file_has_a_size() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "id,email\n").expect("a file");
        assert_eq!(open(file).expect("opens").size, Some(9));
        assert_eq!(open("/dev/null").expect("opens").size, None);
    }
}
