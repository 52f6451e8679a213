//! Each kind of fault, as it looks to the client.

use std::io::ErrorKind;

use reqwest::Method;
use serde_json::json;

use super::super::{FaultKind, FaultPlan, SandboxOptions};
use super::{Answer, Scene, read_all};

async fn scene_with(faults: &str) -> Scene {
    let faults: FaultPlan = faults.parse().unwrap();
    Scene::start(SandboxOptions { faults, ..SandboxOptions::default() }).await
}

#[tokio::test]
async fn a_status_fault_answers_and_applies_nothing() {
    let check = async |faults: &str, want_status: u16, want_retry_after: Option<u64>| {
        let scene = scene_with(faults).await;
        let answer = scene.put(1, &json!({})).await;
        assert_eq!(answer.status, want_status);
        assert_eq!(answer.number("retry-after"), want_retry_after);
        let counts = scene.sandbox.counts();
        assert_eq!((counts.requests, counts.applied, counts.faults_injected()), (1, 0, 1));
    };
    check("503=100%", 503, None).await;
    check("500=100%", 500, None).await;
    check("418=100%", 418, None).await;
    check("429=100%", 429, Some(1)).await;
}

#[tokio::test]
async fn a_reset_leaves_the_client_in_doubt() {
    let scene = scene_with("reset=100%").await;
    for _ in 0..20 {
        let mut stream = scene.put_raw().await;
        let error = read_all(&mut stream).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    let counts = scene.sandbox.counts();
    assert_eq!(counts.faults, [(FaultKind::Reset, 20)].into());
    assert!((1..20).contains(&counts.applied), "{}", counts.applied);
    assert!(counts.by_status.is_empty());
}

#[tokio::test]
async fn a_truncated_answer_says_how_long_it_should_have_been() {
    let scene = scene_with("truncate=100%").await;
    let mut stream = scene.put_raw().await;
    let text = read_all(&mut stream).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    assert!(!body.is_empty() && body.len() < length, "{} of {length}", body.len());
    assert_eq!(scene.sandbox.counts().applied, 1);

    let response = scene.put_request(1, &json!({})).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_timeout_never_answers() {
    let scene = scene_with("timeout=100%").await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(scene.put_raw().await);
    }
    while scene.sandbox.counts().faults_injected() < 20 {
        tokio::task::yield_now().await;
    }
    // The update of a held request is applied in the poll that draws its fault, so nothing is to come any more.
    let applied = scene.sandbox.counts().applied;
    assert!((1..20).contains(&applied), "{applied}");
    Answer::to(scene.bare(Method::GET, "/health")).await;
    for stream in &held {
        let error = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    assert!(scene.sandbox.counts().by_status.is_empty());
}

#[tokio::test]
async fn an_outage_answers_everything_with_503() {
    let scene = scene_with("outage=0s..1h").await;
    for path in ["/health", "/v1/customers/1"] {
        let answer = scene.get(path).await;
        assert_eq!(answer.status, 503, "{path}");
        assert_eq!(answer.header("retry-after"), None);
    }
    assert_eq!(scene.put(1, &json!({})).await.status, 503);
    assert_eq!(scene.sandbox.counts().applied, 0);
}
