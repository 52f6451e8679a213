//! The run directory and its files: private to the user, whatever the umask.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::text;

/// The journal's file name.
pub const JOURNAL_NAME: &str = "results.ndjson";
/// The summary's file name.
pub const SUMMARY_NAME: &str = "summary.json";
/// Where damage at the journal's end is kept.
const TORN_NAME: &str = "results.torn";

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A directory that holds one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
}

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It cannot be made.
    #[error("the run directory {directory} cannot be made")]
    Create {
        /// Its name.
        directory: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be made or opened.
    #[error("{file} cannot be opened")]
    Open {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be written or put into place.
    #[error("{file} cannot be written")]
    Write {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process is at work in it.
    #[error("another process is at work in the run directory {directory}; nothing was sent")]
    Locked {
        /// Its name.
        directory: String,
    },
}

/// The journal's file, found or made.
#[derive(Debug)]
pub enum JournalFile {
    /// It was not there.
    New(File),
    /// It was there.
    Existing(File),
}

impl RunDir {
    /// Makes the directory, with those above it, where it is not there yet.
    pub fn create(path: &Path) -> Result<RunDir, RunDirError> {
        match create_private(path) {
            Ok(()) => Ok(RunDir { path: path.to_owned() }),
            Err(source) => Err(RunDirError::Create { directory: shown(path), source }),
        }
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file's name, safe to show.
    pub fn shown(&self, name: &str) -> String {
        shown(&self.file(name))
    }

    /// Opens a file in it for reading.
    pub fn open_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        let mut options = OpenOptions::new();
        // A pipe of that name would wait for a writer.
        let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);
        let open = options.read(true).custom_flags(flags.bits().cast_signed()).open(&path);
        open.map_err(|source| RunDirError::Open { file: shown(&path), source })
    }

    /// Opens the journal and locks it, before a byte of it is read. The lock ends with the process: there are no pid files.
    pub fn open_journal(&self) -> Result<JournalFile, RunDirError> {
        let path = self.file(JOURNAL_NAME);
        let open = |create_new: bool| {
            let mut options = OpenOptions::new();
            options.read(true).append(true).create_new(create_new).mode(FILE_MODE);
            options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&path)
        };
        let opened = match open(true) {
            Ok(file) => file.set_permissions(Permissions::from_mode(FILE_MODE)).map(|()| JournalFile::New(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => open(false).map(JournalFile::Existing),
            Err(error) => Err(error),
        };
        let journal = match opened {
            Ok(journal) => journal,
            Err(source) => return Err(RunDirError::Open { file: shown(&path), source }),
        };
        let (JournalFile::New(file) | JournalFile::Existing(file)) = &journal;
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(journal),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(RunDirError::Locked { directory: shown(&self.path) }),
            Err(error) => Err(RunDirError::Open { file: shown(&path), source: error.into() }),
        }
    }

    /// A new private file, over one of that name.
    pub fn create_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        let create = || {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(FILE_MODE);
            let file = options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&path)?;
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            Ok(file)
        };
        create().map_err(|source| RunDirError::Open { file: shown(&path), source })
    }

    /// Puts a private file of this content into place, whole or not at all.
    pub fn replace_file(&self, name: &str, content: &[u8]) -> Result<(), RunDirError> {
        let unfinished = format!("{name}.unfinished");
        let mut file = self.create_file(&unfinished)?;
        let place = self.file(name);
        let mut replace = || {
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(self.file(&unfinished), &place)?;
            self.sync()
        };
        replace().map_err(|source| RunDirError::Write { file: shown(&place), source })
    }

    /// A new private file that damage of the journal is kept in.
    pub(super) fn create_torn(&self) -> Result<File, RunDirError> {
        self.create_file(TORN_NAME)
    }

    /// Makes what was created or renamed in the directory outlast a power cut.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

/// Makes a directory and those above it, one after the other, each with its mode before anything is made in it.
fn create_private(path: &Path) -> io::Result<()> {
    if path.is_dir() || path.as_os_str().is_empty() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_private(above)?;
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => {
            // The umask may have taken bits away that we need, never given others.
            fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))?;
            // A power cut must not take the directory away with all that is in it.
            File::open(above)?.sync_all()
        }
        // Another process was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

fn shown(path: &Path) -> String {
    text::safe_path(path)
}
