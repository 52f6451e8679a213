//! The file beside a token file during a refresh. First it reserves room on the disk and holds a
//! note on the refresh; then it holds the new tokens, until it replaces the token file. If a
//! process dies meanwhile, this file shows the next one what happened to the login.

use crate::text::safe_path;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::api::token::file::{FILE_BYTES_MAX, Lock, beside, folder, load, open_private, target};
use crate::api::token::secret::TokenError;
use crate::api::token::tokens::Tokens;

/// The room that is reserved on the disk before new tokens are requested: if they did not fit, the
/// refresh token would be spent and the login lost.
#[expect(clippy::cast_possible_truncation, reason = "64 KiB")]
const RESERVED_BYTES: usize = FILE_BYTES_MAX as usize;
/// The longest note. Tokens written over it cover it completely.
const NOTE_BYTES_MAX: usize = 512;
/// Bytes of the hash that identifies a refresh token.
const HASH_BYTES: usize = 16;

/// A note that a refresh is under way. It identifies the refresh token by a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The time of the first request whose answer was not saved. Its name in the file stays, so that
    /// a note of an earlier version is read.
    #[serde(rename = "renewal_began")]
    refresh_began: String,
    /// The hash of the refresh token that was sent.
    refresh_token_sha256: String,
}

impl Note {
    /// A note on the exchange of this refresh token. The time of an earlier unfinished exchange is
    /// kept.
    pub(crate) fn new(refresh_token: &SecretString, cut_off_at: Option<Timestamp>) -> Note {
        let refresh_began = cut_off_at.unwrap_or_else(Timestamp::now);
        Note {
            refresh_began: refresh_began.to_string(),
            refresh_token_sha256: hash(refresh_token),
        }
    }
}

fn hash(secret: &SecretString) -> String {
    let hash = digest(&SHA256, secret.expose_secret().as_bytes());
    hash.as_ref()
        .iter()
        .take(HASH_BYTES)
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a String cannot fail");
            text
        })
}

/// The path of the file.
pub(crate) fn path(token_file: &Path) -> PathBuf {
    beside(token_file, "unfinished")
}

/// Reserved room on the disk for new tokens.
#[derive(Debug)]
pub(crate) struct Reserved {
    file: File,
    unfinished: PathBuf,
    place: PathBuf,
}

impl Reserved {
    /// Reserves room in the token file's own folder, and writes the note. It overwrites the file of
    /// a process that died.
    pub(crate) fn beside(path: &Path, note: Option<&Note>) -> Result<Reserved, TokenError> {
        let unfinished = self::path(path);
        let reserve = || {
            let mut file = open_private(&unfinished)?;
            file.set_len(0)?;
            let mut content = note.map_or_else(Vec::new, |note| {
                serde_json::to_vec(note).unwrap_or_default()
            });
            content.resize(RESERVED_BYTES, b' ');
            file.write_all(&content)?;
            // The note must survive a crash of the machine: the request is sent after this.
            file.sync_all()?;
            File::open(folder(&unfinished))?.sync_all()?;
            Ok(file)
        };
        match reserve() {
            Ok(file) => Ok(Reserved {
                file,
                unfinished,
                place: target(path),
            }),
            Err(source) => {
                // A partial reservation would only fill a full disk.
                fs::remove_file(&unfinished).ok();
                Err(TokenError::Write {
                    file: safe_path(path),
                    source,
                })
            }
        }
    }

    /// Writes the tokens into the reserved room. From here on they survive this process, see
    /// [`recover`].
    pub(crate) fn fill(mut self, tokens: &Tokens) -> Result<Filled, TokenError> {
        let mut fill = || {
            let bytes = self.write_over(tokens)?;
            self.file.set_len(bytes)
        };
        match fill() {
            Ok(()) => Ok(Filled(self)),
            Err(source) => Err(TokenError::Write {
                file: safe_path(&self.place),
                source,
            }),
        }
    }

    /// Writes the tokens, padded with blanks, over the note in one write: a process that dies now
    /// leaves tokens or a note, not a mixture. Returns the length of the tokens in bytes.
    fn write_over(&mut self, tokens: &Tokens) -> io::Result<u64> {
        let json = SecretString::from(tokens.to_json());
        let padded = SecretString::from(format!("{:NOTE_BYTES_MAX$}", json.expose_secret()));
        self.file.rewind()?;
        self.file.write_all(padded.expose_secret().as_bytes())?;
        Ok(u64::try_from(json.expose_secret().len()).unwrap_or(u64::MAX))
    }

    /// Frees the room, because no tokens came and the refresh token is still valid. If the refresh
    /// token may be spent, the room and its note are kept.
    pub(crate) fn release(self) {
        // A file that stays behind is blank, and overwritten the next time.
        fs::remove_file(&self.unfinished).ok();
    }
}

/// New tokens beside the token file.
#[derive(Debug)]
pub(crate) struct Filled(Reserved);

impl Filled {
    /// Replaces the token file by the new tokens. From here on they survive a power failure, too.
    pub(crate) fn put_into_place(self) -> Result<(), TokenError> {
        let Reserved {
            file,
            unfinished,
            place,
        } = self.0;
        let put = || -> io::Result<()> {
            file.sync_all()?;
            fs::rename(&unfinished, &place)?;
            File::open(folder(&place))?.sync_all()
        };
        put().map_err(|source| TokenError::Write {
            file: safe_path(&place),
            source,
        })
    }
}

/// Completes the refresh of a process that died. If it had saved tokens, they replace the token
/// file, whose own tokens are spent. If not, returns the time of its request: the server may have
/// spent the refresh token in the file.
///
/// The caller holds the lock, so no living process is completing it at the same time.
pub(crate) fn recover(path: &Path, _lock: &Lock) -> Result<Option<Timestamp>, TokenError> {
    let unfinished = self::path(path);
    match load(&unfinished) {
        Ok(tokens) if tokens.refresh_token.is_some() => {
            warn!("an earlier process ended while it refreshed the token; its new token is used");
            let file = open_private(&unfinished);
            let file = file.map_err(|source| TokenError::File {
                file: safe_path(&unfinished),
                source,
            })?;
            Filled(Reserved {
                file,
                unfinished,
                place: target(path),
            })
            .put_into_place()?;
            Ok(None)
        }
        // There is no such file, or it holds only reserved room.
        Ok(_) | Err(_) => Ok(cut_off_at(path)),
    }
}

/// The time in the note, if the note is about the refresh token in the token file.
fn cut_off_at(path: &Path) -> Option<Timestamp> {
    let note: Note = serde_json::from_slice(&fs::read(self::path(path)).ok()?).ok()?;
    let refresh_token = load(path).ok()?.refresh_token?;
    let began = note.refresh_began.parse().ok()?;
    (note.refresh_token_sha256 == hash(&refresh_token)).then_some(began)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: &str = r#"{"access_token":"old","refresh_token":"spent"}"#;

    fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        open_private(&path)
            .unwrap()
            .write_all(content.as_bytes())
            .unwrap();
        (folder, path)
    }

    fn tokens(access_token: &str, refresh_token: Option<&str>) -> Tokens {
        let refresh_token = refresh_token.map(SecretString::from);
        Tokens {
            refresh_token,
            ..Tokens::alone(SecretString::from(access_token))
        }
    }

    fn access_token(path: &Path) -> String {
        load(path).unwrap().access_token.expose_secret().to_owned()
    }

    #[test]
    fn what_a_dead_process_left_behind_is_in_nobodys_way() {
        let (_folder, path) = file(r#"{"access_token":"old"}"#);
        fs::write(self::path(&path), "x".repeat(RESERVED_BYTES + 1)).unwrap();
        let reserved = Reserved::beside(&path, None).unwrap();
        assert_eq!(access_token(&path), "old");
        reserved
            .fill(&tokens("new", None))
            .unwrap()
            .put_into_place()
            .unwrap();
        assert_eq!(access_token(&path), "new");
        Reserved::beside(&path, None).unwrap().release();
        assert!(!self::path(&path).exists());
    }

    #[test]
    fn tokens_that_a_dead_process_had_got_are_recovered() {
        let (_folder, path) = file(LOGIN);
        let lock = Lock::take(&path).unwrap().unwrap();
        recover(&path, &lock).unwrap();
        drop(Reserved::beside(&path, None).unwrap());
        recover(&path, &lock).unwrap();
        assert_eq!(access_token(&path), "old", "there was only room");
        drop(
            Reserved::beside(&path, None)
                .unwrap()
                .fill(&tokens("new", Some("good")))
                .unwrap(),
        );
        assert_eq!(access_token(&path), "old");
        recover(&path, &lock).unwrap();
        assert_eq!(access_token(&path), "new");
        assert!(!self::path(&path).exists());
    }

    #[test]
    fn a_note_tells_of_the_refresh_token_in_the_file_and_of_no_other() {
        let (_folder, path) = file(LOGIN);
        let lock = Lock::take(&path).unwrap().unwrap();
        let began: Timestamp = "2026-11-28T06:12:50Z".parse().unwrap();
        let spent = SecretString::from("spent");
        let note = Note::new(&spent, Some(began));
        assert!(serde_json::to_vec(&note).unwrap().len() < NOTE_BYTES_MAX);
        drop(Reserved::beside(&path, Some(&note)).unwrap());
        assert!(
            !String::from_utf8(fs::read(self::path(&path)).unwrap())
                .unwrap()
                .contains("\"spent\"")
        );
        assert_eq!(recover(&path, &lock).unwrap(), Some(began));
        assert_eq!(
            Note::new(&spent, Some(began)),
            note,
            "the first one stays the one to tell about"
        );
        drop(
            Reserved::beside(&path, Some(&Note::new(&SecretString::from("other"), None))).unwrap(),
        );
        assert_eq!(recover(&path, &lock).unwrap(), None);
        Reserved::beside(&path, Some(&note)).unwrap().release();
        assert_eq!(recover(&path, &lock).unwrap(), None);
    }

    #[test]
    fn tokens_cover_the_note_before_the_file_is_cut_to_their_length() {
        let (_folder, path) = file(LOGIN);
        let note = Note::new(&SecretString::from("spent"), None);
        let mut reserved = Reserved::beside(&path, Some(&note)).unwrap();
        reserved.write_over(&tokens("a", Some("b"))).unwrap();
        drop(reserved);
        assert_eq!(access_token(&self::path(&path)), "a");
    }
}
