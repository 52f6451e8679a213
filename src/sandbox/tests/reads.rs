//! Tests of reads of customers.

use std::fs;

use serde_json::json;

use super::super::{Reads, SandboxOptions};
use super::Scene;

#[tokio::test]
async fn reads_can_be_refused() {
    let check = async |reads: Reads, want_status: u16, want_type: &str| {
        let scene = Scene::start(SandboxOptions {
            reads,
            ..SandboxOptions::default()
        })
        .await;
        for path in ["/v1/customers/1", "/v1/customers"] {
            let answer = scene.get(path).await;
            assert_eq!(answer.status, want_status, "{reads:?} {path}");
            assert_eq!(
                answer.header("content-type"),
                Some(want_type),
                "{reads:?} {path}"
            );
            if reads == Reads::Forbidden {
                assert_eq!(answer.body["error"], "forbidden");
            }
        }
        assert_eq!(scene.put(1, &json!({})).await.status, 200, "{reads:?}");
        let without_token = scene
            .bare(reqwest::Method::GET, "/v1/customers/1")
            .send()
            .await
            .unwrap();
        assert_eq!(without_token.status(), 401, "{reads:?}");
    };
    check(Reads::Allowed, 200, "application/json").await;
    check(Reads::Stale, 200, "application/json").await;
    check(Reads::Forbidden, 403, "application/json").await;
    check(Reads::Missing, 404, "text/plain; charset=utf-8").await;
}

#[tokio::test]
async fn a_stale_read_shows_no_update() {
    for (reads, is_shown) in [(Reads::Allowed, true), (Reads::Stale, false)] {
        let scene = Scene::start(SandboxOptions {
            reads,
            ..SandboxOptions::default()
        })
        .await;
        let before = scene.get("/v1/customers/1").await.body["data"].clone();
        for job in ["Judge", "Nun"] {
            let answer = scene.put(1, &json!({"job": job})).await;
            assert_eq!(
                answer.body["data"]["job"], job,
                "the answer to a write is never stale"
            );
        }
        let after = scene.get("/v1/customers/1").await.body["data"].clone();
        assert_eq!(after["job"] == "Nun", is_shown, "{reads:?}");
        assert_eq!(after == before, !is_shown, "{reads:?}");
        let page = scene.get("/v1/customers?per_page=1").await;
        assert_eq!(page.body["data"][0], after, "{reads:?}");
        assert_eq!(
            scene.get("/v1/customers/1001").await.status,
            404,
            "{reads:?}"
        );
    }
}

#[tokio::test]
async fn reads_are_counted_and_leave_no_line_in_the_ledger() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger.ndjson");
    let scene = Scene::start(SandboxOptions {
        ledger: Some(path.clone()),
        ..SandboxOptions::default()
    })
    .await;
    scene.get("/v1/customers/1").await;
    scene.put(1, &json!({})).await;
    scene.get("/v1/customers").await;
    scene.put(1, &json!({"gender": "none"})).await;
    let counts = scene.sandbox.counts();
    assert_eq!(
        (
            counts.requests,
            counts.reads,
            counts.writes(),
            counts.applied
        ),
        (4, 2, 2, 1)
    );
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
}

/// Updates and requests that the API refuses do not count as reads of customers.
#[tokio::test]
async fn reads_can_be_refused_after_some() {
    let check = async |reads: Reads, want_later: u16| {
        let scene = Scene::start(SandboxOptions {
            reads,
            reads_after: 2,
            ..SandboxOptions::default()
        })
        .await;
        let request = scene.bare(reqwest::Method::GET, "/v1/customers/1");
        assert_eq!(request.send().await.unwrap().status(), 401, "{reads:?}");
        scene.put(1, &json!({"job": "Judge"})).await;
        let one = scene.get("/v1/customers/1").await;
        assert_eq!(one.body["data"]["job"], "Judge", "{reads:?}");
        let page = scene.get("/v1/customers").await;
        assert_eq!(page.body["data"][0]["job"], "Judge", "{reads:?}");
        for path in ["/v1/customers/1", "/v1/customers"] {
            let later = scene.get(path).await;
            assert_eq!(later.status, want_later, "{reads:?} {path}");
            assert_ne!(later.body["data"]["job"], "Judge", "{reads:?} {path}");
            assert_ne!(later.body["data"][0]["job"], "Judge", "{reads:?} {path}");
        }
    };
    check(Reads::Forbidden, 403).await;
    check(Reads::Missing, 404).await;
    check(Reads::Stale, 200).await;
}
