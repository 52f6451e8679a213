//! The tokens of a login, and their JSON in a token file.

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::api::http::address::foreign_part;
use crate::api::token::secret::{JsonEnd, LoginFlaw, Token};

/// The tokens of a login, and what refreshing them needs.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Authorizes requests.
    pub access_token: SecretString,
    /// Exchanged for the next tokens. Most servers accept each one once.
    pub refresh_token: Option<SecretString>,
    /// When the access token expires.
    pub expires_at: Option<Timestamp>,
    /// The client that the tokens were issued to.
    pub client_id: Option<String>,
    /// The client's secret.
    pub client_secret: Option<SecretString>,
    /// The token endpoint.
    pub token_url: Option<Url>,
}

impl Tokens {
    /// A bare access token.
    pub(crate) fn alone(access_token: SecretString) -> Tokens {
        let (refresh_token, expires_at, client_id, client_secret, token_url) =
            (None, None, None, None, None);
        Tokens {
            access_token,
            refresh_token,
            expires_at,
            client_id,
            client_secret,
            token_url,
        }
    }

    /// Parses the JSON of a login.
    pub fn parse(text: &str) -> Result<Tokens, LoginFlaw> {
        let login: Login = serde_json::from_str(text).map_err(|error| {
            // serde's message might quote a secret.
            let end = if error.is_eof() {
                JsonEnd::Missing
            } else {
                JsonEnd::Found
            };
            LoginFlaw::Json {
                line: error.line(),
                column: error.column(),
                end,
            }
        })?;
        let access_token = Token::of(&login.access_token).map_err(LoginFlaw::AccessToken)?;
        Ok(Tokens {
            access_token: access_token.secret(),
            refresh_token: login
                .refresh_token
                .filter(|token| !token.is_empty())
                .map(SecretString::from),
            expires_at: login.expires_at.as_ref().and_then(Expiry::timestamp),
            client_id: login.client_id,
            client_secret: login.client_secret.map(SecretString::from),
            token_url: login.token_url.as_deref().map(token_url).transpose()?,
        })
    }

    /// The JSON of the login. Apart from requests, this is the only place that exposes the secrets.
    pub fn to_json(&self) -> String {
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
    pub fn can_be_refreshed(&self) -> bool {
        self.refresh_token.is_some() && self.token_url.is_some()
    }
}

fn token_url(text: &str) -> Result<Url, LoginFlaw> {
    let url = Url::parse(text).map_err(|_parse_error| LoginFlaw::TokenUrl)?;
    let is_http = matches!(url.scheme(), "http" | "https");
    if !is_http
        || !url.username().is_empty()
        || url.password().is_some()
        || foreign_part(text).is_some()
    {
        return Err(LoginFlaw::TokenUrl);
    }
    Ok(url)
}

/// The JSON of the file.
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

/// A time: written as RFC 3339, also read as Unix seconds.
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
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a fraction of a second makes no difference"
            )]
            Expiry::FractionalUnixSeconds(seconds) => Timestamp::from_second(*seconds as i64).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::api::oauth::parse_answer;

    const CANARY: &str = "canary-7F3a9";

    /// Parts of a login and other texts, in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let members = [
            r#""access_token":"$""#,
            r#""access_token":"a b$""#,
            r#""refresh_token":"$""#,
            r#""expires_at":1795435200"#,
            r#""expires_at":1e99"#,
            r#""expires_at":"$""#,
            r#""expires_in":"1e400""#,
            r#""client_secret":"$""#,
            r#""token_url":"https://a.example/token""#,
            r#""token_url":"https://$@a.example/\n""#,
            r#""token_type":"mac""#,
            r#""$":{"$":[null,true]}"#,
        ];
        let joints = [
            "{", "}", ",", ":", "[", "\"", "$", "Bearer ", "\n", "\\u", "\u{e9}", " ",
        ];
        let whole = prop::collection::vec(prop::sample::select(members.to_vec()), 0..6);
        let whole = whole.prop_map(|members| format!("{{{}}}", members.join(",")));
        let pieces = prop::sample::select([members.as_slice(), joints.as_slice()].concat());
        let broken = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
        prop_oneof![whole, broken].prop_map(|text| text.replace('$', CANARY))
    }

    fn is_whole(tokens: &Tokens) {
        let shown = format!("{tokens:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        let again = Tokens::parse(&tokens.to_json()).expect("what is written can be read");
        assert_eq!(again.to_json(), tokens.to_json());
        assert!(Token::of(again.access_token.expose_secret()).is_ok());
    }

    fn check(text: &str) {
        match Tokens::parse(text) {
            Ok(tokens) => is_whole(&tokens),
            Err(flaw) => assert!(!format!("{flaw} {flaw:?}").contains(CANARY), "{text}"),
        }
        if let Err(flaw) = Token::of(text) {
            assert!(!format!("{flaw} {flaw:?}").contains(CANARY), "{text}");
        }
        for status in [200, 400, 503] {
            match parse_answer(status, text.as_bytes()) {
                Ok(tokens) => is_whole(&tokens),
                Err(error) => assert!(!format!("{error} {error:?}").contains(CANARY), "{text}"),
            }
        }
    }

    proptest! {
        #[test]
        fn no_login_is_shown_or_written_otherwise_than_read(text in pieces(), end in 0..200_usize) {
            check(&text);
            let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= end).last().unwrap_or(0);
            check(text.split_at(end).0);
        }

        #[test]
        fn no_text_makes_reading_a_login_panic(text in any::<String>()) {
            check(&text);
        }
    }
}
