//! Files that the user names: the copy of a summary, a report, and metrics.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use crate::terminal;
use crate::text;

/// The users that can read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::commands) enum Readers {
    /// Only the owner, as in the run directory.
    Owner,
    /// All users.
    Everyone,
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Readers::Owner => 0o600,
            Readers::Everyone => 0o644,
        }
    }
}

/// Writes `--summary-file`. A failure is logged and does not change the exit code.
pub(in crate::commands) fn write_summary(path: &Path, content: &str) {
    if let Err(error) = replace(path, content.as_bytes(), Readers::Owner) {
        let file = text::safe_path(path);
        terminal::print_error(&format_args!(
            "the summary file {file} cannot be written (--summary-file): {error}"
        ));
    }
}

/// Writes a file, whole or not at all. Pipes and devices are written into.
pub(in crate::commands) fn replace(
    path: &Path,
    content: &[u8],
    readers: Readers,
) -> io::Result<()> {
    // A link is kept, and its target is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    match fs::metadata(&path) {
        Ok(found) if !found.is_file() => write_into(&path, content),
        // A file that is mounted by itself, or in a directory of another user, can be written but
        // not replaced, such as a container's termination message.
        Ok(_) => match rename_into_place(&path, content, readers) {
            Err(error) => write_into(&path, content).or(Err(error)),
            Ok(()) => Ok(()),
        },
        Err(_) => rename_into_place(&path, content, readers),
    }
}

/// Writes a new file and renames it into place.
fn rename_into_place(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut unfinished = std::ffi::OsString::from(".");
    unfinished.push(name);
    unfinished.push(format!(".{}", std::process::id()));
    let unfinished = path.with_file_name(unfinished);
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(readers.mode())
            .open(&unfinished)?;
        if readers == Readers::Everyone {
            // The process's mask does not apply: others are meant to read it.
            file.set_permissions(Permissions::from_mode(readers.mode()))?;
        }
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    };
    written().inspect_err(|_| {
        // A file that could not be created need not be removed.
        fs::remove_file(&unfinished).ok();
    })
}

/// Writes into the existing file. A pipe without a reader is an error, not a wait.
fn write_into(path: &Path, content: &[u8]) -> io::Result<()> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .custom_flags(nonblock)
        .open(path)?
        .write_all(content)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_whole_and_alone_and_has_its_readers() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("summary.json");
        for (content, readers, mode) in [
            ("first, and long\n", Readers::Owner, 0o600),
            ("second\n", Readers::Everyone, 0o644),
            ("third\n", Readers::Owner, 0o600),
        ] {
            replace(&path, content.as_bytes(), readers).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), content);
            assert_eq!(
                fs::metadata(&path)
                    .expect("it is there")
                    .permissions()
                    .mode()
                    & 0o7777,
                mode
            );
            assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        }
        let link = folder.path().join("link");
        symlink(&path, &link).expect("a link");
        replace(&link, b"fourth\n", Readers::Owner).expect("it can be written");
        assert!(
            fs::symlink_metadata(&link)
                .expect("it is there")
                .is_symlink()
        );
        assert_eq!(fs::read(&path).expect("it is there"), b"fourth\n");
    }

    #[test]
    fn what_cannot_be_replaced_is_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("message");
        fs::write(&path, "long before\n").expect("it can be written");
        write_into(&path, b"now\n").expect("it can be written");
        assert_eq!(fs::read(&path).expect("it is there"), b"now\n");
        replace(Path::new("/dev/null"), b"nothing\n", Readers::Owner).expect("it can be written");
        assert!(
            !fs::metadata("/dev/null").expect("it is there").is_file(),
            "it is still no file"
        );
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).expect("a pipe");
        replace(&pipe, b"x", Readers::Owner).expect_err("nobody reads it");
        replace(
            &folder.path().join("missing/summary.json"),
            b"x",
            Readers::Owner,
        )
        .expect_err("there is no such folder");
    }
}
