//! Reads and locks the token file, which holds the tokens of a login or a bare access token. The
//! file is replaced atomically, and only the process that holds its lock may spend the refresh
//! token in it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags, flock};
use secrecy::{ExposeSecret as _, SecretString};
use tracing::warn;

use crate::api::token::secret::{Token, TokenError};
use crate::api::token::tokens::Tokens;
use crate::text::safe_path;

/// The longest token file that is read: far longer than any, so that a wrong file name is noticed.
pub(crate) const FILE_BYTES_MAX: u64 = 64 << 10;
const FILE_MODE: u32 = 0o600;
/// The permission bits of the group and of others.
const MODE_OF_OTHERS: u32 = 0o077;
/// The bit that lets everybody read.
const MODE_WORLD_READABLE: u32 = 0o004;
/// The interval between attempts to get the lock.
pub(crate) const LOCK_POLL: Duration = Duration::from_millis(10);
/// The longest wait for the lock. Its holder makes one request to the token endpoint, which has a
/// timeout.
pub(crate) const LOCK_WAIT_MAX: Duration = Duration::from_mins(1);

/// Reads the file: the JSON of a login, or a bare access token.
///
/// A login can be refreshed for months, so its file has to be private. A bare token expires, and
/// platforms mount such files readable for all, so that is at most worth a warning.
pub fn load(path: &Path) -> Result<Tokens, TokenError> {
    let unreadable = |source| TokenError::File {
        file: safe_path(path),
        source,
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.mode() & 0o777;
    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    let text = SecretString::from(text);
    if text.expose_secret().len() as u64 > FILE_BYTES_MAX {
        return Err(TokenError::FileTooLong {
            file: safe_path(path),
            bytes_max: FILE_BYTES_MAX,
        });
    }
    if !text.expose_secret().trim_start().starts_with('{') {
        if mode & MODE_WORLD_READABLE != 0 {
            warn!(
                "everybody on this machine can read the token file {} (mode {mode:03o}): run `chmod 600` on it",
                safe_path(path)
            );
        }
        let origin = format!("the token file {}", safe_path(path));
        return Token::new(text.expose_secret(), &origin)
            .map(|token| Tokens::alone(token.secret()));
    }
    if mode & MODE_OF_OTHERS != 0 {
        return Err(TokenError::ReadableByOthers {
            file: safe_path(path),
            mode,
        });
    }
    Tokens::parse(text.expose_secret()).map_err(|flaw| TokenError::NotALogin {
        file: safe_path(path),
        flaw,
    })
}

pub(crate) fn locked(path: &Path) -> TokenError {
    TokenError::Locked {
        file: safe_path(path),
        lasted_s: LOCK_WAIT_MAX.as_secs(),
    }
}

/// The right to spend the refresh token in a file. It also ends with the process.
#[derive(Debug)]
pub(crate) struct Lock(
    #[expect(dead_code, reason = "closing the file is what gives the lock back")] File,
);

impl Lock {
    /// Takes the lock, if no process holds it. The lock is a file beside the token file, because
    /// the token file is replaced. It is never removed, because two processes might then hold two
    /// locks.
    pub(crate) fn take(path: &Path) -> Result<Option<Lock>, TokenError> {
        let failed = |source| TokenError::Write {
            file: safe_path(path),
            source,
        };
        let file = open_private(&beside(path, "lock")).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(failed(error.into())),
        }
    }
}

/// Opens a file that only its owner can read, whatever the umask, and creates it if necessary.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE);
    let file = options
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)?;
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    Ok(file)
}

/// The file that the path leads to: a link must not be replaced by a file.
pub(crate) fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The path with this suffix, in the same folder, so that a rename stays in one file system.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = target(path).into_os_string();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

pub(crate) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::token::saving::{remove, save};

    fn file(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn nothing_secret_is_left_of_a_login_that_is_removed() {
        let (folder, path) = file("{}", 0o600);
        fs::write(
            folder.path().join("token.unfinished"),
            "left by a process that died",
        )
        .unwrap();
        remove(&path).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(remove(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_holds_a_login_or_a_token_alone() {
        let check = |content: &str, want: Result<(&str, Option<i64>), &str>| {
            let (_folder, path) = file(content, 0o600);
            match (load(&path), want) {
                (Ok(tokens), Ok((access_token, expires_at))) => {
                    assert_eq!(
                        tokens.access_token.expose_secret(),
                        access_token,
                        "{content}"
                    );
                    assert_eq!(
                        tokens.expires_at.map(jiff::Timestamp::as_second),
                        expires_at,
                        "{content}"
                    );
                }
                (Err(error), Err(want)) => {
                    assert!(error.to_string().contains(want), "{content}: {error}");
                    assert!(
                        !format!("{error} {error:?}").contains("canary"),
                        "{error:?}"
                    );
                }
                (got, want) => panic!("{content}: {got:?}, not {want:?}"),
            }
        };
        check("abc\n", Ok(("abc", None)));
        check(r#"{"access_token":"abc"}"#, Ok(("abc", None)));
        check(
            r#"{"access_token":"abc","refresh_token":""}"#,
            Ok(("abc", None)),
        );
        check(
            r#"{"access_token":"abc","scope":"x","expires_at":"2026-11-23T12:00:00Z"}"#,
            Ok(("abc", Some(1_795_435_200))),
        );
        check(
            r#" {"access_token":"abc","expires_at":1795435200}"#,
            Ok(("abc", Some(1_795_435_200))),
        );
        check(
            r#"{"access_token":"abc","expires_at":1795435200.5}"#,
            Ok(("abc", Some(1_795_435_200))),
        );
        check(
            r#"{"access_token":"abc","expires_at":"1795435200"}"#,
            Ok(("abc", Some(1_795_435_200))),
        );
        check(
            r#"{"access_token":"abc","expires_at":"soon"}"#,
            Ok(("abc", None)),
        );
        check("", Err("is empty"));
        check("two canaries", Err("holds no token"));
        check("[\"canary\"]", Err("it begins like JSON"));
        check("\"canary\"", Err("it begins with a quote"));
        check(
            "Bearer canary",
            Err("leave out `Authorization:` and `Bearer`"),
        );
        check(&"canary".repeat(3_000), Err("longer than 16 KiB"));
        check(&"canary".repeat(11_000), Err("longer than 64 KiB"));
        check(
            &format!("abc{}", " ".repeat((64 << 10) - 3)),
            Ok(("abc", None)),
        );
        check(
            &format!("canary{}", " ".repeat(64 << 10)),
            Err("longer than 64 KiB"),
        );
        check(
            r#"{"access_token":"canary"#,
            Err("is not the JSON of a login (line 1, column 23)"),
        );
        check(
            r#"{"access_token":"canary","client_id":{"canary":1}}"#,
            Err("is not the JSON of a login"),
        );
        check(
            r#"{"access_token":"two canaries"}"#,
            Err("is not the JSON of a login (access_token: a token is one word"),
        );
        check(
            r#"{"access_token":""}"#,
            Err("is not the JSON of a login (access_token: it is empty)"),
        );
        for url in [
            "canary",
            "https://a.example/canary\\n",
            "ftp://canary",
            "https://canary:x@a.example/",
        ] {
            let login = format!(r#"{{"access_token":"canary","token_url":"{url}"}}"#);
            check(
                &login,
                Err("is not the JSON of a login (token_url: it is not the URL of a server)"),
            );
        }
        check(
            r#"{"refresh_token":"canary"}"#,
            Err("is not the JSON of a login"),
        );
    }

    #[test]
    fn a_login_that_others_can_read_is_refused() {
        let check = |content: &str, mode: u32, is_taken: bool| {
            let (_folder, path) = file(content, mode);
            match load(&path) {
                Ok(_) => assert!(is_taken, "{content} {mode:o}"),
                Err(error) => {
                    assert!(!is_taken, "{content} {mode:o}");
                    assert!(error.to_string().contains("chmod 600"), "{error}");
                }
            }
        };
        let login = r#"{"access_token":"abc","refresh_token":"def"}"#;
        for (mode, is_taken) in [
            (0o600, true),
            (0o400, true),
            (0o640, false),
            (0o604, false),
            (0o620, false),
        ] {
            check(login, mode, is_taken);
        }
        check("abc", 0o644, true);
    }

    #[test]
    fn what_is_saved_is_read_again_and_replaces_no_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("login"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let tokens = Tokens {
            access_token: SecretString::from("canary-a"),
            refresh_token: Some(SecretString::from("canary-r")),
            expires_at: Some("2026-11-23T12:00:00.25Z".parse().unwrap()),
            client_id: Some("me".to_owned()),
            client_secret: Some(SecretString::from("canary-s")),
            token_url: Some("http://127.0.0.1:1/oauth/token".parse().unwrap()),
        };
        fs::write(&path, "").unwrap();
        save(&link, &tokens).unwrap();
        assert!(link.is_symlink());
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let read = load(&path).unwrap();
        assert_eq!(read.to_json(), tokens.to_json());
        assert!(!folder.path().join("login.unfinished").exists());
        assert!(!format!("{tokens:?}").contains("canary"));
    }

    #[test]
    fn one_process_holds_the_lock() {
        let (_folder, path) = file("", 0o600);
        let lock = Lock::take(&path).unwrap();
        assert!(lock.is_some() && Lock::take(&path).unwrap().is_none());
        drop(lock);
        assert!(Lock::take(&path).unwrap().is_some());
    }
}
