//! The run directory's key, and the two hashes keyed with it: of a record's bytes and of a request.
//!
//! Both hashes are in the results, which people pass on. Without the key, trying phone numbers does
//! not reveal which one a hash belongs to.

use std::hash::Hasher as _;
use std::io::Read as _;

use ring::rand::{SecureRandom as _, SystemRandom};
use siphasher::sip::SipHasher13;

use super::line::hex_digits;
use super::run_dir::{RunDir, RunDirError};

/// The key's file name.
pub(crate) const KEY_NAME: &str = "key";
/// The key's size in bytes.
const KEY_BYTES: usize = 16;
/// The number of digits in the key's file, before a line end.
const KEY_DIGITS: usize = 2 * KEY_BYTES;
/// The text whose hash proves the key in the header.
const PROOF_TEXT: &str = "custsync journal key";

/// The version of the bytes that [`RunKey::request_hash`] hashes.
pub(crate) const REQUEST_HASH_VERSION: u32 = 1;

/// 16 random bytes of a run directory. They stay in its file `key` (mode 0600) and are never
/// published.
#[derive(Clone, Copy)]
pub struct RunKey {
    bytes: [u8; KEY_BYTES],
    hasher: SipHasher13,
}

/// The reason why a run directory's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file cannot be opened, read or written.
    #[error(transparent)]
    File(#[from] RunDirError),
    /// Its file has other content.
    #[error(
        "{file} does not hold the {KEY_DIGITS} hexadecimal digits of a key: without the run's own key its rows cannot be compared; nothing was sent"
    )]
    NotAKey {
        /// The file's name.
        file: String,
    },
    /// The operating system provides no random bytes.
    #[error("the operating system gives no random bytes for a key")]
    NoRandomBytes,
}

impl RunKey {
    /// Creates a new key without writing it.
    pub fn random() -> Result<RunKey, KeyError> {
        let mut bytes = [0; KEY_BYTES];
        // ring's error is empty by design.
        SystemRandom::new()
            .fill(&mut bytes)
            .or(Err(KeyError::NoRandomBytes))?;
        Ok(RunKey::of(bytes))
    }

    /// Creates a key from these bytes.
    pub fn of(bytes: [u8; KEY_BYTES]) -> RunKey {
        RunKey {
            bytes,
            hasher: SipHasher13::new_with_key(&bytes),
        }
    }

    /// Writes the key into a run directory, synced together with its name.
    pub fn write(&self, run_dir: &RunDir) -> Result<(), RunDirError> {
        run_dir.replace_file(KEY_NAME, format!("{}\n", self.digits()).as_bytes())
    }

    /// Writes the key into a directory that several processes share, unless it has one.
    pub(crate) fn write_once(&self, run_dir: &RunDir) -> Result<(), RunDirError> {
        run_dir.create_once(KEY_NAME, format!("{}\n", self.digits()).as_bytes())
    }

    /// Returns the digits of the key, which [`RunKey::parse`] reads. They are for private files.
    pub(crate) fn digits(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.bytes))
    }

    /// Reads the key of a run directory.
    pub fn read(run_dir: &RunDir) -> Result<RunKey, KeyError> {
        let file = run_dir.open_file(KEY_NAME)?;
        let limit = u64::try_from(KEY_DIGITS).unwrap_or(u64::MAX) + 2;
        let mut text = Vec::new();
        match file.take(limit).read_to_end(&mut text) {
            Ok(_) => RunKey::parse(&text).ok_or_else(|| KeyError::NotAKey {
                file: run_dir.display_path(KEY_NAME),
            }),
            Err(source) => Err(RunDirError::Open {
                file: run_dir.display_path(KEY_NAME),
                source,
            }
            .into()),
        }
    }

    /// Parses the content of a key's file.
    pub fn parse(text: &[u8]) -> Option<RunKey> {
        let digits = std::str::from_utf8(text).ok()?.trim_ascii_end();
        let is_key =
            digits.len() == KEY_DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = is_key.then(|| u128::from_str_radix(digits, 16).ok())?;
        number.map(|number| RunKey::of(number.to_be_bytes()))
    }

    /// Returns the hash of a record's bytes, without its line end.
    pub fn record_hash(&self, record: &[u8]) -> u64 {
        self.hasher.hash(record)
    }

    /// Returns the hash of a row's whole request: SipHash-1-3 of the customer's id in decimal, a
    /// line feed, and the body of
    /// [`CustomerUpdate::write_body`](crate::contract::CustomerUpdate::write_body). That body is
    /// canonical: compact, its members in the API's order, strings escaped as in RFC 8785 §3.2.2.2.
    pub fn request_hash(&self, id: u64, body: &[u8]) -> u64 {
        let mut hasher = self.hasher;
        hasher.write(itoa::Buffer::new().format(id).as_bytes());
        hasher.write(b"\n");
        hasher.write(body);
        hasher.finish()
    }

    /// Returns the text in the header that proves the run's key.
    pub fn proof(&self) -> String {
        self.digest(PROOF_TEXT)
    }

    /// Returns a hash as 16 hexadecimal digits, for the parts of an input's identity.
    pub fn digest(&self, bytes: impl AsRef<[u8]>) -> String {
        let digits = hex_digits::<16>(self.record_hash(bytes.as_ref()));
        digits.iter().map(|digit| char::from(*digit)).collect()
    }
}

impl std::fmt::Debug for RunKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("RunKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key and messages of the reference implementation: bytes that count up from 0.
    #[test]
    fn hashes_stay_what_they_are_from_version_to_version() {
        let key = RunKey::of(std::array::from_fn(|index| {
            u8::try_from(index).expect("16 of them")
        }));
        assert_eq!(
            key.record_hash(b""),
            0xabac_0158_050f_c4dc,
            "the published vector of SipHash-1-3"
        );
        assert_eq!(key.record_hash(b"1,Ann,Lee"), 0xd11b_972a_e6c8_31e8);
        assert_eq!(
            key.request_hash(7, br#"{"email":null}"#),
            key.record_hash(b"7\n{\"email\":null}")
        );
        assert_eq!(
            key.request_hash(u64::MAX, br#"{"job":"Nurse"}"#),
            0x01b2_1167_cabc_152d
        );
        assert_eq!(key.proof(), "b9a3ed44dcbd1402");
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let run_dir = RunDir::create(directory.path()).expect("a run directory");
        assert!(
            matches!(RunKey::read(&run_dir), Err(KeyError::File(_))),
            "there is none"
        );
        let key = RunKey::random().expect("random bytes");
        assert_ne!(key.proof(), RunKey::random().expect("random bytes").proof());
        key.write(&run_dir).expect("a key");
        assert_eq!(
            RunKey::read(&run_dir).expect("the key").proof(),
            key.proof()
        );
        for bytes in [
            &b""[..],
            b"\n",
            &[b'7'; 31],
            &[b'7'; 33],
            &[b'x'; 32],
            &[0xff; 32],
        ] {
            run_dir.replace_file(KEY_NAME, bytes).expect("a file");
            assert!(
                matches!(RunKey::read(&run_dir), Err(KeyError::NotAKey { .. })),
                "{bytes:?}"
            );
        }
    }
}
