//! How a person logs in.

use url::Url;

use super::reader::Reader;
use super::setting::Setting;
use super::url::{BaseUrlError, parse_server_url};
use super::value::{ValueError, number_in, some_text};
use crate::api::{PlainHttp, is_loopback};

/// The API's own pages name these.
const AUTH_URL: &str = "https://dev.flextell.ai/oauth/authorize";
const TOKEN_URL: &str = "https://dev.flextell.ai/oauth/token";

/// How a person logs in.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The client's name at the server.
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
    pub way_back: WayBack,
    /// Whether a browser is started.
    pub browser: Browser,
}

/// How the address that the browser was sent back to reaches the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayBack {
    /// The browser asks a port of this machine.
    Loopback,
    /// The person copies it.
    Pasted,
}

/// Whether a browser is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Browser {
    /// It is tried.
    Opened,
    /// The person does that.
    LeftToThePerson,
}

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader, plain_http: PlainHttp) -> Self {
        Self {
            client_id: reader.optional(Setting::of_process("client-id"), some_text),
            scope: reader.optional(Setting::of_process("scope"), some_text),
            auth_url: server_url(
                reader,
                Setting::of_process("auth-url"),
                AUTH_URL,
                plain_http,
            ),
            token_url: server_url(
                reader,
                Setting::of_process("token-url"),
                TOKEN_URL,
                plain_http,
            ),
            port: reader.one(
                Setting::of_process("redirect-port"),
                "0",
                number_in(0..=u16::MAX),
            ),
            way_back: if reader.switch(Setting::of_process("paste")) {
                WayBack::Pasted
            } else {
                WayBack::Loopback
            },
            browser: if reader.switch(Setting::of_process("no-browser")) {
                Browser::LeftToThePerson
            } else {
                Browser::Opened
            },
        }
    }
}

fn server_url(reader: &mut Reader, setting: Setting, default: &str, plain_http: PlainHttp) -> Url {
    let url = reader.one(setting, default, |text| Ok(parse_server_url(text)?));
    if url.scheme() != "https" && plain_http == PlainHttp::Loopback && !is_loopback(&url) {
        let host = url.host_str().unwrap_or_default().to_owned();
        reader.note(
            setting.name,
            ValueError::BaseUrl(BaseUrlError::PlainHttp(host)),
        );
    }
    url
}
