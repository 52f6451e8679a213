//! Writes and removes token files.

use std::fs::{self};
use std::path::Path;
use std::time::Instant;
use std::{io, thread};

use crate::api::token::file::{LOCK_POLL, LOCK_WAIT_MAX, Lock, locked};
use crate::api::token::secret::TokenError;
use crate::api::token::tokens::Tokens;
use crate::api::token::unfinished;
use crate::api::token::unfinished::Reserved;

/// Replaces the file by these tokens, private and durable, while no other process refreshes them.
pub fn save(path: &Path, tokens: &Tokens) -> Result<(), TokenError> {
    let started = Instant::now();
    let _lock = loop {
        match Lock::take(path)? {
            Some(lock) => break lock,
            None if started.elapsed() > LOCK_WAIT_MAX => return Err(locked(path)),
            None => thread::sleep(LOCK_POLL),
        }
    };
    Reserved::beside(path, None)?.fill(tokens)?.put_into_place()
}

/// Removes a token file, and before it the tokens of an unfinished refresh beside it.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(unfinished::path(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::remove_file(path)
}
