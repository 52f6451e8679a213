//! The run directory and its files: private to the user, whatever the umask.

use std::fs::{self, DirBuilder, File, FileType, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::text;

/// The journal's file name.
pub const JOURNAL_NAME: &str = "results.ndjson";
/// The summary's file name.
pub const SUMMARY_NAME: &str = "summary.json";
/// Torn tails of one journal that are kept: each costs a power cut.
const TORN_FILES_MAX: u32 = 1000;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The permission bits by which others than the owner can put files into a directory and take them away.
const WRITE_BITS_OF_OTHERS: u32 = 0o022;

/// A directory that holds one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    /// The open directory, once it is locked. All clones share the lock, which ends with the last of them.
    lock: Arc<OnceLock<File>>,
}

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// It cannot be made.
    #[error("the run directory {directory} cannot be created")]
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
    /// What has a file's name is none.
    #[error(
        "{file} is {kind}, not a regular file: move it away, or use another run directory; nothing was sent"
    )]
    NotAFile {
        /// Its name.
        file: String,
        /// What it is.
        kind: &'static str,
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
            Ok(()) => Ok(RunDir {
                path: path.to_owned(),
                lock: Arc::default(),
            }),
            Err(source) => Err(RunDirError::Create {
                directory: shown(path),
                source,
            }),
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

    /// The directory's permission bits, where they let others than its owner change what is in it.
    pub fn mode_open_to_others(&self) -> Option<u32> {
        let mode = fs::metadata(&self.path).ok()?.permissions().mode() & 0o7777;
        (mode & WRITE_BITS_OF_OTHERS != 0).then_some(mode)
    }

    /// Opens a file in it for reading.
    pub fn open_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        self.refuse_other_kinds(name)?;
        open_regular(OpenOptions::new().read(true), &path).map_err(|source| RunDirError::Open {
            file: shown(&path),
            source,
        })
    }

    /// Opens the journal, and locks directory and journal before a byte of it is read. Both are locked, so that a journal which is
    /// deleted while a process writes it lets no second process in. The locks end with the process: there are no pid files.
    pub fn open_journal(&self) -> Result<JournalFile, RunDirError> {
        let path = self.file(JOURNAL_NAME);
        let open_error = |source| RunDirError::Open {
            file: shown(&path),
            source,
        };
        self.lock_directory()?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(FILE_MODE);
        let journal = match open_regular(options.clone().create_new(true), &path) {
            Ok(file) => {
                file.set_permissions(Permissions::from_mode(FILE_MODE))
                    .map_err(open_error)?;
                JournalFile::New(file)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.refuse_other_kinds(JOURNAL_NAME)?;
                JournalFile::Existing(open_regular(&mut options, &path).map_err(open_error)?)
            }
            Err(error) => return Err(open_error(error)),
        };
        let (JournalFile::New(file) | JournalFile::Existing(file)) = &journal;
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(journal),
            Err(Errno::WOULDBLOCK) => Err(self.locked()),
            Err(error) => Err(open_error(error.into())),
        }
    }

    /// Locks the directory, where this process has not done so yet.
    fn lock_directory(&self) -> Result<(), RunDirError> {
        if self.lock.get().is_some() {
            return Ok(());
        }
        let open_error = |source| RunDirError::Open {
            file: shown(&self.path),
            source,
        };
        let directory = File::open(&self.path).map_err(open_error)?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            // NFS locks only what is open for writing, which a directory never is. There the journal's own lock has to do.
            Ok(()) | Err(Errno::BADF | Errno::INVAL | Errno::NOLCK | Errno::OPNOTSUPP) => {
                self.lock.get_or_init(|| directory);
                Ok(())
            }
            Err(Errno::WOULDBLOCK) => Err(self.locked()),
            Err(error) => Err(open_error(error.into())),
        }
    }

    fn locked(&self) -> RunDirError {
        RunDirError::Locked {
            directory: shown(&self.path),
        }
    }

    /// Refuses what has a file's name and is a link, a directory, a pipe or a device. To open one of those may wait or have effects.
    fn refuse_other_kinds(&self, name: &str) -> Result<(), RunDirError> {
        let path = self.file(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => Err(RunDirError::NotAFile {
                file: shown(&path),
                kind: kind_of(found.file_type()),
            }),
            // Whatever else is wrong with it is said when it is opened.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A new private file, over one of that name.
    pub fn create_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        self.refuse_other_kinds(name)?;
        let create = || {
            let mut options = OpenOptions::new();
            options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(FILE_MODE);
            let file = open_regular(&mut options, &path)?;
            file.set_permissions(Permissions::from_mode(FILE_MODE))?;
            Ok(file)
        };
        create().map_err(|source| RunDirError::Open {
            file: shown(&path),
            source,
        })
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
        replace().map_err(|source| RunDirError::Write {
            file: shown(&place),
            source,
        })
    }

    /// A new private file that the torn tail of the journal is kept in, and its name: `results.torn`, `results-2.torn` and so on.
    /// None is ever written over.
    pub(super) fn create_torn(&self) -> Result<(File, String), RunDirError> {
        for number in 1..=TORN_FILES_MAX {
            let name = if number == 1 {
                "results.torn".to_owned()
            } else {
                format!("results-{number}.torn")
            };
            let mut options = OpenOptions::new();
            match open_regular(
                options.write(true).create_new(true).mode(FILE_MODE),
                &self.file(&name),
            ) {
                Ok(file) => return Ok((file, name)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => {
                    return Err(RunDirError::Open {
                        file: self.shown(&name),
                        source,
                    });
                }
            }
        }
        let source = io::Error::other(format!("there are {TORN_FILES_MAX} such files"));
        Err(RunDirError::Open {
            file: self.shown("results.torn"),
            source,
        })
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
    let above = path
        .parent()
        .filter(|above| !above.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
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

/// Opens a regular file and nothing else, without following a link and without waiting for a pipe's other end.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);
    let file = options
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other(format!("it is {}", kind_of(kind))))
    }
}

/// What something is that is no regular file.
fn kind_of(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

fn shown(path: &Path) -> String {
    text::safe_path(path)
}
