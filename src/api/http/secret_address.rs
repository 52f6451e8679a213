//! The address of a service that is told about a run, or takes its metrics. Who knows it can write to
//! the service, so no error and no debug output holds any part of it.

use std::fmt;

use url::Url;

use crate::api::http::address::{foreign_part, is_loopback};

/// An address that is a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretAddress(Url);

/// The addresses of other machines that plain HTTP may be used with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unencrypted {
    /// None: whoever sees a request knows the address.
    Refused,
    /// Those without a user name and password.
    WithoutCredentials,
    /// All.
    Allowed,
}

/// The reason why a text is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretAddressError {
    /// No text at all.
    #[error("the value is empty")]
    Empty,
    /// Not a URL.
    #[error("not an address as in https://example.com/a/b")]
    NotAUrl(#[from] url::ParseError),
    /// A part that the URL parser would silently drop or change.
    #[error("the address holds {0}, which would be dropped or read as something else")]
    ForeignPart(&'static str),
    /// An unsupported scheme.
    #[error("the address does not begin with https://")]
    Scheme,
    /// A fragment, which is never sent.
    #[error("the address has a `#`, and what follows it is never sent")]
    Fragment,
    /// Plain HTTP to another machine.
    #[error(
        "plain http to another machine would send the address unencrypted: use https, or --allow-http"
    )]
    PlainHttp,
    /// Plain HTTP with a user name or password to another machine.
    #[error("plain http would show the user name and password on their way: use https")]
    PlainCredentials,
}

impl SecretAddress {
    /// Reads an address. White space around it is ignored, as a file has a line end.
    pub(crate) fn of(
        text: &str,
        unencrypted: Unencrypted,
    ) -> Result<SecretAddress, SecretAddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SecretAddressError::Empty);
        }
        if let Some(part) = foreign_part(text) {
            return Err(SecretAddressError::ForeignPart(part));
        }
        let url = Url::parse(text)?;
        // The parser also takes an address without the slashes.
        if !["http://", "https://"]
            .iter()
            .any(|scheme| begins_with(text, scheme))
        {
            return Err(SecretAddressError::Scheme);
        }
        if url.fragment().is_some() {
            return Err(SecretAddressError::Fragment);
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            let has_credentials = !url.username().is_empty() || url.password().is_some();
            match unencrypted {
                Unencrypted::Refused => return Err(SecretAddressError::PlainHttp),
                Unencrypted::WithoutCredentials if has_credentials => {
                    return Err(SecretAddressError::PlainCredentials);
                }
                Unencrypted::WithoutCredentials | Unencrypted::Allowed => {}
            }
        }
        Ok(SecretAddress(url))
    }

    /// Returns the address with one more part at the end of its path. A query stays behind it.
    pub(crate) fn below(&self, part: &str) -> SecretAddress {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("the address of an HTTP server has a path")
            .pop_if_empty()
            .push(part);
        SecretAddress(url)
    }

    /// Returns the URL, for requests only.
    pub(in crate::api) fn url(&self) -> &Url {
        &self.0
    }
}

fn begins_with(text: &str, scheme: &str) -> bool {
    let start = text.get(..scheme.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(scheme)
}

impl fmt::Debug for SecretAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretAddress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_whole_or_refused_without_a_word_of_it() {
        let check = |text: &str, want: Result<&str, &str>| {
            let got = SecretAddress::of(text, Unencrypted::Refused);
            match (got, want) {
                (Ok(address), Ok(want)) => assert_eq!(address.url().as_str(), want, "{text}"),
                (Err(error), Err(want)) => {
                    let said = error.to_string();
                    assert!(
                        said.contains(want) && !said.contains("canary"),
                        "{text}: {said}"
                    );
                }
                (got, want) => panic!("{text}: {got:?}, not {want:?}"),
            }
        };
        check(
            "https://hc.example/ping/a-b\n",
            Ok("https://hc.example/ping/a-b"),
        );
        check(
            "https://u:p@hc.example/?key=a%20b",
            Ok("https://u:p@hc.example/?key=a%20b"),
        );
        check("http://127.0.0.1:9/x", Ok("http://127.0.0.1:9/x"));
        check(" \n", Err("empty"));
        check("canary", Err("not an address"));
        check("https://", Err("not an address"));
        check("HTTPS://a.example", Ok("https://a.example/"));
        check("https:canary.example", Err("does not begin with https://"));
        check("canary:x", Err("does not begin with https://"));
        check("ftp://canary.example", Err("does not begin with https://"));
        check("https://canary.example/a b", Err("holds a space"));
        check("https://canary.example/a\nb", Err("holds a line break"));
        check("https://canary.example/../b", Err("`.` or `..`"));
        check("https://canary.example/#b", Err("has a `#`"));
        check("http://canary.example/b", Err("plain http"));
        SecretAddress::of("http://canary.example/b", Unencrypted::Allowed)
            .expect("the user allows it");
    }

    #[test]
    fn a_password_is_encrypted_on_its_way_to_another_machine() {
        let check = |text: &str, unencrypted: Unencrypted, want: Result<(), SecretAddressError>| {
            let got = SecretAddress::of(text, unencrypted).map(|_| ());
            assert_eq!(got, want, "{text}, {unencrypted:?}");
        };
        let without = Unencrypted::WithoutCredentials;
        let refused = Err(SecretAddressError::PlainCredentials);
        check("http://push:9091/x?y=z", without, Ok(()));
        check("http://u:p@push:9091", without, refused);
        check("http://u@push:9091", without, refused);
        check("http://u:p@127.0.0.1:1", without, Ok(()));
        check("https://u:p@a.example", without, Ok(()));
        check("http://u:p@push:9091", Unencrypted::Allowed, Ok(()));
        let any = Err(SecretAddressError::PlainHttp);
        check("http://u:p@push:9091", Unencrypted::Refused, any);
    }

    #[test]
    fn a_part_is_added_to_the_path() {
        let check = |text: &str, want: &str| {
            let address = SecretAddress::of(text, Unencrypted::Refused).expect(text);
            assert_eq!(address.below("start").url().as_str(), want);
        };
        check("https://a.example", "https://a.example/start");
        check("https://a.example/x", "https://a.example/x/start");
        check("https://a.example/x/", "https://a.example/x/start");
        check(
            "https://a.example/x?rid=1",
            "https://a.example/x/start?rid=1",
        );
    }

    #[test]
    fn its_debug_output_is_empty() {
        let address = SecretAddress::of("https://canary.example", Unencrypted::Refused);
        assert_eq!(format!("{address:?}"), "Ok(SecretAddress)");
    }
}
