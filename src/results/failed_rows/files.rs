//! Files of a run directory by name: removal, and errors that name their file.

use std::fs;
use std::io;

use crate::journal::RunDir;

/// The suffix of a file's name until the file is complete.
pub(super) const UNFINISHED: &str = ".unfinished";

/// Adds a file's name to its error.
pub(super) fn named(file: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{file}: {error}"))
}

pub(super) fn remove(run_dir: &RunDir, name: &str) -> io::Result<()> {
    match fs::remove_file(run_dir.file(name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(name, &error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
