//! Tests of each kind of fault, from the client's side.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;

use super::super::{FaultKind, SandboxOptions};
use super::{ANSWER_TIMEOUT, Answer, Scene, read_all, scene_with};

#[tokio::test]
async fn a_status_fault_answers_and_applies_nothing() {
    let check = async |faults: &str, want_status: u16, want_retry_after: Option<u64>| {
        let scene = scene_with(faults).await;
        let answer = scene.put(1, &json!({})).await;
        assert_eq!(answer.status, want_status);
        assert_eq!(answer.number("retry-after"), want_retry_after);
        let counts = scene.sandbox.counts();
        assert_eq!(
            (counts.requests, counts.applied, counts.faults_injected()),
            (1, 0, 1)
        );
    };
    check("503=100%", 503, None).await;
    check("500=100%", 500, None).await;
    check("418=100%", 418, None).await;
    check("429=100%", 429, Some(1)).await;
    check("429-no-retry-after=100%", 429, None).await;
    check("503-retry-after=100%", 503, Some(1)).await;
    check("503-no-retry-after=100%", 503, None).await;
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
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    let length: usize = length.parse().unwrap();
    assert!(
        !body.is_empty() && body.len() < length,
        "{} of {length}",
        body.len()
    );
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
    // The update of a held request is applied when its fault is drawn, so the count is final.
    let applied = scene.sandbox.counts().applied;
    assert!((1..20).contains(&applied), "{applied}");
    stay_unanswered(&scene, &held).await;
}

/// Checks that the connections are open and silent, once another one has had its answer.
async fn stay_unanswered(scene: &Scene, held: &[TcpStream]) {
    Answer::to(scene.bare(Method::GET, "/health")).await;
    for stream in held {
        let error = stream.try_read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
    assert!(scene.sandbox.counts().by_status.is_empty());
}

#[tokio::test]
async fn a_blackhole_takes_requests_and_gives_nothing_back() {
    let scene = scene_with("blackhole@0s..").await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(scene.put_raw().await);
    }
    while scene.sandbox.counts().faults_injected() < 20 {
        tokio::task::yield_now().await;
    }
    stay_unanswered(&scene, &held).await;
    let counts = scene.sandbox.counts();
    assert_eq!(
        (counts.connections, counts.applied, counts.in_flight_max),
        (21, 0, 20)
    );
    assert_eq!(counts.faults, [(FaultKind::Blackhole, 20)].into());
}

#[tokio::test]
async fn reads_are_hit_like_writes() {
    let check = async |faults: &str, want_read: u16, want_write: u16| {
        let scene = scene_with(faults).await;
        assert_eq!(
            scene.get("/v1/customers/1").await.status,
            want_read,
            "{faults}"
        );
        assert_eq!(
            scene.get("/v1/customers").await.status,
            want_read,
            "{faults}"
        );
        assert_eq!(
            scene.put(1, &json!({})).await.status,
            want_write,
            "{faults}"
        );
        let counts = scene.sandbox.counts();
        assert_eq!(
            (counts.requests, counts.reads, counts.writes()),
            (3, 2, 1),
            "{faults}"
        );
    };
    check("502@0s..", 502, 502).await;
    check("502@1h..,504=100%", 504, 504).await;
    check("502@0s..1h,504=100%", 502, 502).await;
    check("maintenance@0s..", 200, 200).await;
    check("readonly@0s..", 200, 503).await;
    check("readonly@0s..,500=100%", 500, 503).await;
}

#[tokio::test]
async fn a_span_ends() {
    let started = Instant::now();
    let scene = scene_with("503@0s..50ms").await;
    while scene.put(1, &json!({})).await.status == 503 {
        assert!(started.elapsed() < ANSWER_TIMEOUT, "the span never ends");
    }
    assert!(started.elapsed() >= Duration::from_millis(50));
    assert_eq!(scene.sandbox.counts().applied, 1);
}

#[tokio::test]
async fn an_outage_answers_everything_with_503() {
    for faults in ["outage=0s..1h", "outage@0s.."] {
        let scene = scene_with(faults).await;
        for path in ["/health", "/v1/customers/1"] {
            let answer = scene.get(path).await;
            assert_eq!(answer.status, 503, "{path}");
            assert_eq!(answer.header("retry-after"), None);
        }
        assert_eq!(scene.put(1, &json!({})).await.status, 503);
        assert_eq!(scene.sandbox.counts().applied, 0);
    }
}

#[tokio::test]
async fn an_outage_uses_up_no_window() {
    let check = async |faults: &str, want_remaining: u64| {
        let options = SandboxOptions {
            window: "5/h".parse().ok(),
            faults: faults.parse().unwrap(),
            ..SandboxOptions::default()
        };
        let answer = Scene::start(options).await.put(1, &json!({})).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.number("x-ratelimit-remaining")
            ),
            (503, Some(want_remaining))
        );
    };
    check("outage@0s..", 5).await;
    check("503@0s..", 4).await;
}

/// A client may need any time to start, and begins with a token as often as with an update.
#[tokio::test]
async fn the_time_of_faults_begins_with_a_request_on_any_route() {
    for path in [
        "/api/health",
        "/api/v1/customers/1",
        "/api/v2",
        "/oauth/authorize",
        "/oauth/token",
        "/",
    ] {
        let scene = Scene::start(SandboxOptions::default()).await;
        assert_eq!(scene.sandbox.since_first_request(), Duration::ZERO);
        let url = format!("http://{}{path}", scene.sandbox.address());
        Answer::to(scene.client.get(url)).await;
        assert_ne!(
            scene.sandbox.since_first_request(),
            Duration::ZERO,
            "{path}"
        );
    }
}
