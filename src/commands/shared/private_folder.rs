//! A private folder for files that do not outlive the process.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tracing::warn;

use crate::sandbox::random_token;
use crate::text;

/// A folder that only its owner can read. It is removed with its contents on drop.
pub(in crate::commands) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Creates one among the temporary files.
    pub(in crate::commands) fn new() -> io::Result<PrivateFolder> {
        // The name cannot be guessed, and an existing folder is refused.
        let path = std::env::temp_dir().join(format!("custsync-{}", random_token()));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateFolder(path))
    }

    /// Creates one of this name in a directory. What a killed process left there is removed.
    pub(in crate::commands) fn inside(directory: &Path, name: &str) -> io::Result<PrivateFolder> {
        let path = directory.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateFolder(path))
    }

    /// Returns its path.
    pub(in crate::commands) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            warn!(
                "the folder {} cannot be removed: {error}",
                text::safe_path(&self.0)
            );
        }
    }
}
