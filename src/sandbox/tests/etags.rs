//! Tests of entity tags, and of updates on a condition.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{ETags, Reads, SandboxOptions};
use super::{Answer, Scene};

async fn scene_with_tags() -> Scene {
    Scene::start(SandboxOptions {
        etags: ETags::Strong,
        ..SandboxOptions::default()
    })
    .await
}

async fn tag_of(scene: &Scene, id: u64) -> String {
    let answer = scene.get(&format!("/v1/customers/{id}")).await;
    answer.header("etag").unwrap().to_owned()
}

async fn put_if(scene: &Scene, id: u64, condition: &str, body: &Value) -> Answer {
    Answer::to(scene.put_request(id, body).header("if-match", condition)).await
}

#[tokio::test]
async fn a_tag_changes_with_every_change() {
    let scene = scene_with_tags().await;
    let mut tags = vec![tag_of(&scene, 7).await];
    assert!(tags[0].starts_with('"') && tags[0].ends_with('"'));
    assert_eq!(tag_of(&scene, 7).await, tags[0]);
    for job in ["Judge", "Nun", "Judge", "Judge"] {
        let answer = scene.put(7, &json!({"job": job})).await;
        let tag = answer.header("etag").unwrap().to_owned();
        assert_eq!(tag_of(&scene, 7).await, tag);
        assert!(!tags.contains(&tag), "{tag} in {tags:?}");
        tags.push(tag);
    }
    scene.put(7, &json!({})).await;
    assert_eq!(Some(&tag_of(&scene, 7).await), tags.last());
    assert_ne!(tag_of(&scene, 8).await, tags[0]);
    assert_eq!(scene.get("/v1/customers").await.header("etag"), None);
}

#[tokio::test]
async fn an_update_on_a_condition_changes_a_known_state_only() {
    let scene = scene_with_tags().await;
    let old = tag_of(&scene, 7).await;
    scene.put(7, &json!({"job": "Judge"})).await;
    let new = tag_of(&scene, 7).await;

    let nun = json!({"job": "Nun"});
    for condition in [old.clone(), format!("W/{new}"), "\"\"".to_owned()] {
        let refused = put_if(&scene, 7, &condition, &nun).await;
        assert_eq!(refused.status, 412, "{condition}");
        assert_eq!(refused.body["error"], "precondition_failed");
        assert!(refused.body["message"].is_string());
        assert_eq!(refused.header("etag"), None);
    }
    assert_eq!(tag_of(&scene, 7).await, new);
    let shown = scene.get("/v1/customers/7").await;
    assert_eq!(shown.body["data"]["job"], "Judge");
    assert_eq!(scene.sandbox.counts().applied, 1);

    let accepted = put_if(&scene, 7, &new, &nun).await;
    assert_eq!(
        (accepted.status.as_u16(), &accepted.body["data"]["job"]),
        (200, &json!("Nun"))
    );
    assert_eq!(put_if(&scene, 7, "*", &nun).await.status, 200);
    assert_eq!(scene.sandbox.counts().applied, 3);

    // The API's other checks come first.
    assert_eq!(put_if(&scene, 1_001, "*", &nun).await.status, 404);
    let invalid = put_if(&scene, 7, &old, &json!({"gender": "none"})).await;
    assert_eq!(invalid.status, 422);
}

#[tokio::test]
async fn a_stale_read_has_the_tag_of_what_it_shows() {
    let scene = Scene::start(SandboxOptions {
        etags: ETags::Strong,
        reads: Reads::Stale,
        ..SandboxOptions::default()
    })
    .await;
    let stale = tag_of(&scene, 7).await;
    scene.put(7, &json!({"job": "Judge"})).await;
    assert_eq!(tag_of(&scene, 7).await, stale);
    let refused = put_if(&scene, 7, &stale, &json!({"job": "Nun"})).await;
    assert_eq!(refused.status, 412);
}

#[tokio::test]
async fn an_api_without_tags_knows_no_condition() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let read = Answer::to(scene.request(Method::GET, "/v1/customers/7")).await;
    assert_eq!(read.header("etag"), None);
    let answer = put_if(&scene, 7, "\"7-9\"", &json!({"job": "Nun"})).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, None));
}
