//! The addresses of servers.

use url::Url;

use crate::api::foreign_part;

/// The reason why a text is not a base URL. The text is not repeated, since it might hold a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("not a URL as in https://api.example.com/v2: {}", reason_of(*.0))]
    NotAUrl(#[from] url::ParseError),
    /// A part that the URL parser would silently drop or change.
    #[error("the URL holds {0}, which would be dropped or read as something else")]
    ForeignPart(&'static str),
    /// A scheme without two slashes and a host after it. The parser would take the host from
    /// elsewhere.
    #[error(
        "not a URL as in https://api.example.com/v2: the scheme must be followed by two slashes and a host"
    )]
    NoHost,
    /// An unsupported scheme.
    #[error("the scheme is `{0}`; it must be https")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("the URL has a user name or password: leave them out and give a token")]
    Credentials,
    /// A query or a fragment, which a base cannot have.
    #[error("a base URL must have no `?` and no `#`")]
    QueryOrFragment,
    /// Plain HTTP to another machine, which would expose the token.
    #[error(
        "plain http to {0} would send the token and the customers unencrypted: use https, or --allow-http"
    )]
    PlainHttp(String),
}

/// The reason why a text is not the address of a Redis. The text is not repeated, since it might
/// hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedisUrlError {
    /// Not such an address.
    #[error("not an address as in redis://host:6379, redis://user@host/1 or rediss://host")]
    NotAUrl,
    /// A password, which would be in the list of processes and in files of settings.
    #[error(
        "the address holds a password: set CUSTSYNC_RATE_REDIS_PASSWORD, or name a file with --rate-redis-password-file"
    )]
    Password,
}

/// Parses the address of a Redis: scheme, user, host, port and number of the database.
pub(super) fn parse_redis_url(text: &str) -> Result<Url, RedisUrlError> {
    let is_begun = text.starts_with("redis://") || text.starts_with("rediss://");
    let url = Url::parse(text).map_err(|_error| RedisUrlError::NotAUrl)?;
    if url.password().is_some() {
        return Err(RedisUrlError::Password);
    }
    let database = url.path().trim_start_matches('/');
    let is_whole = is_begun
        && url.host_str().is_some_and(|host| !host.is_empty())
        && (database.is_empty() || database.parse::<u16>().is_ok())
        && url.query().is_none()
        && url.fragment().is_none();
    is_whole.then_some(url).ok_or(RedisUrlError::NotAUrl)
}

/// Returns the parser's reason, in words that need no knowledge of it.
fn reason_of(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => "it does not begin with https://".to_owned(),
        error => error.to_string(),
    }
}

pub(super) fn parse_base_url(text: &str) -> Result<Url, BaseUrlError> {
    let mut url = parse_server_url(text)?;
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// Parses the URL of a server. Parts without use, and secrets, are errors.
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
            ("a.example", Err("does not begin with https://")),
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
