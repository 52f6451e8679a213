//! The access token as it is sent, and that it is shown to nobody.

use std::io;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

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
    /// It begins like JSON, and is none, or not that of a login. What it holds is not repeated.
    #[error("the token file {file} is not the JSON of a login (line {line}, column {column}): log in again")]
    NotALogin {
        /// Its name.
        file: String,
        /// Where in it.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// Others can read a file that holds more than a token that expires.
    #[error(
        "others can read the token file {file} (mode {mode:03o}), and it holds a login: `chmod 600` it, or log in again where somebody else may have read it"
    )]
    ReadableByOthers {
        /// Its name.
        file: String,
        /// Its permission bits.
        mode: u32,
    },
    /// New tokens cannot be kept.
    #[error("the token file {file} cannot be written")]
    Write {
        /// Its name.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process holds the lock for longer than any renewal takes.
    #[error("another process has kept the token file {file} locked for {} s", .lasted_s)]
    Locked {
        /// Its name.
        file: String,
        /// For how long it was waited.
        lasted_s: u64,
    },
}

impl Token {
    /// A token from a text that may end in white space; `origin` says whose text, for an error.
    pub fn new(text: &str, origin: &str) -> Result<Token, TokenError> {
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

    /// The token itself.
    pub(super) fn secret(&self) -> SecretString {
        self.secret.clone()
    }

    /// A server's text with this token replaced by `***`, in whatever case it stands there (hosts are in lower case), and cut
    /// to this many characters. It is replaced before the cut, so no part of it is left.
    pub(super) fn hide_in(&self, text: &str, characters_max: usize) -> String {
        const HIDDEN: &str = "***";
        let token = self.secret.expose_secret();
        let (mut shown, mut rest, mut left) = (String::new(), text, characters_max);
        while let (Some(character), true) = (rest.chars().next(), left > 0) {
            let bytes = rest.as_bytes().get(..token.len());
            if bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(token.as_bytes())) {
                shown.extend(HIDDEN.chars().take(left));
                left = left.saturating_sub(HIDDEN.len());
                rest = rest.split_at(token.len()).1;
            } else {
                shown.push(character);
                left -= 1;
                rest = rest.split_at(character.len_utf8()).1;
            }
        }
        shown
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
    fn a_token_in_a_text_is_replaced_before_the_cut() {
        let token = Token::new("Ab+c", "the file").expect("a good token");
        let check = |text: &str, characters_max: usize, want: &str| {
            assert_eq!(token.hide_in(text, characters_max), want, "{text:?}");
        };
        check("", 9, "");
        check("Ab+c", 9, "***");
        check("\u{e9}ab+CAb+c\u{e9}", 9, "\u{e9}******\u{e9}");
        check("Ab+ Ab", 9, "Ab+ Ab");
        check("xAb+c", 3, "x**");
        check("xyAb+", 3, "xyA");
    }

    #[test]
    fn debug_shows_no_token() {
        let token = Token::new("canary-7f3a", "the file").expect("a good token");
        assert!(!format!("{token:?}").contains("canary"));
    }
}
