//! The address of a service that is told about a run. Who knows it can write to the service, so no
//! error and no debug output holds any part of it.

use std::fmt;

use url::Url;

use crate::api::http::address::{foreign_part, is_loopback};
use crate::api::token::endpoint::PlainHttp;

/// The address of a service that is told about a run.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct WebhookAddress(Url);

/// The reason why a text is not such an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookAddressError {
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
}

impl WebhookAddress {
    /// Reads an address. White space around it is ignored, as a file has a line end.
    pub(crate) fn of(
        text: &str,
        plain_http: PlainHttp,
    ) -> Result<WebhookAddress, WebhookAddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WebhookAddressError::Empty);
        }
        if let Some(part) = foreign_part(text) {
            return Err(WebhookAddressError::ForeignPart(part));
        }
        let url = Url::parse(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(WebhookAddressError::Scheme);
        }
        if url.fragment().is_some() {
            return Err(WebhookAddressError::Fragment);
        }
        if url.scheme() == "http" && plain_http == PlainHttp::Loopback && !is_loopback(&url) {
            return Err(WebhookAddressError::PlainHttp);
        }
        Ok(WebhookAddress(url))
    }

    /// Returns the address with one more part at the end of its path. A query stays behind it.
    pub(crate) fn below(&self, part: &str) -> WebhookAddress {
        let mut url = self.0.clone();
        url.path_segments_mut()
            .expect("the address of an HTTP server has a path")
            .pop_if_empty()
            .push(part);
        WebhookAddress(url)
    }

    /// Returns the URL, for requests only.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for WebhookAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WebhookAddress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_whole_or_refused_without_a_word_of_it() {
        let check = |text: &str, want: Result<&str, &str>| {
            let got = WebhookAddress::of(text, PlainHttp::Loopback);
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
        check("canary:x", Err("does not begin with https://"));
        check("ftp://canary.example", Err("does not begin with https://"));
        check("https://canary.example/a b", Err("holds a space"));
        check("https://canary.example/a\nb", Err("holds a line break"));
        check("https://canary.example/../b", Err("`.` or `..`"));
        check("https://canary.example/#b", Err("has a `#`"));
        check("http://canary.example/b", Err("plain http"));
        WebhookAddress::of("http://canary.example/b", PlainHttp::Anywhere)
            .expect("the user allows it");
    }

    #[test]
    fn a_part_is_added_to_the_path() {
        let check = |text: &str, want: &str| {
            let address = WebhookAddress::of(text, PlainHttp::Loopback).expect(text);
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
        let address = WebhookAddress::of("https://canary.example", PlainHttp::Loopback);
        assert_eq!(format!("{address:?}"), "Ok(WebhookAddress)");
    }
}
