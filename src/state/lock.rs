//! The lock of a state: one process at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::journal::open_regular;
use crate::text::safe_path;

use super::error::{Shown, StateError};

/// The mode of a state's files.
pub(super) const FILE_MODE: u32 = 0o600;

/// The use of a state that a lock allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It is read and written.
    Write,
    /// It is only read.
    Read,
}

/// The right to use a state. It ends when it is dropped, and with the process.
#[derive(Debug)]
pub struct StateLock {
    /// The path of the state, without links.
    path: PathBuf,
    access: Access,
    /// The open file beside the state that holds the lock; absent where none can be created.
    #[expect(dead_code, reason = "closing the file is what gives the lock back")]
    file: Option<File>,
}

impl StateLock {
    /// Takes the lock of the state at this path, whether or not it exists. The lock is a file beside
    /// it, because an edit replaces the state itself. It is never removed, because two processes
    /// might then hold two locks.
    pub fn try_take(path: &Path) -> Result<StateLock, StateError> {
        let path = resolved(path)?;
        let shown = Shown(safe_path(&path));
        let file = open_lock(&path, OpenOptions::new().write(true).create(true))
            .map_err(|source| shown.write(source))?;
        lock(&file, FlockOperation::NonBlockingLockExclusive, &shown)?;
        Ok(StateLock {
            path,
            access: Access::Write,
            file: Some(file),
        })
    }

    /// Takes the lock in order to read only. Several processes may do so at a time. Where the folder
    /// or the lock cannot be written, the state can be read without a lock.
    pub fn try_share(path: &Path) -> Result<StateLock, StateError> {
        let path = resolved(path)?;
        let shown = Shown(safe_path(&path));
        let mut options = OpenOptions::new();
        let file = match open_lock(&path, options.write(true).create(true)) {
            Ok(file) => Some(file),
            Err(_) => match open_lock(&path, OpenOptions::new().read(true)) {
                Ok(file) => Some(file),
                Err(error) if may_be_missing(&error) => None,
                Err(source) => return Err(shown.read(source)),
            },
        };
        if let Some(file) = &file {
            lock(file, FlockOperation::NonBlockingLockShared, &shown)?;
        }
        Ok(StateLock {
            path,
            access: Access::Read,
            file,
        })
    }

    /// Returns the path of the state.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file beside the state.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        beside(&self.path, suffix)
    }

    /// Returns the names of the state in errors.
    pub(super) fn shown(&self) -> Shown {
        Shown(safe_path(&self.path))
    }

    /// Returns an error if the state may only be read.
    pub(super) fn refuse_reader(&self) -> Result<(), StateError> {
        match self.access {
            Access::Write => Ok(()),
            Access::Read => Err(self.shown().write(io::ErrorKind::PermissionDenied.into())),
        }
    }

    /// The use that the lock allows.
    pub(super) fn access(&self) -> Access {
        self.access
    }
}

/// Returns the path without links, so that a link is not replaced by a file, and two names of a state
/// have one lock.
fn resolved(path: &Path) -> Result<PathBuf, StateError> {
    let shown = Shown(safe_path(path));
    let Some(name) = path.file_name() else {
        return Err(StateError::NotAFile { file: shown.0 });
    };
    if let Ok(target) = fs::canonicalize(path) {
        return Ok(target);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    match fs::canonicalize(folder) {
        Ok(folder) => Ok(folder.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StateError::NoDirectory {
            file: shown.0,
            directory: safe_path(folder),
        }),
        Err(source) => Err(shown.read(source)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn open_lock(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    open_regular(options.mode(FILE_MODE), &beside(path, "lock"))
}

/// Whether an error of opening the lock means that nobody can write there.
fn may_be_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn lock(file: &File, operation: FlockOperation, shown: &Shown) -> Result<(), StateError> {
    match flock(file, operation) {
        Ok(()) => Ok(()),
        Err(Errno::WOULDBLOCK) => Err(StateError::Locked {
            file: shown.0.clone(),
        }),
        Err(error) => Err(shown.write(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_name_alone_is_a_file_of_the_current_directory() {
        let folder = std::env::current_dir().expect("a directory");
        let folder = folder.canonicalize().expect("its path");
        let path = resolved(Path::new("none.state")).expect("a path");
        assert_eq!(path, folder.join("none.state"));
    }

    #[test]
    fn only_a_directory_that_does_not_exist_is_called_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let within = |name: &str| folder.path().join(name).join("nightly.state");
        let missing = resolved(&within("none")).expect_err("no directory");
        assert!(matches!(missing, StateError::NoDirectory { .. }));
        symlink("loop", folder.path().join("loop")).expect("a link");
        let unreadable = resolved(&within("loop")).expect_err("a loop");
        assert!(
            matches!(unreadable, StateError::Read { .. }),
            "{unreadable:?}"
        );
    }

    #[test]
    fn a_reader_needs_no_lock_where_nobody_can_write_and_any_other_error_is_one() {
        for (kind, want) in [
            (io::ErrorKind::NotFound, true),
            (io::ErrorKind::PermissionDenied, true),
            (io::ErrorKind::ReadOnlyFilesystem, true),
            (io::ErrorKind::Interrupted, false),
            (io::ErrorKind::Other, false),
        ] {
            assert_eq!(may_be_missing(&kind.into()), want, "{kind}");
        }
        // A folder in the place of the lock.
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("nightly.state.lock")).expect("a folder");
        let shared = StateLock::try_share(&folder.path().join("nightly.state"));
        assert!(matches!(shared, Err(StateError::Read { .. })), "{shared:?}");
    }

    /// No user can create a file there, whatever their permissions.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_reader_takes_no_lock_where_none_can_be_created() {
        let lock = StateLock::try_share(Path::new("/proc/self/none.state"));
        assert!(lock.is_ok_and(|lock| lock.access() == Access::Read));
    }
}
