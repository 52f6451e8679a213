//! How a person logs in.

use url::Url;

use crate::api::{PlainHttp, is_loopback};
use crate::config::resolver::Resolver;
use crate::config::setting::Setting;
use crate::config::url::{BaseUrlError, parse_server_url};
use crate::config::value::{ValueError, non_empty, number_in};

/// The API's own pages name these.
const AUTH_URL: &str = "https://dev.flextell.ai/oauth/authorize";
const TOKEN_URL: &str = "https://dev.flextell.ai/oauth/token";

/// How a person logs in.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The client id.
    pub client_id: Option<String>,
    /// What the client asks to be allowed.
    pub scope: Option<String>,
    /// Where the person agrees.
    pub auth_url: Url,
    /// Where codes become tokens.
    pub token_url: Url,
    /// The port of this machine that the browser is sent back to; 0 is any.
    pub port: u16,
    /// How the address comes back.
    pub redirect_mode: RedirectMode,
    /// Whether a browser is started.
    pub open_browser: OpenBrowser,
}

/// How the address that the browser was sent back to reaches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectMode {
    /// The browser asks a port of this machine.
    Loopback,
    /// The person copies it.
    Paste,
}

/// Whether a browser is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenBrowser {
    /// It is tried.
    Yes,
    /// The person does that.
    No,
}

impl LoginSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver, plain_http: PlainHttp) -> Self {
        Self {
            client_id: resolver.optional(Setting::of_process("client-id"), non_empty),
            scope: resolver.optional(Setting::of_process("scope"), non_empty),
            auth_url: server_url(
                resolver,
                Setting::of_process("auth-url"),
                AUTH_URL,
                plain_http,
            ),
            token_url: server_url(
                resolver,
                Setting::of_process("token-url"),
                TOKEN_URL,
                plain_http,
            ),
            port: resolver.one(
                Setting::of_process("redirect-port"),
                "0",
                number_in(0..=u16::MAX),
            ),
            redirect_mode: if resolver.boolean(Setting::of_process("paste")) {
                RedirectMode::Paste
            } else {
                RedirectMode::Loopback
            },
            open_browser: if resolver.boolean(Setting::of_process("no-browser")) {
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
