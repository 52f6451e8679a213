//! The access token as it is sent, kept out of every output.

use std::io;
use std::sync::Arc;

use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

/// A token that can be sent. Copies share its text: there is one for each request.
#[derive(Debug, Clone)]
pub struct Token {
    authorization: HeaderValue,
    secret: Arc<SecretString>,
}

/// The longest token that is sent. The longest in use, signed ones with many claims, take a few
/// kilobytes, and servers accept 8 to 16 KiB of headers.
pub(crate) const TOKEN_BYTES_MAX: usize = 16 << 10;

/// The reason why a text cannot be a token. The text itself is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFlaw {
    /// White space only.
    #[error("it is empty")]
    Empty,
    /// The JSON of a login. Sending it would also send the refresh token.
    #[error(
        "it begins like JSON; the JSON of a login begins with `{{` and is read from a file (--token-file)"
    )]
    Json,
    /// Still in the quotes of a shell or of JSON.
    #[error("it begins with a quote: leave the quotes out")]
    Quoted,
    /// The whole header instead of the token alone.
    #[error(
        "it begins like the header that it is sent in: leave out `Authorization:` and `Bearer`"
    )]
    Header,
    /// Longer than 16 KiB.
    #[error("it is longer than {} KiB", TOKEN_BYTES_MAX >> 10)]
    TooLong,
    /// Several words, or characters that a header cannot carry.
    #[error("a token is one word of visible ASCII characters (RFC 6750 §2.1), and this is not")]
    NotOneWord,
}

/// The reason why a text is not the JSON of a login. The text itself is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginFlaw {
    /// It is not JSON, lacks a member, or has a member of another type.
    #[error("line {line}, column {column}")]
    Json {
        /// The line in the text.
        line: usize,
        /// The column in the line.
        column: usize,
        /// Whether the text contains the JSON's end.
        end: JsonEnd,
    },
    /// The access token cannot be sent.
    #[error("access_token: {0}")]
    AccessToken(TokenFlaw),
    /// `token_url` is not the URL of a server.
    #[error("token_url: it is not the URL of a server")]
    TokenUrl,
}

/// The end of a JSON text, which is missing while a file is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonEnd {
    /// The text is complete, or is not JSON.
    Found,
    /// The text ends in the middle of its JSON.
    Missing,
}

/// An error of a token or its file.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token file {file} cannot be read")]
    File {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// There is only white space.
    #[error("{origin} is empty")]
    Empty {
        /// The file or the variable.
        origin: String,
    },
    /// The text is not a token.
    #[error("{origin} holds no token: {flaw}")]
    NotAToken {
        /// The file or the variable.
        origin: String,
        /// The rule that it breaks.
        flaw: TokenFlaw,
    },
    /// The file is longer than any token file. It is not cut off: half a token would be sent.
    #[error("the token file {file} is longer than {} KiB, so it holds no token", .bytes_max >> 10)]
    FileTooLong {
        /// The file.
        file: String,
        /// The limit in bytes.
        bytes_max: u64,
    },
    /// The text begins like JSON, but is not that of a login. Its content is not shown.
    #[error("the token file {file} is not the JSON of a login ({flaw}): log in again")]
    NotALogin {
        /// The file.
        file: String,
        /// The flaw.
        flaw: LoginFlaw,
    },
    /// Other users can read a file that holds more than a token that expires.
    #[error(
        "others can read the token file {file} (mode {mode:03o}), and it holds a login: run `chmod 600` on it, and log in again if it may have been read"
    )]
    ReadableByOthers {
        /// The file.
        file: String,
        /// Its permission bits.
        mode: u32,
    },
    /// New tokens cannot be saved.
    #[error("the token file {file} cannot be written")]
    Write {
        /// The file.
        file: String,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// Another process has held the lock for longer than any refresh takes.
    #[error("another process has kept the token file {file} locked for {} s", .lasted_s)]
    Locked {
        /// The file.
        file: String,
        /// The time that was waited.
        lasted_s: u64,
    },
}

impl TokenError {
    /// The reason why the file may soon hold a token: another program is writing it, or is about
    /// to. `None` if waiting cannot help.
    pub(crate) fn may_pass_because(&self) -> Option<String> {
        match self {
            TokenError::Empty { origin } => Some(format!("{origin} is empty")),
            TokenError::File { file, source } if source.kind() == io::ErrorKind::NotFound => {
                Some(format!("the token file {file} is not there"))
            }
            TokenError::NotALogin {
                file,
                flaw:
                    LoginFlaw::Json {
                        end: JsonEnd::Missing,
                        ..
                    },
            } => Some(format!(
                "the token file {file} ends in the middle of its JSON"
            )),
            TokenError::File { .. }
            | TokenError::NotAToken { .. }
            | TokenError::FileTooLong { .. }
            | TokenError::NotALogin { .. }
            | TokenError::ReadableByOthers { .. }
            | TokenError::Write { .. }
            | TokenError::Locked { .. } => None,
        }
    }
}

impl Token {
    /// Parses a token, ignoring white space around it; `origin` names its source in errors.
    pub fn new(text: &str, origin: &str) -> Result<Token, TokenError> {
        Token::of(text).map_err(|flaw| match flaw {
            TokenFlaw::Empty => TokenError::Empty {
                origin: origin.to_owned(),
            },
            flaw => TokenError::NotAToken {
                origin: origin.to_owned(),
                flaw,
            },
        })
    }

    /// Parses a token, ignoring white space around it: secrets in files often end in a newline.
    pub fn of(text: &str) -> Result<Token, TokenFlaw> {
        let token = text.trim();
        let first_word = token
            .split_ascii_whitespace()
            .next()
            .ok_or(TokenFlaw::Empty)?;
        let begins_with = |name: &str| {
            let bytes = first_word.as_bytes().get(..name.len());
            bytes.is_some_and(|bytes| bytes.eq_ignore_ascii_case(name.as_bytes()))
        };
        if token.starts_with(['{', '[']) {
            return Err(TokenFlaw::Json);
        }
        if token.starts_with(['"', '\'', '`']) {
            return Err(TokenFlaw::Quoted);
        }
        if first_word.eq_ignore_ascii_case("bearer") || begins_with("authorization:") {
            return Err(TokenFlaw::Header);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFlaw::TooLong);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenFlaw::NotOneWord);
        }
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_invalid_header_value| TokenFlaw::NotOneWord)?;
        authorization.set_sensitive(true);
        Ok(Token {
            authorization,
            secret: Arc::new(SecretString::from(token)),
        })
    }

    /// The value of the `Authorization` header, marked sensitive.
    pub(crate) fn authorization(&self) -> HeaderValue {
        self.authorization.clone()
    }

    /// The token itself.
    pub(crate) fn secret(&self) -> SecretString {
        SecretString::clone(&self.secret)
    }

    /// Replaces this token by `***` in a server's text, ignoring case (host names are lower-cased),
    /// and cuts the text to this many characters. Replacing comes before cutting, so that no part
    /// of the token is left.
    pub(crate) fn hide_in(&self, text: &str, characters_max: usize) -> String {
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

    /// Whether both tokens are the same.
    pub fn is_same(&self, other: &Token) -> bool {
        self.secret.expose_secret() == other.secret.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_token_is_refused_by_its_rule() {
        let check = |text: &str, want: Result<(), TokenFlaw>| {
            assert_eq!(Token::of(text).map(|_| ()), want, "{text:?}");
        };
        check(" abc.DEF-_~+/=\r\n", Ok(()));
        check("bearer-of-news", Ok(()));
        for text in ["", " \n", "\t"] {
            check(text, Err(TokenFlaw::Empty));
        }
        for text in [
            r#"{"access_token":"x","refresh_token":"y"}"#,
            "{ \"access_token\": \"x\" }",
            " {",
            "[1]",
        ] {
            check(text, Err(TokenFlaw::Json));
        }
        for text in ["\"abc\"", "'abc'", "`abc`", "\" abc \""] {
            check(text, Err(TokenFlaw::Quoted));
        }
        for text in [
            "Bearer abc",
            "bearer\tabc",
            "BEARER",
            "Authorization: Bearer abc",
            "authorization:abc",
        ] {
            check(text, Err(TokenFlaw::Header));
        }
        for text in ["two words", "tok\u{e9}n", "a\0b", "a\nb", "\u{feff}abc"] {
            check(text, Err(TokenFlaw::NotOneWord));
        }
        check(&"x".repeat(TOKEN_BYTES_MAX), Ok(()));
        check(&"x".repeat(TOKEN_BYTES_MAX + 1), Err(TokenFlaw::TooLong));
    }

    #[test]
    fn what_is_refused_is_named_by_its_place_and_not_repeated() {
        let error = Token::new("{\"canary\"}", "CUSTSYNC_TOKEN").expect_err("no token");
        assert!(
            error
                .to_string()
                .starts_with("CUSTSYNC_TOKEN holds no token: it begins like JSON"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("canary"));
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
