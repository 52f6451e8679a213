//! The token for the server of an address.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret as _;

use crate::api::{Token, TokenError, token_file};
use crate::text::safe_path;

/// The longest wait for a file that is empty, cut off or missing while another program writes it.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The interval between looks at it.
const POLL: Duration = Duration::from_millis(100);

/// Reads the token, which another program may renew at any time.
pub(super) fn read(path: &Path) -> Result<Token, TokenError> {
    let started = Instant::now();
    loop {
        match read_now(path) {
            Err(error) if error.may_pass_because().is_some() && started.elapsed() < WAIT_MAX => {
                thread::sleep(POLL);
            }
            read => return read,
        }
    }
}

fn read_now(path: &Path) -> Result<Token, TokenError> {
    let tokens = token_file::load(path)?;
    let origin = format!("the token file {}", safe_path(path));
    Token::new(tokens.access_token.expose_secret(), &origin)
}
