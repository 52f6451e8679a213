//! Tests of the headers of answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::Method;
use serde_json::json;

use super::super::headers::{DateHeader, RetryAfter};
use super::super::{RateHeaders, SandboxOptions};
use super::{Answer, Scene, read_all};

const HOUR_SECONDS: u64 = 3_600;
const YEAR_SECONDS: u64 = 365 * 86_400;

/// A sandbox that admits one request an hour.
async fn one_an_hour(headers: RateHeaders, retry_after: RetryAfter) -> Scene {
    let window = "1/h".parse().ok();
    Scene::start(SandboxOptions {
        window,
        headers,
        retry_after,
        ..SandboxOptions::default()
    })
    .await
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[tokio::test]
async fn answers_carry_the_headers_that_are_asked_for() {
    let check = async |headers: RateHeaders, want_on_200: [bool; 4], want_on_429: [bool; 4]| {
        let scene = one_an_hour(headers, RetryAfter::Seconds).await;
        for want in [want_on_200, want_on_429] {
            let answer = scene.put(1, &json!({})).await;
            let names = [
                "x-ratelimit-limit",
                "x-ratelimit-remaining",
                "x-ratelimit-reset",
                "retry-after",
            ];
            let carried = names.map(|name| answer.header(name).is_some());
            assert_eq!(carried, want, "{headers:?} {}", answer.status);
        }
    };
    check(RateHeaders::Always, [true, true, true, false], [true; 4]).await;
    check(
        RateHeaders::OnlyLimitAndRemaining,
        [true, true, false, false],
        [true; 4],
    )
    .await;
    check(RateHeaders::None, [false; 4], [false, false, false, true]).await;
    check(
        RateHeaders::NoReset,
        [true, true, false, false],
        [true, true, false, true],
    )
    .await;
    check(
        RateHeaders::NothingLeft,
        [true, true, false, false],
        [true, true, false, true],
    )
    .await;
    check(
        RateHeaders::ResetInMilliseconds,
        [true, true, true, false],
        [true; 4],
    )
    .await;
    check(
        RateHeaders::ResetInAYear,
        [true, true, true, false],
        [true; 4],
    )
    .await;
    check(RateHeaders::ResetMax, [true, true, true, false], [true; 4]).await;
    check(
        RateHeaders::ResetAsText,
        [true, true, true, false],
        [true; 4],
    )
    .await;
}

#[tokio::test]
async fn a_reset_can_be_absurd() {
    let reset = async |headers: RateHeaders| {
        let answer = one_an_hour(headers, RetryAfter::Seconds)
            .await
            .put(1, &json!({}))
            .await;
        answer.header("x-ratelimit-reset").unwrap().to_owned()
    };
    let is_about = |seconds: u64, want: u64| (want - 60..=want + 60).contains(&seconds);
    let milliseconds: u64 = reset(RateHeaders::ResetInMilliseconds)
        .await
        .parse()
        .unwrap();
    assert!(
        is_about(milliseconds / 1_000, unix_seconds() + HOUR_SECONDS),
        "{milliseconds}"
    );
    let far: u64 = reset(RateHeaders::ResetInAYear).await.parse().unwrap();
    assert!(
        is_about(far, unix_seconds() + HOUR_SECONDS + YEAR_SECONDS),
        "{far}"
    );
    assert_eq!(reset(RateHeaders::ResetMax).await, u64::MAX.to_string());
    let text = reset(RateHeaders::ResetAsText).await;
    let timestamp: jiff::Timestamp = text.parse().unwrap();
    let seconds = u64::try_from(timestamp.as_second()).unwrap();
    assert!(
        text.ends_with('Z') && is_about(seconds, unix_seconds() + HOUR_SECONDS),
        "{text}"
    );
}

#[tokio::test]
async fn nothing_is_said_to_be_left_though_there_is() {
    let options = SandboxOptions {
        window: "100/h".parse().ok(),
        headers: RateHeaders::NothingLeft,
        ..SandboxOptions::default()
    };
    let scene = Scene::start(options).await;
    for _ in 0..3 {
        let answer = scene.put(1, &json!({})).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.number("x-ratelimit-remaining")
            ),
            (200, Some(0))
        );
    }
}

#[tokio::test]
async fn a_retry_after_is_seconds_or_a_date_or_missing() {
    let retry_after = async |wanted: RetryAfter| {
        let scene = one_an_hour(RateHeaders::NoReset, wanted).await;
        scene.put(1, &json!({})).await;
        let refused = scene.put(1, &json!({})).await;
        assert_eq!(refused.status, 429);
        refused.header("retry-after").map(str::to_owned)
    };
    let seconds: u64 = retry_after(RetryAfter::Seconds)
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (HOUR_SECONDS - 60..=HOUR_SECONDS).contains(&seconds),
        "{seconds}"
    );
    let date = httpdate::parse_http_date(&retry_after(RetryAfter::Date).await.unwrap()).unwrap();
    let wait = date.duration_since(SystemTime::now()).unwrap().as_secs();
    assert!(
        (HOUR_SECONDS - 60..=HOUR_SECONDS + 1).contains(&wait),
        "{wait}"
    );
    assert_eq!(retry_after(RetryAfter::Missing).await, None);
}

#[tokio::test]
async fn without_a_window_there_are_no_rate_headers() {
    let scene = Scene::start(SandboxOptions::default()).await;
    let answer = scene.put(1, &json!({})).await;
    assert_eq!(answer.header("x-ratelimit-limit"), None);
    assert!(answer.header("date").is_some());
}

#[tokio::test]
async fn a_date_is_that_of_now_or_missing() {
    for (date, want) in [(DateHeader::Now, true), (DateHeader::Missing, false)] {
        let scene = Scene::start(SandboxOptions {
            date,
            ..SandboxOptions::default()
        })
        .await;
        let answers = [
            scene.put(1, &json!({})).await,
            Answer::to(scene.bare(Method::GET, "/health")).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("date").is_some(), want, "{date:?}");
        }
        // Half an answer is written by hand, and so are its headers.
        let faults = "truncate=100%".parse().unwrap();
        let scene = Scene::start(SandboxOptions {
            date,
            faults,
            ..SandboxOptions::default()
        })
        .await;
        let text = read_all(&mut scene.put_raw().await).await.unwrap();
        assert_eq!(text.contains("\r\ndate: "), want, "{text}");
    }
    let scene = Scene::start(SandboxOptions::default()).await;
    let answer = scene.put(1, &json!({})).await;
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    assert!(SystemTime::now().duration_since(date).unwrap() < Duration::from_mins(1));
}
