//! The memory of the authorization server: codes, spent refresh tokens, and access tokens that
//! expire.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use ring::digest::{SHA256, digest};

use super::random::random_token;

/// The alphabet of base64 for URLs (RFC 4648 §5).
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The tokens of a login or a refresh.
#[derive(Clone)]
pub struct Login {
    /// Authorizes requests.
    pub access_token: String,
    /// Exchanged, once, for the next two tokens.
    pub refresh_token: String,
    /// The lifetime of the access token; `None` means without end.
    pub lifetime: Option<Duration>,
}

/// A reason why a code or a refresh token is not exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GrantError {
    /// It was exchanged before.
    Spent,
    /// It was never issued.
    Unknown,
    /// It was issued for another redirect or another client.
    Mismatch,
}

/// All grants. Times count from the sandbox's start.
#[derive(Default)]
pub(super) struct Grants {
    lifetime: Option<Duration>,
    codes: HashMap<String, Code>,
    /// Access tokens, with the time at which they expire.
    access: HashMap<String, Option<Duration>>,
    refresh: HashSet<String>,
    /// Codes and refresh tokens that were exchanged.
    spent: HashSet<String>,
}

/// The request that a code was issued for.
struct Code {
    redirect_uri: String,
    challenge: Option<String>,
}

impl Grants {
    pub(super) fn new(lifetime: Option<Duration>) -> Grants {
        Grants {
            lifetime,
            ..Grants::default()
        }
    }

    /// A code for this redirect and PKCE challenge (RFC 7636).
    pub(super) fn authorize(&mut self, redirect_uri: &str, challenge: Option<String>) -> String {
        let code = random_token();
        self.codes.insert(
            code.clone(),
            Code {
                redirect_uri: redirect_uri.to_owned(),
                challenge,
            },
        );
        code
    }

    /// Exchanges a code. A code in a wrong request is spent, too: RFC 6749 §4.1.2 allows one use.
    pub(super) fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: Duration,
    ) -> Result<Login, GrantError> {
        let Some(granted) = self.codes.remove(code) else {
            return Err(self.why_not(code));
        };
        self.spent.insert(code.to_owned());
        if granted.redirect_uri != redirect_uri || granted.challenge != verifier.map(challenge_of) {
            return Err(GrantError::Mismatch);
        }
        Ok(self.issue(now))
    }

    /// Exchanges a refresh token, which is spent from then on.
    pub(super) fn refresh(
        &mut self,
        refresh_token: &str,
        now: Duration,
    ) -> Result<Login, GrantError> {
        if !self.refresh.remove(refresh_token) {
            return Err(self.why_not(refresh_token));
        }
        self.spent.insert(refresh_token.to_owned());
        Ok(self.issue(now))
    }

    /// New tokens. Expired access tokens are removed.
    pub(super) fn issue(&mut self, now: Duration) -> Login {
        self.access.retain(|_, expires| is_before(now, *expires));
        let login = Login {
            access_token: random_token(),
            refresh_token: random_token(),
            lifetime: self.lifetime,
        };
        self.access.insert(
            login.access_token.clone(),
            self.lifetime.map(|lifetime| now + lifetime),
        );
        self.refresh.insert(login.refresh_token.clone());
        login
    }

    pub(super) fn accepts(&self, access_token: &str, now: Duration) -> bool {
        self.access
            .get(access_token)
            .is_some_and(|expires| is_before(now, *expires))
    }

    fn why_not(&self, sent: &str) -> GrantError {
        if self.spent.contains(sent) {
            GrantError::Spent
        } else {
            GrantError::Unknown
        }
    }
}

fn is_before(now: Duration, expires: Option<Duration>) -> bool {
    expires.is_none_or(|expires| now < expires)
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
fn challenge_of(verifier: &str) -> String {
    let hash = digest(&SHA256, verifier.as_bytes());
    let mut challenge = String::new();
    for chunk in hash.as_ref().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            let place = bits >> (18 - 6 * digit) & 0x3f;
            challenge.extend(BASE64_URL.get(place).map(|byte| char::from(*byte)));
        }
    }
    challenge
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            challenge_of(verifier),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn an_access_token_expires() {
        let mut grants = Grants::new(Some(2 * SECOND));
        let login = grants.issue(SECOND);
        assert!(grants.accepts(&login.access_token, 2 * SECOND));
        assert!(!grants.accepts(&login.access_token, 3 * SECOND));
        assert!(!grants.accepts(&login.refresh_token, SECOND));
        let mut without_end = Grants::new(None);
        let login = without_end.issue(SECOND);
        assert!(without_end.accepts(&login.access_token, Duration::MAX));
    }

    #[test]
    fn a_refresh_token_is_good_once() {
        let mut grants = Grants::new(None);
        let first = grants.issue(SECOND);
        let second = grants.refresh(&first.refresh_token, SECOND).unwrap();
        assert_eq!(
            grants.refresh(&first.refresh_token, SECOND).err(),
            Some(GrantError::Spent)
        );
        assert_eq!(
            grants.refresh("made up", SECOND).err(),
            Some(GrantError::Unknown)
        );
        assert_ne!(first.access_token, second.access_token);
        assert!(grants.refresh(&second.refresh_token, SECOND).is_ok());
    }

    #[test]
    fn a_code_is_good_once_for_whoever_asked_for_it() {
        let mut grants = Grants::new(None);
        let mut check = |redirect_uri: &str,
                         challenge: Option<&str>,
                         verifier: Option<&str>,
                         want: Option<GrantError>| {
            let code = grants.authorize("http://127.0.0.1:1/", challenge.map(challenge_of));
            let exchanged = grants.exchange(&code, redirect_uri, verifier, SECOND);
            assert_eq!(
                exchanged.err(),
                want,
                "{redirect_uri} {challenge:?} {verifier:?}"
            );
            let again = grants.exchange(&code, redirect_uri, verifier, SECOND);
            assert_eq!(again.err(), Some(GrantError::Spent));
        };
        check("http://127.0.0.1:1/", Some("v"), Some("v"), None);
        check("http://127.0.0.1:1/", None, None, None);
        check(
            "http://127.0.0.1:1/",
            Some("v"),
            Some("w"),
            Some(GrantError::Mismatch),
        );
        check(
            "http://127.0.0.1:1/",
            Some("v"),
            None,
            Some(GrantError::Mismatch),
        );
        check(
            "http://127.0.0.1:1/",
            None,
            Some("v"),
            Some(GrantError::Mismatch),
        );
        check(
            "http://127.0.0.1:2/",
            Some("v"),
            Some("v"),
            Some(GrantError::Mismatch),
        );
    }
}
