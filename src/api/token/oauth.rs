//! Requests to the token endpoint and the meaning of its answers (RFC 6749 §5 and §6).

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::api::http::fault::fault_of;
use crate::api::http::lanes::Connection;
use crate::api::http::route::Route;
use crate::api::token::secret::{TOKEN_BYTES_MAX, Token, TokenFlaw};
use crate::api::token::tokens::Tokens;
use crate::contract::Fault;

/// The most bytes of an answer that are read. Tokens take a few kilobytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The error codes that are shown (RFC 6749 §5.2). Any other text might contain the token that was
/// sent.
const ERROR_CODES: [&str; 6] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
];

/// An error of the token endpoint: there are no new tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OauthError {
    /// The server refuses, and will refuse again.
    #[error("the token endpoint answers {status}{}", .code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Refused {
        /// The answer's status.
        status: u16,
        /// The error code, if it is a documented one.
        code: Option<&'static str>,
    },
    /// The server is in trouble, or asks for fewer requests.
    #[error("the token endpoint answers {status}")]
    Unavailable {
        /// The answer's status.
        status: u16,
    },
    /// The answer is not a token endpoint's: a redirect, a login page.
    #[error("the token endpoint answers {status} without tokens")]
    Unexpected {
        /// The answer's status.
        status: u16,
    },
    /// The new token cannot be sent.
    #[error("the token endpoint answers {status} with a token that cannot be sent: {flaw}")]
    UnusableToken {
        /// The answer's status.
        status: u16,
        /// The rule that the token breaks.
        flaw: TokenFlaw,
    },
    /// There is no answer.
    #[error("the token endpoint cannot be reached ({}): {why}", .fault.name())]
    Unreachable {
        /// The fault.
        fault: Fault,
        /// The fault, explained.
        why: String,
    },
    /// The tokens lack what a refresh needs.
    #[error("the token file names no refresh_token or no token_url")]
    NotRefreshable,
}

impl OauthError {
    /// Whether a later request can succeed.
    pub fn may_pass(&self) -> bool {
        match self {
            OauthError::Unavailable { .. }
            | OauthError::Unexpected { .. }
            | OauthError::UnusableToken { .. }
            | OauthError::Unreachable { .. } => true,
            OauthError::Refused { .. } | OauthError::NotRefreshable => false,
        }
    }

    /// Whether the server may have issued new tokens in an answer that was lost.
    pub(crate) fn may_have_spent_the_refresh_token(&self) -> bool {
        match self {
            OauthError::Unexpected { status } => (200..300).contains(status),
            OauthError::UnusableToken { .. } => true,
            OauthError::Unavailable { status } => !matches!(status, 425 | 429 | 503),
            OauthError::Unreachable { fault, .. } => fault.is_ambiguous(),
            OauthError::Refused { .. } | OauthError::NotRefreshable => false,
        }
    }

    /// Whether the server refuses the refresh token, or may do so.
    pub(crate) fn is_about_the_refresh_token(&self) -> bool {
        matches!(
            self,
            OauthError::Refused {
                code: Some("invalid_grant") | None,
                ..
            }
        )
    }
}

/// Exchanges the refresh token for new tokens. A secret in the token file takes precedence over
/// `client_secret`.
pub(crate) async fn refresh(
    client: &(Client, Route),
    tokens: &Tokens,
    client_secret: Option<&SecretString>,
) -> Result<Tokens, OauthError> {
    let (Some(refresh_token), Some(token_url)) = (&tokens.refresh_token, &tokens.token_url) else {
        return Err(OauthError::NotRefreshable);
    };
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token.expose_secret()),
    ];
    if let Some(client_id) = &tokens.client_id {
        form.push(("client_id", client_id));
    }
    if let Some(secret) = tokens.client_secret.as_ref().or(client_secret) {
        form.push(("client_secret", secret.expose_secret()));
    }
    let fresh = ask(client, token_url, &form).await?;
    Ok(Tokens {
        // A server that does not rotate refresh tokens sends none: the old one stays valid (RFC
        // 6749 §6).
        refresh_token: fresh.refresh_token.or_else(|| tokens.refresh_token.clone()),
        client_id: tokens.client_id.clone(),
        client_secret: tokens.client_secret.clone(),
        token_url: tokens.token_url.clone(),
        ..fresh
    })
}

/// Sends a form to the token endpoint. The client must follow no redirect and have timeouts.
pub(crate) async fn ask(
    (client, route): &(Client, Route),
    token_url: &Url,
    form: &[(&str, &str)],
) -> Result<Tokens, OauthError> {
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let asked_at = Timestamp::now();
    let request = client
        .post(token_url.clone())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body);
    let unreachable = |error| {
        let fault = fault_of(&error, route, Connection::New);
        OauthError::Unreachable {
            fault,
            why: route.explain(fault),
        }
    };
    let mut answer = request.send().await.map_err(unreachable)?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(OauthError::Unexpected { status });
        }
        body.extend_from_slice(&chunk);
    }
    let mut tokens = parse_answer(status, &body)?;
    // The lifetime began at an unknown time after the request. A refresh that is too early does no
    // harm.
    let took = Timestamp::now().duration_since(asked_at);
    tokens.expires_at = tokens
        .expires_at
        .map(|at| at.saturating_sub(took).unwrap_or(at));
    Ok(tokens)
}

/// The used members of an answer.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    token_type: Option<String>,
    refresh_token: Option<String>,
    expires_in: Option<Seconds>,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

/// A duration in seconds. The RFC has a number; some servers send a string.
#[derive(Deserialize)]
#[serde(untagged)]
enum Seconds {
    Number(f64),
    Text(String),
}

impl Seconds {
    fn duration(&self) -> Option<Duration> {
        let seconds = match self {
            Seconds::Number(number) => *number,
            Seconds::Text(text) => text.parse().ok()?,
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// Interprets the token endpoint's answer. The caller adds client and URL to the tokens.
pub fn parse_answer(status: u16, body: &[u8]) -> Result<Tokens, OauthError> {
    match status {
        200..=299 => tokens_in(status, body),
        408 | 425 | 429 | 500.. => Err(OauthError::Unavailable { status }),
        400..=499 => Err(OauthError::Refused {
            status,
            code: error_code(body),
        }),
        _ => Err(OauthError::Unexpected { status }),
    }
}

fn tokens_in(status: u16, body: &[u8]) -> Result<Tokens, OauthError> {
    // The parser's error is not shown: it might quote a secret.
    let answer: Option<TokenAnswer> = serde_json::from_slice(body).ok();
    let is_bearer = |answer: &TokenAnswer| {
        let kind = answer.token_type.as_deref();
        kind.is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"))
    };
    let answer = answer
        .filter(is_bearer)
        .ok_or(OauthError::Unexpected { status })?;
    let unusable = |flaw| OauthError::UnusableToken { status, flaw };
    let access_token = Token::of(&answer.access_token).map_err(unusable)?;
    let refresh_token = answer.refresh_token.filter(|token| !token.is_empty());
    if refresh_token
        .as_ref()
        .is_some_and(|token| token.len() > TOKEN_BYTES_MAX)
    {
        return Err(unusable(TokenFlaw::TooLong));
    }
    let lifetime = answer.expires_in.as_ref().and_then(Seconds::duration);
    Ok(Tokens {
        access_token: access_token.secret(),
        refresh_token: refresh_token.map(SecretString::from),
        expires_at: lifetime.and_then(|lifetime| Timestamp::now().checked_add(lifetime).ok()),
        client_id: None,
        client_secret: None,
        token_url: None,
    })
}

fn error_code(body: &[u8]) -> Option<&'static str> {
    let refusal: TokenRefusal = serde_json::from_slice(body).ok()?;
    ERROR_CODES.into_iter().find(|code| *code == refusal.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, want: Result<(Option<&str>, Option<i64>), OauthError>) {
        let got = parse_answer(status, body.as_bytes());
        let got = got.map(|tokens| {
            assert_eq!(tokens.access_token.expose_secret(), "abc");
            let lifetime_s = tokens
                .expires_at
                .map(|at| (at.duration_since(Timestamp::now()).as_secs_f64()).round());
            (
                tokens
                    .refresh_token
                    .map(|token| token.expose_secret().to_owned()),
                lifetime_s,
            )
        });
        let want = want.map(|(token, seconds)| {
            #[expect(clippy::cast_precision_loss, reason = "a test's numbers are small")]
            (
                token.map(str::to_owned),
                seconds.map(|seconds| seconds as f64),
            )
        });
        assert_eq!(got, want, "{status} {body}");
    }

    #[test]
    fn answers_of_a_token_endpoint() {
        let full = r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600,"refresh_token":"def"}"#;
        check(200, full, Ok((Some("def"), Some(3_600))));
        check(200, r#"{"access_token":"abc"}"#, Ok((None, None)));
        check(
            200,
            r#"{"access_token":"abc","expires_in":"60","refresh_token":""}"#,
            Ok((None, Some(60))),
        );
        check(
            200,
            r#"{"access_token":"abc","expires_in":-1,"token_type":"bearer"}"#,
            Ok((None, None)),
        );
        for strange in [
            r#"{"access_token":"abc","token_type":"mac"}"#,
            "<html>",
            "{}",
        ] {
            check(200, strange, Err(OauthError::Unexpected { status: 200 }));
        }
        let unusable = |flaw| Err(OauthError::UnusableToken { status: 200, flaw });
        check(
            200,
            r#"{"access_token":"a b"}"#,
            unusable(TokenFlaw::NotOneWord),
        );
        check(
            200,
            r#"{"access_token":"{\"a\":1}"}"#,
            unusable(TokenFlaw::Json),
        );
        check(
            200,
            r#"{"access_token":"Bearer abc"}"#,
            unusable(TokenFlaw::Header),
        );
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        check(
            200,
            &format!(r#"{{"access_token":"{long}"}}"#),
            unusable(TokenFlaw::TooLong),
        );
        check(
            200,
            &format!(r#"{{"access_token":"abc","refresh_token":"{long}"}}"#),
            unusable(TokenFlaw::TooLong),
        );
        check(302, full, Err(OauthError::Unexpected { status: 302 }));
        let refused = |status, code| Err(OauthError::Refused { status, code });
        check(
            400,
            r#"{"error":"invalid_grant"}"#,
            refused(400, Some("invalid_grant")),
        );
        check(401, r#"{"error":"the token canary"}"#, refused(401, None));
        check(404, "", refused(404, None));
        for status in [408, 425, 429, 500, 503] {
            check(
                status,
                r#"{"error":"invalid_grant"}"#,
                Err(OauthError::Unavailable { status }),
            );
        }
    }
}
