//! The proxy that the environment names for a server.
//!
//! The HTTP client ignores a value that it cannot use and connects directly, which the user never
//! means. So the variables are read here too, each value by the client's own parser, and a bad one
//! is an error.

use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use crate::api::http::address::is_loopback;
use crate::api::http::options::HttpError;
use crate::text;

/// The variables for plain HTTP. The first one that is set counts, even if it is empty.
const HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
/// The variables for HTTPS.
const HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
/// The fallback if the variable of the scheme is empty.
const ALL: [&str; 2] = ["ALL_PROXY", "all_proxy"];
/// The hosts that are reached without a proxy.
const NO: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Set in the process of a web server (RFC 3875 §4.1.12), where a client could set `HTTP_PROXY` by
/// a header: no proxy is used then.
const CGI: &str = "REQUEST_METHOD";

/// A proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    /// Scheme, host and port. Safe to show: it contains no password.
    pub(crate) address: String,
    /// The variable that names it.
    pub(crate) variable: &'static str,
}

impl Proxy {
    /// The proxy for requests to `server`; `None` for a server on this machine.
    pub(crate) fn from_environment(server: &Url) -> Result<Option<Proxy>, HttpError> {
        if is_loopback(server) {
            return Ok(None);
        }
        Proxy::named(server, |name| {
            Some(std::env::var_os(name)?.to_string_lossy().into_owned())
        })
    }

    fn named(
        server: &Url,
        variable: impl Fn(&'static str) -> Option<String>,
    ) -> Result<Option<Proxy>, HttpError> {
        let Ok(uri) = server.as_str().parse::<Uri>() else {
            return Ok(None);
        };
        let first = |names: [&'static str; 2]| {
            names
                .into_iter()
                .find_map(|name| Some((name, variable(name)?)))
                .filter(|(_, value)| !value.is_empty())
        };
        let of_the_scheme = if server.scheme() == "https" {
            HTTPS
        } else {
            HTTP
        };
        let Some((name, value)) = first(of_the_scheme).or_else(|| first(ALL)) else {
            return Ok(None);
        };
        if variable(CGI).is_some() || is_passed_by(&uri, first(NO)) {
            return Ok(None);
        }
        let Some(intercept) = Matcher::builder().all(value).build().intercept(&uri) else {
            return Err(HttpError::ProxyUnusable { variable: name });
        };
        let address = shown(&intercept);
        match intercept.uri().scheme_str() {
            _ if intercept.uri().host().is_none_or(str::is_empty) => {
                Err(HttpError::ProxyUnusable { variable: name })
            }
            Some("http" | "https") => Ok(Some(Proxy {
                address,
                variable: name,
            })),
            Some(_) | None => Err(HttpError::ProxyOfAnotherKind {
                variable: name,
                proxy: address,
            }),
        }
    }
}

/// Whether `NO_PROXY` matches the server, by the client's own rules.
fn is_passed_by(server: &Uri, no_proxy: Option<(&str, String)>) -> bool {
    let Some((_, hosts)) = no_proxy else {
        return false;
    };
    Matcher::builder()
        .all("http://proxy.invalid")
        .no(hosts)
        .build()
        .intercept(server)
        .is_none()
}

fn shown(proxy: &Intercept) -> String {
    let uri = proxy.uri();
    let port = uri
        .port_u16()
        .map_or_else(String::new, |port| format!(":{port}"));
    text::safe(&format!(
        "{}://{}{port}",
        uri.scheme_str().unwrap_or("http"),
        uri.host().unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the proxy for `server` with these variables: its variable and address, or the faulty
    /// variable.
    fn check(server: &str, variables: &[(&str, &str)], want: Result<Option<(&str, &str)>, &str>) {
        let server = Url::parse(server).expect("a URL");
        let value = |name: &str| {
            variables
                .iter()
                .find(|(set, _)| *set == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let got = match Proxy::named(&server, value) {
            Ok(proxy) => Ok(proxy.map(|proxy| (proxy.variable, proxy.address))),
            Err(
                HttpError::ProxyUnusable { variable }
                | HttpError::ProxyOfAnotherKind { variable, .. },
            ) => Err(variable),
            Err(other) => panic!("{other}"),
        };
        let got = got.as_ref().map(|proxy| {
            proxy
                .as_ref()
                .map(|(name, address)| (*name, address.as_str()))
        });
        assert_eq!(
            got.map_err(|variable| *variable),
            want,
            "{server} {variables:?}"
        );
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let (https, http) = ("https://api.example/api", "http://api.example/api");
        check(https, &[], Ok(None));
        check(
            https,
            &[("HTTPS_PROXY", "http://p:1")],
            Ok(Some(("HTTPS_PROXY", "http://p:1"))),
        );
        check(
            https,
            &[("https_proxy", "p:1")],
            Ok(Some(("https_proxy", "http://p:1"))),
        );
        check(https, &[("HTTP_PROXY", "http://p:1")], Ok(None));
        check(
            http,
            &[("HTTP_PROXY", "http://u:pw@p:1/x")],
            Ok(Some(("HTTP_PROXY", "http://p:1"))),
        );
        check(
            https,
            &[("ALL_PROXY", "https://p")],
            Ok(Some(("ALL_PROXY", "https://p"))),
        );
        check(
            https,
            &[("HTTPS_PROXY", ""), ("all_proxy", "http://p:1")],
            Ok(Some(("all_proxy", "http://p:1"))),
        );
        check(
            https,
            &[("HTTPS_PROXY", ""), ("https_proxy", "http://p:1")],
            Ok(None),
        );
        check(
            https,
            &[("HTTPS_PROXY", "http://p:1"), ("REQUEST_METHOD", "GET")],
            Ok(None),
        );
    }

    #[test]
    fn a_value_that_the_client_would_pass_over_is_an_error_where_it_would_apply() {
        let server = "https://api.example/api";
        let unusable = [
            "ftp://p:1",
            "http://[::1",
            "http://",
            "http://p\u{1}:1",
            "http://:1",
            " http://p:1",
            "/p",
        ];
        for value in unusable
            .into_iter()
            .chain(["socks5://p:1", "socks4a://u:pw@p:1"])
        {
            check(server, &[("HTTPS_PROXY", value)], Err("HTTPS_PROXY"));
            check(server, &[("all_proxy", value)], Err("all_proxy"));
            check(
                server,
                &[("HTTPS_PROXY", value), ("ALL_PROXY", "http://p:1")],
                Err("HTTPS_PROXY"),
            );
            // The variable is for another scheme or host, or another variable counts.
            check(server, &[("HTTP_PROXY", value)], Ok(None));
            check(
                server,
                &[("HTTPS_PROXY", value), ("NO_PROXY", "example")],
                Ok(None),
            );
            check(
                server,
                &[("HTTPS_PROXY", value), ("no_proxy", "*")],
                Ok(None),
            );
            check(
                server,
                &[("HTTPS_PROXY", value), ("NO_PROXY", "other.example")],
                Err("HTTPS_PROXY"),
            );
            let usable = [("HTTPS_PROXY", "http://p:1"), ("ALL_PROXY", value)];
            check(server, &usable, Ok(Some(("HTTPS_PROXY", "http://p:1"))));
        }
    }
}
