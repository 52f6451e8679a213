//! Tests of getting, refreshing and losing a token.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::super::SandboxOptions;
use super::{Answer, Scene};

/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:9/callback";

impl Scene {
    fn oauth(&self, path: &str) -> Url {
        format!("http://{}/oauth/{path}", self.sandbox.address())
            .parse()
            .unwrap()
    }

    /// The redirect of the browser.
    async fn authorize(&self, parameters: &[(&str, &str)]) -> Option<Url> {
        let mut url = self.oauth("authorize");
        url.query_pairs_mut().extend_pairs(parameters);
        let answer = self.client.get(url).send().await.unwrap();
        (answer.status() == StatusCode::FOUND).then(|| {
            answer.headers()["location"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap()
        })
    }

    async fn token(&self, parameters: &[(&str, &str)]) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let request = self.client.post(self.oauth("token"));
        Answer::to(
            request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
        )
        .await
    }

    async fn refresh(&self, refresh_token: &str) -> Answer {
        let client = [("client_id", "sandbox"), ("client_secret", "s3")];
        self.token(
            &[
                &client[..],
                &[
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token),
                ],
            ]
            .concat(),
        )
        .await
    }

    async fn status_with(&self, token: &str) -> StatusCode {
        let request = self
            .bare(Method::GET, "/v1/customers/1")
            .header("accept", "application/json");
        Answer::to(request.bearer_auth(token)).await.status
    }
}

async fn scene(token_lifetime: Option<Duration>) -> Scene {
    let client_secret = Some("s3".to_owned());
    Scene::start(SandboxOptions {
        token_lifetime,
        client_secret,
        ..SandboxOptions::default()
    })
    .await
}

fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    body[key].as_str().unwrap()
}

#[tokio::test]
async fn a_code_becomes_tokens_that_rotate() {
    let scene = scene(Some(Duration::from_hours(1))).await;
    let asked = [
        ("response_type", "code"),
        ("client_id", "sandbox"),
        ("redirect_uri", REDIRECT),
        ("scope", "customers"),
        ("state", "a b&c"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let back = scene.authorize(&asked).await.expect("a redirect");
    assert!(back.as_str().starts_with(REDIRECT));
    let back: Vec<(String, String)> = back.query_pairs().into_owned().collect();
    assert_eq!(back[1], ("state".to_owned(), "a b&c".to_owned()));
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", &back[0].1),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_id", "sandbox"),
        ("client_secret", "s3"),
    ];
    let login = scene.token(&exchange).await;
    assert_eq!(
        (login.status, &login.body["expires_in"]),
        (StatusCode::OK, &3_600.into())
    );
    assert_eq!(
        (
            text(&login.body, "token_type"),
            login.header("cache-control")
        ),
        ("Bearer", Some("no-store"))
    );
    assert_eq!(
        scene.status_with(text(&login.body, "access_token")).await,
        200
    );

    let spent = text(&login.body, "refresh_token");
    let refreshed = scene.refresh(spent).await;
    assert_eq!(
        scene
            .status_with(text(&refreshed.body, "access_token"))
            .await,
        200
    );
    let again = scene.refresh(spent).await;
    assert_eq!(
        (again.status, text(&again.body, "error")),
        (StatusCode::BAD_REQUEST, "invalid_grant")
    );
    let counts = scene.sandbox.counts();
    assert_eq!(
        (counts.logins, counts.refreshes, counts.spent_refresh_tokens),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn an_access_token_is_refused_once_it_has_expired() {
    let scene = scene(Some(Duration::ZERO)).await;
    let login = scene.sandbox.log_in();
    assert_eq!(scene.status_with(&login.access_token).await, 401);
    assert_eq!(
        scene.status_with(scene.sandbox.token()).await,
        200,
        "the given one has no end"
    );
}

#[tokio::test]
async fn what_is_not_as_agreed_is_refused() {
    let scene = scene(None).await;
    let good = [
        ("response_type", "code"),
        ("client_id", "sandbox"),
        ("redirect_uri", REDIRECT),
    ];
    assert!(scene.authorize(&good).await.is_some());
    for (name, value) in [
        ("response_type", "token"),
        ("client_id", "nobody"),
        ("redirect_uri", "/"),
        ("code_challenge", "x"),
    ] {
        let asked: Vec<_> = good
            .into_iter()
            .filter(|(known, _)| *known != name)
            .chain([(name, value)])
            .collect();
        assert_eq!(scene.authorize(&asked).await, None, "{name}={value}");
    }
    let check = async |sent: &[(&str, &str)], want: u16, error: &str| {
        let answer = scene.token(sent).await;
        assert_eq!(
            (answer.status.as_u16(), text(&answer.body, "error")),
            (want, error),
            "{sent:?}"
        );
    };
    let client = [("client_id", "sandbox"), ("client_secret", "s3")];
    check(&[], 401, "invalid_client").await;
    check(&client[..1], 401, "invalid_client").await;
    check(&client, 400, "unsupported_grant_type").await;
    check(
        &[&client[..], &[("grant_type", "refresh_token")]].concat(),
        400,
        "invalid_grant",
    )
    .await;
    check(
        &[
            &client[..],
            &[("grant_type", "authorization_code"), ("code", "x")],
        ]
        .concat(),
        400,
        "invalid_grant",
    )
    .await;
    let no_form = Answer::to(scene.client.post(scene.oauth("token")).body("{}")).await;
    assert_eq!(
        (no_form.status.as_u16(), text(&no_form.body, "error")),
        (400, "invalid_request")
    );
}
