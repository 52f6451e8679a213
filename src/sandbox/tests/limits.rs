//! Tests of the window, its headers, and the limit of requests in flight.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::super::{Latency, SandboxOptions, Window};
use super::Scene;

const HOUR_SECONDS: u64 = 3_600;

#[tokio::test]
async fn the_window_refuses_what_is_too_much() {
    let scene = Scene::start(SandboxOptions {
        window: "2/h".parse().ok(),
        ..SandboxOptions::default()
    })
    .await;
    let unix_seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let check = async |want_status: u16, want_remaining: u64| {
        let answer = scene.put(1, &json!({})).await;
        assert_eq!(answer.status, want_status);
        assert_eq!(answer.number("x-ratelimit-limit"), Some(2));
        assert_eq!(answer.number("x-ratelimit-remaining"), Some(want_remaining));
        let resets_in = answer.number("x-ratelimit-reset").unwrap() - unix_seconds;
        assert!(
            (HOUR_SECONDS - 60..=HOUR_SECONDS + 1).contains(&resets_in),
            "{resets_in}"
        );
        let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
        let age = SystemTime::now().duration_since(date).unwrap();
        assert!(age < Duration::from_mins(1), "{age:?}");
        answer.number("retry-after")
    };
    assert_eq!(check(200, 1).await, None);
    assert_eq!(check(200, 0).await, None);
    let retry_after = check(429, 0).await.unwrap();
    assert!(
        (HOUR_SECONDS - 60..=HOUR_SECONDS).contains(&retry_after),
        "{retry_after}"
    );
    assert_eq!(scene.sandbox.counts().applied, 2);
    assert_eq!(
        scene.sandbox.counts().by_status,
        [(200, 2), (429, 1)].into()
    );
}

#[tokio::test]
async fn requests_without_a_token_use_up_the_window_too() {
    let scene = Scene::start(SandboxOptions {
        window: "1/h".parse().ok(),
        ..SandboxOptions::default()
    })
    .await;
    let unauthorized = scene
        .bare(reqwest::Method::GET, "/v1/customers")
        .send()
        .await
        .unwrap();
    assert_eq!(unauthorized.status(), 401);
    assert_eq!(unauthorized.headers()["x-ratelimit-remaining"], "0");
    assert_eq!(scene.get("/v1/customers/1").await.status, 429);
}

#[tokio::test]
async fn a_new_span_begins_when_retry_after_says() {
    let scene = Scene::start(SandboxOptions {
        window: Window::new(1, Duration::from_millis(30)),
        ..SandboxOptions::default()
    })
    .await;
    let started = Instant::now();
    let mut admitted = 0;
    while admitted < 3 {
        admitted += u32::from(scene.put(1, &json!({})).await.status == 200);
        assert!(
            started.elapsed() < super::ANSWER_TIMEOUT,
            "the window never opens again"
        );
    }
    assert!(
        started.elapsed() >= Duration::from_millis(30),
        "three requests take parts of three spans"
    );
}

#[tokio::test]
async fn a_daily_quota_may_have_been_used_before() {
    let scene = Scene::start(SandboxOptions {
        window: "2/1000/d".parse().ok(),
        ..SandboxOptions::default()
    })
    .await;
    for (want_status, want_remaining) in [(200, 1), (200, 0), (429, 0)] {
        let answer = scene.put(1, &json!({})).await;
        assert_eq!(answer.status, want_status);
        assert_eq!(answer.number("x-ratelimit-limit"), Some(1_000));
        assert_eq!(answer.number("x-ratelimit-remaining"), Some(want_remaining));
    }
}

#[tokio::test]
async fn answers_take_their_time() {
    let latency: Latency = "40ms..60ms".parse().unwrap();
    let scene = Scene::start(SandboxOptions {
        latency,
        ..SandboxOptions::default()
    })
    .await;
    let started = Instant::now();
    scene.put(1, &json!({})).await;
    assert!(started.elapsed() >= latency.min);
}

#[tokio::test]
async fn more_requests_in_flight_than_allowed_are_turned_away() {
    let scene = Scene::start(SandboxOptions {
        faults: "timeout=100%".parse().unwrap(),
        in_flight_max: Some(1),
        ..SandboxOptions::default()
    })
    .await;
    let held = scene.put_raw().await;
    while scene.sandbox.counts().requests == 0 {
        tokio::task::yield_now().await;
    }
    let turned_away = scene.put(1, &json!({})).await;
    assert_eq!(turned_away.status, 503);
    assert_eq!(turned_away.header("retry-after"), None);
    assert_eq!(scene.sandbox.counts().in_flight_max, 2);

    // A client that leaves makes room for the next one.
    drop(held);
    let left = Instant::now();
    while scene.sandbox.counts().faults_injected() < 2 {
        scene.put_raw().await;
        assert!(
            left.elapsed() < super::ANSWER_TIMEOUT,
            "the place is never free again"
        );
    }
}
