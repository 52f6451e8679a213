//! The login of a person.

use url::Url;

use crate::api::{PlainHttp, is_loopback};
use crate::config::resolver::Resolver;
use crate::config::setting::{Setting, of_process};
use crate::config::url::{BaseUrlError, parse_server_url};
use crate::config::value::{ValueError, non_empty};

/// The API's own pages name these.
const AUTH_URL: &str = "https://dev.flextell.ai/oauth/authorize";
const TOKEN_URL: &str = "https://dev.flextell.ai/oauth/token";

/// The login of a person.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The client id.
    pub client_id: Option<String>,
    /// The scope that the client asks for.
    pub scope: Option<String>,
    /// The URL of the login page.
    pub auth_url: Url,
    /// The URL that exchanges codes for tokens.
    pub token_url: Url,
    /// The port on this machine that the browser is redirected to; 0 is any.
    pub port: u16,
    /// The way of the redirect address to the program.
    pub redirect_mode: RedirectMode,
    /// The choice between opening a browser and printing the address only.
    pub open_browser: OpenBrowser,
}

/// The way in which the redirect address reaches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectMode {
    /// The browser connects to a port on this machine.
    Loopback,
    /// The person pastes the address.
    Paste,
}

/// The choice between opening a browser and printing the address only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenBrowser {
    /// A browser is opened, if there is one.
    Yes,
    /// The person opens the address.
    No,
}

impl LoginSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, plain_http: PlainHttp) -> Self {
        Self {
            client_id: resolver.optional(of_process("client-id"), non_empty),
            scope: resolver.optional(of_process("scope"), non_empty),
            auth_url: server_url(resolver, of_process("auth-url"), AUTH_URL, plain_http),
            token_url: server_url(resolver, of_process("token-url"), TOKEN_URL, plain_http),
            port: resolver.number(of_process("redirect-port"), "0", 0..=u16::MAX),
            redirect_mode: if resolver.boolean(of_process("paste")) {
                RedirectMode::Paste
            } else {
                RedirectMode::Loopback
            },
            open_browser: if resolver.boolean(of_process("no-browser")) {
                OpenBrowser::No
            } else {
                OpenBrowser::Yes
            },
        }
    }
}

fn server_url(
    resolver: &mut Resolver,
    setting: Setting,
    default: &str,
    plain_http: PlainHttp,
) -> Url {
    let url = resolver.one(setting, default, |text| Ok(parse_server_url(text)?));
    if url.scheme() != "https" && plain_http == PlainHttp::Loopback && !is_loopback(&url) {
        let host = url.host_str().unwrap_or_default().to_owned();
        resolver.report_value(
            setting.name,
            ValueError::BaseUrl(BaseUrlError::PlainHttp(host)),
        );
    }
    url
}
