//! What a login brings, and how a token file holds it.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::token::Token;

/// What a login brings, and what renewing it needs.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Authorizes requests.
    pub access_token: SecretString,
    /// Is exchanged for the next tokens. Most servers take each one once.
    pub refresh_token: Option<SecretString>,
    /// When the access token expires.
    pub expires_at: Option<Timestamp>,
    /// Whom the tokens were handed out to.
    pub client_id: Option<String>,
    /// What that client proves itself with.
    pub client_secret: Option<SecretString>,
    /// Where tokens are exchanged.
    pub token_url: Option<Url>,
}

impl Tokens {
    /// An access token and nothing else.
    pub(super) fn alone(access_token: SecretString) -> Tokens {
        let (refresh_token, expires_at, client_id, client_secret, token_url) = (None, None, None, None, None);
        Tokens { access_token, refresh_token, expires_at, client_id, client_secret, token_url }
    }

    /// Reads the JSON of a login; else the line and column of what is wrong.
    pub(super) fn parse(text: &str) -> Result<Tokens, (usize, usize)> {
        let login: Login = match serde_json::from_str(text) {
            Ok(login) => login,
            // Its message might quote a secret.
            Err(error) => return Err((error.line(), error.column())),
        };
        let token_url = login.token_url.map(|url| Url::parse(&url)).transpose();
        let (Ok(token_url), Ok(access_token)) = (token_url, Token::new(&login.access_token, "")) else {
            return Err((1, 1));
        };
        Ok(Tokens {
            access_token: access_token.secret(),
            refresh_token: login.refresh_token.map(SecretString::from),
            expires_at: login.expires_at.as_ref().and_then(Expiry::timestamp),
            client_id: login.client_id,
            client_secret: login.client_secret.map(SecretString::from),
            token_url,
        })
    }

    /// The JSON of the login: the one place beside the request that shows the secrets.
    pub(super) fn to_json(&self) -> String {
        let exposed = |secret: &SecretString| secret.expose_secret().to_owned();
        let login = Login {
            access_token: exposed(&self.access_token),
            refresh_token: self.refresh_token.as_ref().map(exposed),
            expires_at: self.expires_at.map(|at| Expiry::Text(at.to_string())),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(exposed),
            token_url: self.token_url.as_ref().map(|url| url.as_str().to_owned()),
        };
        let json = serde_json::to_string_pretty(&login).expect("texts can be written as JSON");
        format!("{json}\n")
    }

    /// Whether they can be exchanged for new ones.
    pub fn can_be_renewed(&self) -> bool {
        self.refresh_token.is_some() && self.token_url.is_some()
    }
}

/// The file's JSON.
#[derive(Deserialize, Serialize)]
struct Login {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Expiry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_url: Option<String>,
}

/// A time: RFC 3339 is written, Unix seconds are read too.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Expiry {
    Text(String),
    UnixSeconds(i64),
    FractionalUnixSeconds(f64),
}

impl Expiry {
    fn timestamp(&self) -> Option<Timestamp> {
        match self {
            Expiry::Text(text) => match text.parse::<i64>() {
                Ok(seconds) => Timestamp::from_second(seconds).ok(),
                Err(_) => text.parse().ok(),
            },
            Expiry::UnixSeconds(seconds) => Timestamp::from_second(*seconds).ok(),
            #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second matters to nobody")]
            Expiry::FractionalUnixSeconds(seconds) => Timestamp::from_second(*seconds as i64).ok(),
        }
    }
}
