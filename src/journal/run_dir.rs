//! The run directory and its files, private to the user whatever the umask.

use std::fs::{self, DirBuilder, File, FileType, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::text::safe_path;

/// The journal's file name.
pub const JOURNAL_NAME: &str = "results.ndjson";
/// The summary's file name.
pub(crate) const SUMMARY_NAME: &str = "summary.json";
/// The most bytes of a summary that are read. A summary names at most a thousand processes.
const SUMMARY_BYTES_MAX: u64 = 16 << 20;
/// The number of torn tails that are kept for one journal. Each takes a power cut.
const TORN_FILES_MAX: u32 = 1000;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// The permission bits that let other users create and remove files in a directory.
const WRITE_BITS_OF_OTHERS: u32 = 0o022;

/// The directory of one run.
#[derive(Debug, Clone)]
pub struct RunDir {
    path: PathBuf,
    /// The open directory, once it is locked. All clones share the lock, which ends with the last
    /// of them.
    lock: Arc<OnceLock<File>>,
    /// Whether its files have to survive a power cut.
    is_synced: bool,
}

/// The reason why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// The directory cannot be created.
    #[error("the run directory {directory} cannot be created")]
    Create {
        /// Its name.
        directory: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be created or opened.
    #[error("{file} cannot be opened")]
    Open {
        /// Its name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// A file in it cannot be written or moved into place.
    #[error("{file} cannot be written")]
    Write {
        /// Its name.
        file: String,
        /// The error.
        #[source]
        source: io::Error,
    },
    /// The file's name belongs to something other than a regular file.
    #[error(
        "{file} is {kind}, not a regular file: move it away, or use another run directory; nothing was sent"
    )]
    NotAFile {
        /// Its name.
        file: String,
        /// Its kind.
        kind: &'static str,
    },
    /// Another process is at work in the directory.
    #[error("another process is at work in the run directory {directory}; nothing was sent")]
    Locked {
        /// Its name.
        directory: String,
    },
}

/// The journal's file, opened or created.
#[derive(Debug)]
pub enum JournalFile {
    /// It was created.
    New(File),
    /// It existed.
    Existing(File),
}

impl RunDir {
    /// Creates the directory and its parents, if they do not exist.
    pub fn create(path: &Path) -> Result<RunDir, RunDirError> {
        match create_private(path) {
            Ok(()) => Ok(RunDir {
                path: path.to_owned(),
                lock: Arc::default(),
                is_synced: true,
            }),
            Err(source) => Err(RunDirError::Create {
                directory: safe_path(path),
                source,
            }),
        }
    }

    /// Returns a directory that is there, to read from it. It is not locked.
    pub(crate) fn existing(path: &Path) -> RunDir {
        RunDir {
            path: path.to_owned(),
            lock: Arc::default(),
            is_synced: true,
        }
    }

    /// Returns the directory for files that a power cut may take, since they can be made again.
    #[must_use]
    pub(crate) fn without_sync(self) -> RunDir {
        RunDir {
            is_synced: false,
            ..self
        }
    }

    /// Whether another process has locked it, which is then at work in it.
    pub(crate) fn is_locked(&self) -> bool {
        let journal = open_regular(OpenOptions::new().read(true), &self.file(JOURNAL_NAME));
        journal.is_ok_and(|journal| {
            flock(&journal, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
        })
    }

    /// Returns the path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the directory's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a file's path, safe to show.
    pub fn display_path(&self, name: &str) -> String {
        safe_path(&self.file(name))
    }

    /// Returns the directory's permission bits if they let other users change its content.
    pub fn mode_open_to_others(&self) -> Option<u32> {
        let mode = fs::metadata(&self.path).ok()?.permissions().mode() & 0o7777;
        (mode & WRITE_BITS_OF_OTHERS != 0).then_some(mode)
    }

    /// Opens a file in it for reading.
    pub fn open_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        self.refuse_other_kinds(name)?;
        open_regular(OpenOptions::new().read(true), &path).map_err(|source| RunDirError::Open {
            file: safe_path(&path),
            source,
        })
    }

    /// Opens the summary for reading, up to its largest size.
    pub(crate) fn open_summary(&self) -> Result<impl io::Read, RunDirError> {
        let file = self.open_file(SUMMARY_NAME)?;
        Ok(io::BufReader::new(file.take(SUMMARY_BYTES_MAX)))
    }

    /// Opens the journal, and locks the directory and the journal before a byte is read. Both are
    /// locked, so that deleting the journal of a running process does not let a second one in. The
    /// locks end with the process; there are no pid files.
    pub fn open_journal(&self) -> Result<JournalFile, RunDirError> {
        let path = self.file(JOURNAL_NAME);
        let open_error = |source| RunDirError::Open {
            file: safe_path(&path),
            source,
        };
        self.lock()?;
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

    /// Locks the directory, unless this process has done so already. The journal is locked when it is
    /// opened.
    pub(crate) fn lock(&self) -> Result<(), RunDirError> {
        if self.lock.get().is_some() {
            return Ok(());
        }
        let open_error = |source| RunDirError::Open {
            file: safe_path(&self.path),
            source,
        };
        let directory = File::open(&self.path).map_err(open_error)?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            // NFS locks only files that are open for writing, which a directory never is. There the
            // journal's own lock must suffice.
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
            directory: safe_path(&self.path),
        }
    }

    /// Refuses links, directories, pipes and devices. Opening one of those may block or have
    /// effects.
    fn refuse_other_kinds(&self, name: &str) -> Result<(), RunDirError> {
        let path = self.file(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if !found.is_file() => Err(RunDirError::NotAFile {
                file: safe_path(&path),
                kind: kind_of(found.file_type()),
            }),
            // Any other problem is reported when the file is opened.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Creates a private file, or empties an existing one.
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
            file: safe_path(&path),
            source,
        })
    }

    /// Opens a private file to append to it, and to read it. Creates it if it is not there.
    pub fn append_file(&self, name: &str) -> Result<File, RunDirError> {
        let path = self.file(name);
        self.refuse_other_kinds(name)?;
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(FILE_MODE);
        open_regular(&mut options, &path).map_err(|source| RunDirError::Open {
            file: safe_path(&path),
            source,
        })
    }

    /// Replaces a private file with this content, atomically.
    pub fn replace_file(&self, name: &str, content: &[u8]) -> Result<(), RunDirError> {
        let unfinished = format!("{name}.unfinished");
        let mut file = self.create_file(&unfinished)?;
        let place = self.file(name);
        let mut replace = || {
            file.write_all(content)?;
            self.sync_file(&file)?;
            fs::rename(self.file(&unfinished), &place)?;
            self.sync()
        };
        replace().map_err(|source| RunDirError::Write {
            file: safe_path(&place),
            source,
        })
    }

    /// Creates a private file with this content, whole and synced, unless it is there. Of several
    /// processes, the first one's content stays.
    pub(crate) fn create_once(&self, name: &str, content: &[u8]) -> Result<(), RunDirError> {
        let place = self.file(name);
        if place.symlink_metadata().is_ok() {
            return Ok(());
        }
        let unfinished = format!("{name}.{}.unfinished", std::process::id());
        let mut file = self.create_file(&unfinished)?;
        let unfinished = self.file(&unfinished);
        let mut create = || {
            file.write_all(content)?;
            self.sync_file(&file)?;
            // Unlike a rename, a link never replaces.
            let linked = fs::hard_link(&unfinished, &place);
            fs::remove_file(&unfinished)?;
            match linked {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
                Ok(()) | Err(_) => self.sync(),
            }
        };
        create().map_err(|source| RunDirError::Write {
            file: safe_path(&place),
            source,
        })
    }

    /// Creates a private file for a torn tail of the journal and returns its name: `results.torn`,
    /// `results-2.torn` and so on. An existing one is never overwritten.
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
                        file: self.display_path(&name),
                        source,
                    });
                }
            }
        }
        let source = io::Error::other(format!("there are {TORN_FILES_MAX} such files"));
        Err(RunDirError::Open {
            file: self.display_path("results.torn"),
            source,
        })
    }

    /// Makes files that were created or renamed in the directory survive a power cut.
    pub fn sync(&self) -> io::Result<()> {
        if self.is_synced {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    /// Makes the content of a file in it survive a power cut.
    pub(crate) fn sync_file(&self, file: &File) -> io::Result<()> {
        if self.is_synced {
            // The data and the size: nothing else of a file is read again.
            file.sync_data()?;
        }
        Ok(())
    }
}

/// Creates a directory and its parents, one by one, each with its mode before its content.
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
            // The umask may have removed bits that are needed. It never adds any.
            fs::set_permissions(path, Permissions::from_mode(DIRECTORY_MODE))?;
            // A power cut must not remove the directory with everything in it.
            File::open(above)?.sync_all()
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a regular file only, without following a link or waiting for the other end of a pipe.
pub(crate) fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
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

/// Names the kind of something that is not a regular file.
fn kind_of(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_symlink() => "a symbolic link",
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    }
}
