//! Tests of answers that do not come from the API, or whose status contradicts their body.

use serde_json::{Value, json};

use super::{Scene, scene_with};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";

/// Checks the answer to an update, and that the update is not applied.
async fn check(faults: &str, want_status: u16, want_type: &str, want_body: Value) {
    let scene: Scene = scene_with(faults).await;
    let answer = scene.put(1, &json!({"job": "Clerk"})).await;
    assert_eq!(answer.status, want_status, "{faults}");
    assert_eq!(answer.header("content-type"), Some(want_type), "{faults}");
    assert_eq!(answer.header("retry-after"), None, "{faults}");
    match (&answer.body, &want_body) {
        (Value::String(page), Value::String(part)) if want_type == HTML => {
            assert!(
                page.starts_with('<') && page.contains(part),
                "{faults}: {page}"
            );
        }
        (body, want) => assert_eq!(body, want, "{faults}"),
    }
    let counts = scene.sandbox.counts();
    assert_eq!(
        (counts.applied, counts.faults_injected()),
        (0, 1),
        "{faults}"
    );
    assert_eq!(counts.by_status, [(want_status, 1)].into(), "{faults}");
}

#[tokio::test]
async fn a_load_balancer_speaks_plainly() {
    check("404-text=100%", 404, TEXT, json!("default backend - 404")).await;
    check("503-text@0s..", 503, TEXT, json!("default backend - 503")).await;
    check("429-text@0s..", 429, TEXT, json!("default backend - 429")).await;
    check("readonly@0s..", 503, TEXT, json!("default backend - 503")).await;
}

#[tokio::test]
async fn a_proxy_shows_a_page() {
    check(
        "406-html@0s..",
        406,
        HTML,
        json!("<h1>406 Not Acceptable</h1>"),
    )
    .await;
    check(
        "502-html=100%@0s..",
        502,
        HTML,
        json!("<h1>502 Bad Gateway</h1>"),
    )
    .await;
    check("599-html@0s..", 599, HTML, json!("<h1>599 Unknown</h1>")).await;
    check("login-page@0s..", 200, HTML, json!("<title>Log in</title>")).await;
}

#[tokio::test]
async fn a_gateway_has_json_of_its_own() {
    check(
        "404-gateway@0s..",
        404,
        JSON,
        json!({"message": "no Route matched with those values"}),
    )
    .await;
    check(
        "403-gateway@0s..",
        403,
        JSON,
        json!({"message": "You cannot consume this service"}),
    )
    .await;
    check(
        "504-gateway@0s..",
        504,
        JSON,
        json!({"message": "The upstream server is timing out"}),
    )
    .await;
    check("410-gateway@0s..", 410, JSON, json!({"message": "Gone"})).await;
}

#[tokio::test]
async fn a_success_may_be_none() {
    check(
        "maintenance@0s..",
        200,
        JSON,
        json!({"status": "maintenance"}),
    )
    .await;
    check(
        "success-false@0s..",
        200,
        JSON,
        json!({"success": false, "message": "not saved"}),
    )
    .await;
    let refused =
        json!({"message": "The given data was invalid.", "errors": {"email": ["is taken"]}});
    check("contradiction@0s..", 200, JSON, refused).await;
}

#[tokio::test]
async fn another_customer_is_shown_than_the_one_that_was_changed() {
    let scene = scene_with("other-customer@0s..").await;
    for (id, want_shown) in [(1, 2), (2, 1), (1_000, 999)] {
        let answer = scene.put(id, &json!({"job": "Judge"})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["success"], "Customer updated");
        assert_eq!(answer.body["data"]["id"], want_shown);
    }
    assert_eq!(scene.sandbox.counts().applied, 3);
    let read = scene.get("/v1/customers/2").await;
    assert_eq!(
        (&read.body["data"]["id"], &read.body["data"]["job"]),
        (&json!(1), &json!("Judge"))
    );

    // An answer without a customer stays as it is.
    let refused = scene.put(1, &json!({"gender": "none"})).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]),
        (422, &json!("validation_error"))
    );
    let page = scene.get("/v1/customers?per_page=1").await;
    assert_eq!(page.body["data"][0]["id"], 1);
}
