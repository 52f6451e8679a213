//! Tests of the shapes of answers.

use serde_json::{Value, json};

use super::super::{ETags, SandboxOptions, SuccessShape};
use super::{Scene, read_all};

async fn scene_with(success_shape: SuccessShape, faults: &str) -> Scene {
    Scene::start(SandboxOptions {
        success_shape,
        faults: faults.parse().unwrap(),
        etags: ETags::Strong,
        ..SandboxOptions::default()
    })
    .await
}

#[tokio::test]
async fn an_update_is_answered_in_the_shape_that_is_asked_for() {
    let check = async |shape: SuccessShape, want_status: u16, want: fn(Value) -> Value| {
        let scene = scene_with(shape, "").await;
        let answer = scene.put(7, &json!({"job": "Judge"})).await;
        assert_eq!(answer.status, want_status, "{shape:?}");
        assert!(answer.header("etag").is_some(), "{shape:?}");
        let read = scene.get("/v1/customers/7").await;
        assert_eq!(read.header("etag"), answer.header("etag"), "{shape:?}");
        let customer = if shape == SuccessShape::Bare {
            read.body
        } else {
            assert_eq!(read.body["success"], "Customer found", "{shape:?}");
            read.body["data"].clone()
        };
        assert_eq!(customer["job"], "Judge", "{shape:?}");
        assert_eq!(answer.body, want(customer), "{shape:?}");

        // Neither pages nor refusals take part.
        let page = scene.get("/v1/customers?per_page=1").await;
        assert_eq!(page.body["data"][0]["id"], 1, "{shape:?}");
        let refused = scene.put(7, &json!({"gender": "none"})).await;
        assert_eq!(refused.body["error"], "validation_error", "{shape:?}");
    };
    check(
        SuccessShape::Resource,
        200,
        |customer| json!({"success": "Customer updated", "data": customer}),
    )
    .await;
    check(SuccessShape::Bare, 200, |customer| customer).await;
    check(SuccessShape::Empty, 204, |_| json!("")).await;
    check(
        SuccessShape::NoData,
        200,
        |_| json!({"success": "Customer updated"}),
    )
    .await;
}

#[tokio::test]
async fn another_customer_is_shown_in_the_same_shape() {
    let check = async |shape: SuccessShape, want: fn(&Value) -> bool| {
        let scene = scene_with(shape, "other-customer=100%").await;
        let answer = scene.put(7, &json!({"job": "Judge"})).await;
        assert!(want(&answer.body), "{shape:?}: {}", answer.body);
        assert_eq!(scene.sandbox.counts().applied, 1, "{shape:?}");
    };
    check(SuccessShape::Resource, |body| body["data"]["id"] == 6).await;
    check(SuccessShape::Bare, |body| body["id"] == 6).await;
    check(SuccessShape::Empty, |body| body == "").await;
    check(SuccessShape::NoData, |body| {
        *body == json!({"success": "Customer updated"})
    })
    .await;
}

#[tokio::test]
async fn a_truncated_answer_without_a_body_has_half_a_head() {
    let scene = scene_with(SuccessShape::Empty, "truncate=100%").await;
    let text = read_all(&mut scene.put_raw().await).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 204 No Content\r\n"), "{text}");
    assert!(!text.contains("\r\n\r\n"), "{text}");
    assert!(scene.put_request(1, &json!({})).send().await.is_err());
    assert_eq!(scene.sandbox.counts().applied, 2);
}
