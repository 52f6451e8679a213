//! Tests of customers whose updates always meet the same fault.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use serde_json::json;

use super::super::SandboxOptions;
use super::{Scene, read_all};

async fn scene_with_answer(fault: &str) -> Scene {
    let answers = BTreeMap::from([(1, fault.parse().unwrap())]);
    Scene::start(SandboxOptions {
        answers,
        customers: 3,
        ..SandboxOptions::default()
    })
    .await
}

#[tokio::test]
async fn a_customer_is_always_answered_in_the_same_way() {
    let check =
        async |fault: &str, want_status: u16, want_type: &str, want_retry_after: Option<u64>| {
            let scene = scene_with_answer(fault).await;
            for _ in 0..2 {
                let answer = scene.put(1, &json!({})).await;
                assert_eq!(answer.status, want_status, "{fault}");
                assert_eq!(answer.header("content-type"), Some(want_type), "{fault}");
                assert_eq!(answer.number("retry-after"), want_retry_after, "{fault}");
            }
            assert_eq!(scene.sandbox.counts().applied, 0, "{fault}");
            // Other customers and reads are answered as usual.
            let other = scene.put(2, &json!({})).await;
            assert_eq!(
                (other.status.as_u16(), &other.body["data"]["id"]),
                (200, &json!(2)),
                "{fault}"
            );
            assert_eq!(
                scene.get("/v1/customers/1").await.body["data"]["id"],
                1,
                "{fault}"
            );
            assert_eq!(scene.sandbox.counts().faults_injected(), 0, "{fault}");
        };
    check("422", 422, "application/json", None).await;
    check("429", 429, "application/json", Some(1)).await;
    check("429-no-retry-after", 429, "application/json", None).await;
    check("503-retry-after", 503, "application/json", Some(1)).await;
    check("404-text", 404, "text/plain; charset=utf-8", None).await;
    check("406-html", 406, "text/html; charset=utf-8", None).await;
    check("404-gateway", 404, "application/json", None).await;
    check("contradiction", 200, "application/json", None).await;
    check("readonly", 503, "text/plain; charset=utf-8", None).await;
    check("outage", 503, "application/json", None).await;
}

#[tokio::test]
async fn a_customers_update_may_be_applied_and_its_answer_lost() {
    let scene = scene_with_answer("other-customer").await;
    assert_eq!(scene.put(1, &json!({})).await.body["data"]["id"], 2);
    assert_eq!(scene.sandbox.counts().applied, 1);

    let scene = scene_with_answer("truncate").await;
    assert!(
        scene
            .put_request(1, &json!({}))
            .send()
            .await
            .unwrap()
            .bytes()
            .await
            .is_err()
    );
    assert_eq!(scene.sandbox.counts().applied, 1);

    let scene = scene_with_answer("reset").await;
    for _ in 0..20 {
        let error = read_all(&mut scene.put_raw().await).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let counts = scene.sandbox.counts();
    assert!((1..20).contains(&counts.applied), "{}", counts.applied);
    assert!(counts.by_status.is_empty());
}

#[tokio::test]
async fn a_customers_blackhole_holds_up_no_other() {
    let scene = scene_with_answer("blackhole").await;
    let held = scene.put_raw().await;
    while scene.sandbox.counts().requests == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.put(2, &json!({})).await.status, 200);
    let error = held.try_read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    assert_eq!(scene.sandbox.counts().applied, 1);
}
