//! The authorization-code flow (RFC 6749 §4.1) with PKCE (RFC 7636), as a native app uses it (RFC
//! 8252).

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::api::http::clients;
use crate::api::http::options::{HttpError, HttpOptions};
use crate::api::token::oauth;
use crate::api::token::oauth::OauthError;
use crate::api::token::tokens::Tokens;
use crate::text;

/// Random bytes of the state and of the verifier, as RFC 7636 §4.1 recommends.
const RANDOM_BYTES: usize = 32;
/// The setting that names the token endpoint.
const TOKEN_URL: &str = "--token-url";
/// The most characters of the server's own error code that are shown.
const CODE_CHARACTERS_MAX: usize = 64;

/// The client that a person logs in with.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    /// Its id at the server.
    pub id: String,
    /// Its secret, if it has one.
    pub secret: Option<SecretString>,
    /// The scope that it asks for.
    pub scope: Option<String>,
    /// The authorization endpoint, which a person opens.
    pub auth_url: Url,
    /// The token endpoint, which exchanges codes for tokens.
    pub token_url: Url,
}

/// One login, from the URL that a person opens to the redirect that comes back.
#[derive(Debug)]
pub(crate) struct Authorization {
    redirect_uri: String,
    state: String,
    verifier: SecretString,
}

/// An authorization code, to be exchanged for tokens once.
#[derive(Debug)]
pub(crate) struct Code(SecretString);

/// An error that ends the login.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorizeError {
    /// The system has no random numbers, so the state could be guessed.
    #[error("the system has no random numbers")]
    NoRandomNumbers,
    /// The address is of another login, or made up.
    #[error("the address is not of this login: its `state` differs")]
    OtherState,
    /// The person or the server refused.
    #[error("the server refuses the login ({0})")]
    Refused(String),
    /// The address has neither a code nor an error.
    #[error("the address has no `code`: copy all of it")]
    NoCode,
    /// No HTTP client can be built.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The exchange of the code failed.
    #[error(transparent)]
    Exchange(#[from] OauthError),
}

impl Authorization {
    /// A login that redirects the browser to `redirect_uri`.
    pub(crate) fn new(redirect_uri: String) -> Result<Authorization, AuthorizeError> {
        Ok(Authorization {
            redirect_uri,
            state: random()?,
            verifier: SecretString::from(random()?),
        })
    }

    /// The URL that the person opens. It contains no secret.
    pub(crate) fn url(&self, client: &Client) -> Url {
        let mut url = client.auth_url.clone();
        let challenge =
            base64url(digest(&SHA256, self.verifier.expose_secret().as_bytes()).as_ref());
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .extend_pairs(client.scope.iter().map(|scope| ("scope", scope)))
            .append_pair("state", &self.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        url
    }

    /// The code in the address that the browser was redirected to.
    pub(crate) fn code(&self, redirected: &Url) -> Result<Code, AuthorizeError> {
        let value = |name: &str| {
            redirected
                .query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        // First, because without the right state the rest may come from an attacker.
        if value("state").as_deref() != Some(&self.state) {
            return Err(AuthorizeError::OtherState);
        }
        if let Some(error) = value("error") {
            return Err(AuthorizeError::Refused(text::safe_cut(
                &error,
                CODE_CHARACTERS_MAX,
            )));
        }
        match value("code").filter(|code| !code.is_empty()) {
            Some(code) => Ok(Code(SecretString::from(code))),
            None => Err(AuthorizeError::NoCode),
        }
    }

    /// Exchanges the code for tokens, complete with what a refresh needs.
    pub(crate) async fn exchange_code(
        &self,
        options: &HttpOptions,
        client: &Client,
        code: &Code,
    ) -> Result<Tokens, AuthorizeError> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.0.expose_secret()),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &client.id),
            ("code_verifier", self.verifier.expose_secret()),
        ];
        form.extend(
            client
                .secret
                .iter()
                .map(|secret| ("client_secret", secret.expose_secret())),
        );
        let http = clients::client(options, &client.token_url, TOKEN_URL)?;
        let tokens = oauth::ask(&http, &client.token_url, &form).await?;
        Ok(Tokens {
            client_id: Some(client.id.clone()),
            client_secret: client.secret.clone(),
            token_url: Some(client.token_url.clone()),
            ..tokens
        })
    }
}

/// A text that cannot be guessed.
fn random() -> Result<String, AuthorizeError> {
    let mut bytes = [0; RANDOM_BYTES];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => Ok(base64url(&bytes)),
        // ring gives no further cause.
        Err(ring::error::Unspecified) => Err(AuthorizeError::NoRandomNumbers),
    }
}

/// Base64 with the alphabet of URLs and without padding (RFC 4648 §5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, index| {
            bits << 8 | u32::from(group.get(index).copied().unwrap_or(0))
        });
        // A group of n bytes becomes n + 1 characters.
        for index in 0..=group.len() {
            let sextet = bits >> (18 - 6 * index) & 0x3f;
            text.extend(ALPHABET.get(sextet as usize).map(|byte| char::from(*byte)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(scope: Option<&str>) -> Client {
        Client {
            id: "me & you".to_owned(),
            secret: Some(SecretString::from("canary")),
            scope: scope.map(str::to_owned),
            auth_url: "https://a.example/oauth/authorize?tenant=7"
                .parse()
                .unwrap(),
            token_url: "https://a.example/oauth/token".parse().unwrap(),
        }
    }

    #[test]
    fn bytes_as_text() {
        for (bytes, want) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"\xfb\xff\xfe", "-__-"),
        ] {
            assert_eq!(base64url(bytes), want);
        }
    }

    #[test]
    fn the_url_asks_for_a_code_and_holds_no_secret() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        let authorization = Authorization {
            redirect_uri: "http://127.0.0.1:9/callback".to_owned(),
            state: "s".to_owned(),
            verifier,
        };
        // The verifier and its challenge are those of RFC 7636, appendix B.
        assert_eq!(
            authorization.url(&client(Some("a b"))).as_str(),
            "https://a.example/oauth/authorize?tenant=7&response_type=code&client_id=me+%26+you\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Fcallback&scope=a+b&state=s\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
        );
        assert!(!authorization.url(&client(None)).as_str().contains("scope"));
        assert!(!format!("{authorization:?} {:?}", client(None)).contains("canary"));
        assert!(!format!("{authorization:?}").contains("dBjftJ"));
    }

    #[test]
    fn only_the_address_of_this_login_has_its_code() {
        let authorization = Authorization::new("http://127.0.0.1:9/callback".to_owned()).unwrap();
        let other = Authorization::new("http://127.0.0.1:9/callback".to_owned()).unwrap();
        assert_ne!(authorization.state, other.state);
        let check = |query: &str, want: Result<&str, &str>| {
            let query = query
                .replace("STATE", &authorization.state)
                .replace("OTHER", &other.state);
            let got = authorization.code(
                &format!("http://127.0.0.1:9/callback?{query}")
                    .parse()
                    .unwrap(),
            );
            match (got, want) {
                (Ok(code), Ok(want)) => assert_eq!(code.0.expose_secret(), want, "{query}"),
                (Err(error), Err(want)) => {
                    assert!(error.to_string().contains(want), "{query}: {error}");
                }
                (got, want) => panic!("{query}: {got:?}, not {want:?}"),
            }
        };
        check("code=abc&state=STATE", Ok("abc"));
        check("state=STATE&code=a%2Bb", Ok("a+b"));
        check("code=abc&state=OTHER", Err("not of this login"));
        check("code=abc", Err("not of this login"));
        check("error=access_denied&state=OTHER", Err("not of this login"));
        check(
            "error=access_denied%1b&state=STATE",
            Err("refuses the login (access_denied\\u{1b})"),
        );
        check("code=&state=STATE", Err("no `code`"));
        check("state=STATE", Err("no `code`"));
    }
}
