//! Tests of the checks before a body's values are validated.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::super::SandboxOptions;
use super::{Answer, Scene};

#[tokio::test]
async fn a_request_that_lacks_something_is_refused() {
    let scene = Scene::start(SandboxOptions {
        customers: 5,
        token: "right".to_owned(),
        tenant: Some(7),
        ..SandboxOptions::default()
    })
    .await;
    let good = [
        ("authorization", "Bearer right"),
        ("x-tenant", "7"),
        ("accept", "application/json"),
        ("content-type", "application/json"),
    ];
    let check =
        async |header: &str, value: Option<&str>, want_status: u16, want_error: Option<&str>| {
            let mut request = scene.bare(Method::PUT, "/v1/customers/1").body("{}");
            for (name, usual) in good {
                let value = if name == header { value } else { Some(usual) };
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let answer = Answer::to(request).await;
            assert_eq!(answer.status, want_status, "{header}: {value:?}");
            assert_eq!(
                answer.body["error"].as_str(),
                want_error,
                "{header}: {value:?}"
            );
        };
    check("authorization", Some("Bearer right"), 200, None).await;
    check("authorization", Some("bearer right"), 200, None).await;
    check("authorization", None, 401, Some("unauthorized")).await;
    check(
        "authorization",
        Some("Bearer wrong"),
        401,
        Some("unauthorized"),
    )
    .await;
    check(
        "authorization",
        Some("Basic right"),
        401,
        Some("unauthorized"),
    )
    .await;
    check("authorization", Some("right"), 401, Some("unauthorized")).await;
    check("x-tenant", None, 403, Some("forbidden")).await;
    check("x-tenant", Some("8"), 403, Some("forbidden")).await;
    check("x-tenant", Some("seven"), 400, Some("invalid_tenant")).await;
    check("accept", None, 302, Some("redirect")).await;
    check("accept", Some("*/*"), 302, Some("redirect")).await;
    check(
        "accept",
        Some("text/html, application/json"),
        302,
        Some("redirect"),
    )
    .await;
    check("accept", Some("application/json, */*;q=0.1"), 200, None).await;
    check("content-type", None, 415, Some("unsupported_media_type")).await;
    check(
        "content-type",
        Some("text/plain"),
        415,
        Some("unsupported_media_type"),
    )
    .await;
    check(
        "content-type",
        Some("application/json; charset=utf-8"),
        200,
        None,
    )
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_ask_for_json_is_sent_to_the_login_page() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let request = scene
        .bare(Method::GET, "/v1/customers/1")
        .bearer_auth(scene.sandbox.token());
    let answer = Answer::to(request).await;
    let want = format!("http://{}/login", scene.sandbox.address());
    assert_eq!(answer.header("location"), Some(want.as_str()));
}

#[tokio::test]
async fn paths_and_bodies_that_are_none_are_refused() {
    let scene = Scene::start(SandboxOptions {
        customers: 5,
        answers: BTreeMap::from([(2, "500".parse().unwrap()), (99, "403".parse().unwrap())]),
        ..SandboxOptions::default()
    })
    .await;
    let check = async |path: &str, body: &str, want_status: u16, want_error: Option<&str>| {
        let request = scene
            .request(Method::PUT, path)
            .header("content-type", "application/json");
        let answer = Answer::to(request.body(body.to_owned())).await;
        let shown = body.get(..20).unwrap_or(body);
        assert_eq!(answer.status, want_status, "{path} {shown}");
        assert_eq!(answer.body["error"].as_str(), want_error, "{path} {shown}");
    };
    check("/v1/customers/5", "{}", 200, None).await;
    for path in [
        "6",
        "0",
        "-1",
        "+1",
        "007",
        "1.0",
        "one",
        "%31x",
        "%ff",
        "18446744073709551616",
        "",
    ] {
        check(
            &format!("/v1/customers/{path}"),
            "{}",
            404,
            Some("not_found"),
        )
        .await;
    }
    check("/v1/customers/1/notes", "{}", 404, Some("not_found")).await;
    check("/v1/customers", "{}", 405, Some("method_not_allowed")).await;
    check("/v1/customers/2", "{}", 500, Some("injected_fault")).await;
    check("/v1/customers/99", "{}", 403, Some("injected_fault")).await;
    for body in ["", "{", "[]", "null", "\"text\"", "{} {}", "{\"job\":1,}"] {
        check("/v1/customers/1", body, 400, Some("malformed_body")).await;
    }
    let padded = |length: usize| format!("{{{}}}", " ".repeat(length - 2));
    check("/v1/customers/1", &padded(65_536), 200, None).await;
    check(
        "/v1/customers/1",
        &padded(65_537),
        413,
        Some("payload_too_large"),
    )
    .await;
    assert_eq!(scene.sandbox.counts().applied, 2);
}

#[tokio::test]
async fn customers_are_listed_by_page() {
    let scene = Scene::start(SandboxOptions {
        customers: 23,
        ..SandboxOptions::default()
    })
    .await;
    let check =
        async |query: &str, want_ids: std::ops::RangeInclusive<u64>, want_last_page: u64| {
            let answer = scene.get(&format!("/v1/customers{query}")).await;
            let listed = answer.body["data"].as_array().unwrap();
            let ids: Vec<u64> = listed
                .iter()
                .map(|customer| customer["id"].as_u64().unwrap())
                .collect();
            assert_eq!(ids, want_ids.collect::<Vec<u64>>(), "{query}");
            assert_eq!(answer.body["meta"]["last_page"], want_last_page, "{query}");
            assert_eq!(answer.body["meta"]["total"], 23, "{query}");
        };
    check("", 1..=15, 2).await;
    check("?page=2", 16..=23, 2).await;
    check("?page=3&per_page=10", 21..=23, 3).await;
    check("?per_page=100", 1..=23, 1).await;
    #[expect(
        clippy::reversed_empty_ranges,
        reason = "a page behind the last one is empty"
    )]
    check("?page=4&per_page=10", 1..=0, 3).await;
    for query in ["page=0", "per_page=0", "per_page=101", "page=x", "page=-1"] {
        let answer = scene.get(&format!("/v1/customers?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
    }
    let unauthorized = Answer::to(scene.bare(Method::GET, "/v1/customers")).await;
    assert_eq!(unauthorized.status, 401);
}

#[tokio::test]
async fn health_needs_no_token_and_counts_as_no_request() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let answer = Answer::to(scene.bare(Method::GET, "/health")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body),
        (200, json!({"status": "ok"}))
    );
    assert_eq!(scene.sandbox.counts().requests, 0);
}
