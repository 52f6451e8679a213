//! A file that holds only a secret.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use secrecy::SecretString;

use crate::text;

/// The most bytes of such a file: far more than any secret, so that a wrong file is noticed.
const BYTES_MAX: u64 = 4 << 10;

/// Reads the secret from a file. `setting` names the file, in messages. White space around it is removed.
pub(in crate::commands) fn read(setting: &str, path: &Path) -> anyhow::Result<SecretString> {
    let file = text::safe_path(path);
    let mut secret = String::new();
    File::open(path)
        .and_then(|open| open.take(BYTES_MAX + 1).read_to_string(&mut secret))
        .with_context(|| format!("{setting} {file} cannot be read"))?;
    if secret.len() as u64 > BYTES_MAX {
        bail!(
            "{setting} {file} is longer than {} KiB, so it is not a secret",
            BYTES_MAX >> 10
        );
    }
    if secret.trim().is_empty() {
        bail!("{setting} {file} is empty");
    }
    Ok(SecretString::from(secret.trim()))
}
