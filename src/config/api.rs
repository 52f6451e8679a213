//! Whom to send to, and as whom.

use std::cmp::Ordering;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::error::Problem;
use super::layer::TOKEN;
use super::reader::Reader;
use super::setting::Setting;
use super::value::{ValueError, number_in};
use crate::api::{PlainHttp, Protocol, foreign_part, is_loopback};

/// The API as its documentation names it.
const BASE_URL: &str = "https://dev.flextell.ai/api";

/// The setting that names the tenant.
pub(super) const TENANT: &str = "tenant";

/// The setting that names a file with the token in it.
pub(super) const TOKEN_FILE: &str = "token-file";

/// The setting that names a file with the client's secret in it.
pub(super) const CLIENT_SECRET_FILE: &str = "client-secret-file";

/// Whom to send to, and as whom.
#[derive(Debug, Clone)]
pub struct ApiSettings {
    /// The server.
    pub target: Target,
    /// The value of the `X-Tenant` header, where one is to be sent.
    pub tenant: Option<u64>,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The secret of the client that logged in, where the token file does not hold it.
    pub client_secret_file: Option<PathBuf>,
    /// Where plain HTTP may go.
    pub plain_http: PlainHttp,
    /// The version of HTTP.
    pub protocol: Protocol,
}

/// The server that the updates go to.
#[derive(Debug, Clone)]
pub enum Target {
    /// One inside this process.
    Sandbox,
    /// One that is there already.
    Remote {
        /// Without query, fragment and credentials. Its path ends in `/`, so that [`Url::join`] appends. HTTPS, unless
        /// the host is this machine or the user allowed otherwise.
        base_url: Url,
        /// How to authenticate there.
        token: TokenSource,
    },
}

/// Where the access token is.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Nobody said. Never so for a run against a remote server.
    Missing,
    /// It is this one: visible ASCII characters, fit for a header.
    Value(SecretString),
    /// In a file, to be read when needed and again when refused.
    File(PathBuf),
}

/// Why a text is no base URL. The text itself is not repeated: it might hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("not a URL as in https://api.example.com/v2: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// A part that the parser of URLs would drop or change without a word.
    #[error(
        "the URL holds {0}, which has no place in it: it would be dropped, or read as something else"
    )]
    ForeignPart(&'static str),
    /// A scheme without the two slashes and a host behind it. The parser would find a host somewhere else.
    #[error("not a URL as in https://api.example.com/v2: two slashes and a host follow the scheme")]
    NoHost,
    /// A scheme that we do not speak.
    #[error("the scheme is `{0}`; it must be https")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("a URL with a user name or password in it: leave them out and give a token")]
    Credentials,
    /// A query or a fragment, which a base cannot have.
    #[error("a base URL has no `?` and no `#`")]
    QueryOrFragment,
    /// Without encryption, everybody on the way reads the token.
    #[error(
        "plain http to {0} would show the token and the customers to everybody on the way: use https, or --allow-http"
    )]
    PlainHttp(String),
}

impl ApiSettings {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let (base_url, plain_http) = base_url(reader);
        let tenant = reader.optional(Setting::of_the_run(TENANT), number_in(0..=u64::MAX));
        let token = token_source(reader);
        let client_secret_file = reader.path(Setting::of_the_process(CLIENT_SECRET_FILE));
        let ca_file = reader.path(Setting::of_the_process("ca-file"));
        let protocol = if reader.switch(Setting::of_the_process("http2")) {
            Protocol::Http2
        } else {
            Protocol::Http1
        };
        let target = if reader.switch(Setting::of_the_run("sandbox")) {
            Target::Sandbox
        } else {
            Target::Remote { base_url, token }
        };
        Self {
            target,
            tenant,
            ca_file,
            client_secret_file,
            plain_http,
            protocol,
        }
    }
}

fn base_url(reader: &mut Reader) -> (Url, PlainHttp) {
    const NAME: &str = "base-url";
    let base_url = reader.one(Setting::of_the_run(NAME), BASE_URL, |text| {
        Ok(parse_base_url(text)?)
    });
    let plain_http = if reader.switch(Setting::of_the_process("allow-http")) {
        PlainHttp::Anywhere
    } else {
        PlainHttp::Loopback
    };
    if base_url.scheme() != "https" && plain_http == PlainHttp::Loopback && !is_loopback(&base_url)
    {
        let host = base_url.host_str().unwrap_or_default().to_owned();
        reader.note(NAME, ValueError::BaseUrl(BaseUrlError::PlainHttp(host)));
    }
    (base_url, plain_http)
}

fn parse_base_url(text: &str) -> Result<Url, BaseUrlError> {
    let mut url = parse_server_url(text)?;
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Where a server is: a URL without anything that is of no use or a secret.
pub(super) fn parse_server_url(text: &str) -> Result<Url, BaseUrlError> {
    if let Some(part) = foreign_part(text) {
        return Err(BaseUrlError::ForeignPart(part));
    }
    let url = Url::parse(text)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BaseUrlError::Scheme(url.scheme().to_owned()));
    }
    let behind = text
        .get(url.scheme().len()..)
        .and_then(|rest| rest.strip_prefix("://"))
        .ok_or(BaseUrlError::NoHost)?;
    let host = behind
        .split(['/', '?', '#'])
        .next()
        .filter(|host| !host.is_empty())
        .ok_or(BaseUrlError::NoHost)?;
    if host.contains('@') {
        return Err(BaseUrlError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::QueryOrFragment);
    }
    Ok(url)
}

/// The token from wherever the stronger source says: a flag that names a file beats the variable, which beats a
/// configuration file.
fn token_source(reader: &mut Reader) -> TokenSource {
    let value = reader.token();
    let file = reader.path(Setting::of_the_process(TOKEN_FILE));
    match (value, file) {
        (None, None) => TokenSource::Missing,
        (Some(value), None) => TokenSource::Value(value),
        (None, Some(file)) => TokenSource::File(file),
        (Some(value), Some(file)) => match reader.compare_sources(TOKEN, TOKEN_FILE) {
            Ordering::Greater => TokenSource::Value(value),
            Ordering::Less => TokenSource::File(file),
            Ordering::Equal => {
                let (first, second) = (reader.place(TOKEN), reader.place(TOKEN_FILE));
                reader.problem(Problem::Contradiction { first, second });
                TokenSource::Missing
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_ends_in_one_slash_and_carries_nothing_else() {
        let check = |text: &str, want: Result<&str, &str>| match (parse_base_url(text), want) {
            (Ok(url), Ok(want)) => assert_eq!(url.as_str(), want, "{text}"),
            (Err(error), Err(want)) => assert!(error.to_string().contains(want), "{text}: {error}"),
            (got, want) => panic!("{text}: {got:?}, not {want:?}"),
        };
        for (text, want) in [
            ("https://a.example", Ok("https://a.example/")),
            ("https://a.example/api", Ok("https://a.example/api/")),
            ("https://a.example/api/", Ok("https://a.example/api/")),
            ("https://a.example/api//", Ok("https://a.example/api/")),
            ("http://127.0.0.1:8080", Ok("http://127.0.0.1:8080/")),
            ("a.example", Err("not a URL")),
            ("", Err("not a URL")),
            ("https://", Err("not a URL")),
            ("ftp://a.example", Err("the scheme is `ftp`")),
            ("HTTPS://A.example/API", Ok("https://a.example/API/")),
            ("https:a.example", Err("two slashes and a host")),
            ("https:/a.example", Err("two slashes and a host")),
            ("https:///a.example", Err("two slashes and a host")),
            ("https://@a.example", Err("user name or password")),
            ("https://a.example/api\r\nX: y", Err("holds a line break")),
            ("https://a.example/api\n", Err("holds a line break")),
            ("https://a.exa\tmple", Err("holds a tab")),
            ("https://a.example/\u{7}", Err("holds a control character")),
            (" https://a.example", Err("holds a space")),
            ("https://a.example/api ", Err("holds a space")),
            ("https:\\\\a.example", Err("holds a backslash")),
            ("https://a.example/api/../v2", Err("`.` or `..`")),
            ("https://user@a.example", Err("user name or password")),
            ("https://:secret@a.example", Err("user name or password")),
            ("https://a.example/?x=1", Err("no `?`")),
            ("https://a.example/#x", Err("no `?`")),
        ] {
            check(text, want);
        }
    }
}
