//! The address of a file. A signed address has its secret in the query, so an address is a secret
//! but for its scheme, host and path.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;

use url::Url;

use crate::api::{foreign_part, is_loopback};
use crate::objects::{ObjectAddress, ObjectAddressError};
use crate::text;

/// The schemes of addresses of servers.
const SCHEMES: [&str; 2] = ["https://", "http://"];
/// The text that commands show in place of a query.
const HIDDEN_QUERY: &str = "...";

/// The address of a file: on a server, or in object storage.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(Place);

/// The place of a file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// On a server. The query is kept, sent to the server, and never shown.
    Server(Box<Url>),
    /// In object storage.
    Object(Box<ObjectAddress>),
}

/// The reason why a text is not the address of a file. The text is not repeated, since it may hold a
/// secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL at all.
    #[error("is not a URL as in https://exports.example.com/customers.csv ({0})")]
    NotAUrl(#[from] url::ParseError),
    /// A part that the URL parser would silently drop or change.
    #[error("holds {0}, which would be dropped or read as something else")]
    ForeignPart(&'static str),
    /// A user name or password in the address.
    #[error(
        "has a user name or password: leave them out, and give a token with --input-token-file FILE"
    )]
    Credentials,
    /// A fragment, which is never sent to a server.
    #[error("has a `#`, and what follows it is never sent to a server: leave it out")]
    Fragment,
    /// A command as custsync prints it, in which the query is hidden.
    #[error("has no query but `...`, as commands are printed: put the address's own query there")]
    HiddenQuery,
    /// Not an object of object storage.
    #[error(transparent)]
    Object(#[from] ObjectAddressError),
    /// Plain HTTP to another machine, which would expose the customers and the token.
    #[error(
        "is plain http, which would send the customers unencrypted: use https, or --allow-http"
    )]
    PlainHttp,
}

impl Address {
    /// Returns the address that an argument names; `None` if it does not begin as one.
    pub(crate) fn of_argument(argument: &OsStr) -> Option<Result<Address, AddressError>> {
        let text = argument.to_string_lossy();
        match ObjectAddress::of_text(&text) {
            Some(address) => Some(address.map(Address::from).map_err(AddressError::from)),
            None => is_address(argument).then(|| Address::parse(&text)),
        }
    }

    fn parse(text: &str) -> Result<Address, AddressError> {
        if let Some(part) = foreign_part(text) {
            return Err(AddressError::ForeignPart(part));
        }
        let url = Url::parse(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(AddressError::Fragment);
        }
        if url.query() == Some(HIDDEN_QUERY) {
            return Err(AddressError::HiddenQuery);
        }
        Ok(Address(Place::Server(Box::new(url))))
    }

    /// Whether the file is sent unencrypted by another machine.
    pub(crate) fn is_plain_http_elsewhere(&self) -> bool {
        match &self.0 {
            Place::Server(url) => url.scheme() != "https" && !is_loopback(url),
            // Its server is known later, by the environment.
            Place::Object(_) => false,
        }
    }

    /// Returns the last part of the path, or the host if the path ends in `/`. It has the file's
    /// extension.
    pub(crate) fn file_name(&self) -> &str {
        let url = match &self.0 {
            Place::Server(url) => url,
            Place::Object(address) => return address.last_part(),
        };
        let last = url.path().rsplit('/').next();
        last.filter(|name| !name.is_empty())
            .or_else(|| url.host_str())
            .unwrap_or_default()
    }

    /// Returns the place, a secret.
    pub(super) fn place(&self) -> &Place {
        &self.0
    }

    /// Returns the address in object storage; `None` if the file is on a server.
    pub(crate) fn object(&self) -> Option<&ObjectAddress> {
        match &self.0 {
            Place::Server(_) => None,
            Place::Object(address) => Some(address),
        }
    }

    /// Returns the word for the address in a command that is printed.
    pub(crate) fn shown_word(&self) -> OsString {
        match &self.0 {
            Place::Server(url) if url.query().is_some() => format!("{self}?{HIDDEN_QUERY}").into(),
            Place::Server(_) | Place::Object(_) => self.to_string().into(),
        }
    }
}

impl From<ObjectAddress> for Address {
    fn from(address: ObjectAddress) -> Address {
        Address(Place::Object(Box::new(address)))
    }
}

/// Scheme, host and path; of an object its whole address.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Server(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                f.write_str(&text::safe(shown.as_str()))
            }
            Place::Object(address) => address.fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn is_address(word: &OsStr) -> bool {
    let bytes = word.as_encoded_bytes();
    SCHEMES.iter().any(|scheme| {
        bytes
            .get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme.as_bytes()))
    })
}

/// Returns a word of a command line as it may be shown: an address without the parts that may be
/// secrets, anything else as it is.
pub(crate) fn shown_word(word: &OsStr) -> Cow<'_, OsStr> {
    match Address::of_argument(word) {
        None => Cow::Borrowed(word),
        Some(Ok(address)) => Cow::Owned(address.shown_word()),
        Some(Err(_)) => Cow::Owned(without_secrets(&word.to_string_lossy()).into()),
    }
}

/// Returns a text that is no address, although it begins as one, without user name, query and
/// fragment.
fn without_secrets(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (kept, hidden) = text.split_at(end);
    let (scheme, rest) = kept.split_once("://").unwrap_or(("", kept));
    // In a text that is no URL, a password may hold a slash.
    let rest = rest.rsplit('@').next().unwrap_or_default();
    let hidden = if hidden.is_empty() {
        String::new()
    } else {
        format!("?{HIDDEN_QUERY}")
    };
    format!("{scheme}://{rest}{hidden}")
}

/// Whether a command that is printed hides the query of an address.
pub(crate) fn has_hidden_query(command: &str) -> bool {
    let mut words = command.split_ascii_whitespace();
    words.any(|word| {
        let word = word.trim_matches('\'');
        is_address(OsStr::new(word)) && word.ends_with(&format!("?{HIDDEN_QUERY}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_scheme_host_and_path() {
        let check = |text: &str, shown: &str, word: &str, file_name: &str| {
            let address = Address::parse(text).expect("an address");
            assert_eq!(address.to_string(), shown, "{text}");
            assert_eq!(format!("{address:?}"), format!("Address({shown})"));
            assert_eq!(address.shown_word(), word, "{text}");
            assert_eq!(address.file_name(), file_name, "{text}");
            assert_eq!(
                has_hidden_query(&format!("a 'b c' '{word}'")),
                text.contains('?')
            );
        };
        check(
            "https://a.example/b/c.csv.gz?sig=s3cret",
            "https://a.example/b/c.csv.gz",
            "https://a.example/b/c.csv.gz?...",
            "c.csv.gz",
        );
        check(
            "HTTPS://A.example:8443/c.csv",
            "https://a.example:8443/c.csv",
            "https://a.example:8443/c.csv",
            "c.csv",
        );
        // In object storage, a question mark belongs to the key.
        let object = Address::of_argument(OsStr::new("s3://exports/a/b.csv?c"));
        let object = object.expect("begins as an address").expect("an address");
        assert_eq!(object.to_string(), "s3://exports/a/b.csv?c");
        assert_eq!(object.shown_word(), "s3://exports/a/b.csv?c");
        assert_eq!(object.file_name(), "b.csv?c");
        assert!(!has_hidden_query("s3://exports/a?..."));
        check(
            "https://a.example?s3cret",
            "https://a.example/",
            "https://a.example/?...",
            "a.example",
        );
    }

    #[test]
    fn what_is_no_address_is_not_repeated() {
        let check = |text: &str, want: &str, shown: &str| {
            let error = Address::of_argument(OsStr::new(text)).expect("begins as an address");
            let error = error.expect_err("no address").to_string();
            assert!(error.contains(want), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
            assert_eq!(shown_word(OsStr::new(text)), OsStr::new(shown), "{text}");
        };
        check("https://", "is not a URL", "https://");
        check("https://a b?s3cret", "a space", "https://a b?...");
        check("https://a/b/../c", "is `.` or `..`", "https://a/b/../c");
        check(
            "https://me:s3cret@a.example/c",
            "user name or password",
            "https://a.example/c",
        );
        check(
            "https://me:s3/cret@a.example/c",
            "not a URL",
            "https://a.example/c",
        );
        check(
            "https://a.example/c#s3cret",
            "`#`",
            "https://a.example/c?...",
        );
        check(
            "s3://key:s3cret@exports/a.csv",
            "does not name a bucket",
            "s3://exports/a.csv",
        );
        check(
            "https://a.example/c?...",
            "put the address's own query there",
            "https://a.example/c?...",
        );
        for file in ["https:/a", "./https://a", "customers.csv", "-", "ftp://a/b"] {
            assert!(Address::of_argument(OsStr::new(file)).is_none(), "{file}");
            assert_eq!(shown_word(OsStr::new(file)), OsStr::new(file));
        }
    }
}
