//! An address that is a secret, such as one with a key in its path. It is never shown.

use std::fmt;

use url::Url;

use crate::api::{foreign_part, is_loopback};

/// An address that is not shown. Only [`SecretUrl::expose`] returns it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretUrl(Url);

/// The reason why a text is not such an address. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretUrlError {
    /// No text.
    #[error("the value is empty")]
    Empty,
    /// A part that the URL parser would silently drop or change.
    #[error("the address holds {0}, which would be dropped or read as something else")]
    ForeignPart(&'static str),
    /// Not the address of an HTTP server.
    #[error("not an address as in https://HOST/PATH")]
    NotAnAddress,
    /// A user name or password that would be readable on its way.
    #[error("plain http would show the user name and password on their way: use https")]
    PlainCredentials,
}

impl SecretUrl {
    /// Reads an address. White space around it is ignored, since files end with a line break.
    pub(crate) fn parse(text: &str) -> Result<SecretUrl, SecretUrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretUrlError::Empty);
        }
        if let Some(part) = foreign_part(text) {
            return Err(SecretUrlError::ForeignPart(part));
        }
        let begins = ["http://", "https://"].map(|scheme| {
            let start = text.get(..scheme.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(scheme)
        });
        let url = Some(text)
            .filter(|_| begins.contains(&true))
            .and_then(|text| Url::parse(text).ok())
            .filter(|url| url.has_host() && url.fragment().is_none())
            .ok_or(SecretUrlError::NotAnAddress)?;
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if url.scheme() == "http" && has_credentials && !is_loopback(&url) {
            return Err(SecretUrlError::PlainCredentials);
        }
        Ok(SecretUrl(url))
    }

    /// Returns the address, to send a request to it.
    pub(crate) fn expose(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretUrl")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_an_http_server() {
        let check = |text: &str, want: Result<&str, SecretUrlError>| {
            let got = SecretUrl::parse(text);
            assert_eq!(
                got.as_ref().map(|url| url.expose().as_str()),
                want.as_ref().copied(),
                "{text:?}"
            );
        };
        let not_an_address = Err(SecretUrlError::NotAnAddress);
        check("https://a.example/k/1\n", Ok("https://a.example/k/1"));
        check("http://push:9091/x?y=z", Ok("http://push:9091/x?y=z"));
        check("https://u:p@a.example", Ok("https://u:p@a.example/"));
        check("http://u:p@127.0.0.1:1", Ok("http://u:p@127.0.0.1:1/"));
        check(
            "http://u:p@a.example",
            Err(SecretUrlError::PlainCredentials),
        );
        check(" \n", Err(SecretUrlError::Empty));
        check("https:a.example", not_an_address);
        check("a.example/x", not_an_address);
        check("ftp://a.example", not_an_address);
        check("https://a.example/#x", not_an_address);
        check(
            "https://a.example/a b",
            Err(SecretUrlError::ForeignPart("a space")),
        );
    }

    #[test]
    fn an_address_is_not_shown() {
        let url = SecretUrl::parse("https://a.example/canary").expect("an address");
        assert!(!format!("{url:?}").contains("canary"));
    }
}
