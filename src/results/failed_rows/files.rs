//! Files of a run directory by name: removing one, and errors that say which file they are about.

use std::fs;
use std::io;

use crate::journal::RunDir;

/// What a file is called until it is whole.
pub(super) const UNFINISHED: &str = ".unfinished";

/// The fault of a file with its name.
pub(super) fn named(file: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{file}: {error}"))
}

pub(super) fn remove(run_dir: &RunDir, name: &str) -> io::Result<()> {
    match fs::remove_file(run_dir.file(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(name, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
