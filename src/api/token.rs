//! The access token: where it comes from, and that it is shown to nobody.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// The longest token that is read: far beyond any, so that a wrong file name is noticed.
const TOKEN_BYTES_MAX: u64 = 16 << 10;

/// Where the access token comes from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Given once, by the environment or by the sandbox.
    Given(SecretString),
    /// A file that holds the token alone, and may be replaced while the run goes on.
    File(PathBuf),
}

/// A token that can be sent.
#[derive(Debug, Clone)]
pub struct Token {
    authorization: HeaderValue,
    secret: SecretString,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token file {file} cannot be read")]
    File {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing but white space.
    #[error("{origin} is empty")]
    Empty {
        /// The file, or the variable.
        origin: String,
    },
    /// Something that no server takes for a token.
    #[error("{origin} holds no token: a token is one word of visible ASCII characters (RFC 6750 §2.1)")]
    NotAToken {
        /// The file, or the variable.
        origin: String,
    },
}

impl TokenSource {
    /// Reads the token.
    pub fn read(&self) -> Result<Token, TokenError> {
        match self {
            TokenSource::Given(secret) => Token::new(secret.expose_secret(), "CUSTSYNC_TOKEN"),
            TokenSource::File(path) => {
                let file = path.display().to_string();
                let text =
                    read_text(path).map_err(|source| TokenError::File { file: crate::text::safe(&file), source })?;
                Token::new(text.expose_secret(), &format!("the token file {}", crate::text::safe(&file)))
            }
        }
    }

    /// Whether reading again can bring another token.
    pub fn can_change(&self) -> bool {
        match self {
            TokenSource::Given(_) => false,
            TokenSource::File(_) => true,
        }
    }
}

fn read_text(path: &std::path::Path) -> io::Result<SecretString> {
    let mut text = String::new();
    File::open(path)?.take(TOKEN_BYTES_MAX).read_to_string(&mut text)?;
    Ok(SecretString::from(text))
}

impl Token {
    fn new(text: &str, origin: &str) -> Result<Token, TokenError> {
        let token = text.trim();
        if token.is_empty() {
            return Err(TokenError::Empty { origin: origin.to_owned() });
        }
        let not_a_token = || TokenError::NotAToken { origin: origin.to_owned() };
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(not_a_token());
        }
        let Ok(mut authorization) = HeaderValue::try_from(format!("Bearer {token}")) else {
            return Err(not_a_token());
        };
        authorization.set_sensitive(true);
        Ok(Token { authorization, secret: SecretString::from(token) })
    }

    /// The value of the `Authorization` header, marked sensitive.
    pub(super) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// Whether this is the same token as another.
    pub fn is_same(&self, other: &Token) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word() {
        assert!(Token::new(" abc.DEF-_~+/=\r\n", "the file").is_ok());
        for text in ["", " \n", "two words", "tok\u{e9}n", "a\0b", "{\"access_token\": \"x\"}"] {
            assert!(Token::new(text, "the file").is_err(), "{text:?}");
        }
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::new("canary-7f3a", "the file").expect("a good token");
        let source = TokenSource::Given(SecretString::from("canary-7f3a"));
        assert!(!format!("{token:?} {source:?}").contains("canary"));
    }
}
