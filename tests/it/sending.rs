//! Good behaviour over a real socket: the API's window, an outage, and the user's own rate.

use std::time::{Duration, Instant};

use custsync::testing::sandbox::{RateHeaders, Window};

use crate::harness::{Customers, Scenario};

/// Valid rows for a sandbox with this many requests a second.
fn windowed(rows: u32, requests: u32, headers: RateHeaders) -> Scenario {
    Scenario::new()
        .csv(&Customers::good(rows as usize, 7))
        .sandbox(move |options| {
            options.window = Window::new(requests, Duration::from_secs(1));
            options.headers = headers;
            options.latency.max = Duration::from_millis(8);
        })
}

/// The share of requests that the API refused with 429.
fn refused(scenario: &Scenario) -> f64 {
    let counts = scenario.counts();
    f64::from(u32::try_from(counts.by_status.get(&429).copied().unwrap_or_default()).unwrap())
        / f64::from(u32::try_from(counts.requests).unwrap())
}

#[test]
fn a_window_known_only_from_headers_is_kept() {
    const ROWS: u32 = 1_200;
    const A_SECOND: u32 = 200;
    let scenario = windowed(ROWS, A_SECOND, RateHeaders::Always);
    let started = Instant::now();
    scenario
        .run([])
        .exits(0)
        .counts([u64::from(ROWS), 0, 0, 0, 0]);
    let lasted = started.elapsed().as_secs_f64();
    let share = refused(&scenario);
    assert!(share <= 0.01, "{share:.4} of the requests were refused");
    let whole_windows = f64::from(ROWS) / f64::from(A_SECOND);
    assert!(
        lasted >= whole_windows - 1.0,
        "{lasted} s for {whole_windows} windows"
    );
}

#[test]
fn a_window_whose_end_is_not_named_is_learnt() {
    const ROWS: u32 = 600;
    let scenario = windowed(ROWS, 100, RateHeaders::OnlyLimitAndRemaining);
    scenario
        .run([])
        .exits(0)
        .counts([u64::from(ROWS), 0, 0, 0, 0]);
    let share = refused(&scenario);
    assert!(share <= 0.1, "{share:.4} of the requests were refused");
}

#[test]
fn an_outage_is_waited_for_and_fails_no_row() {
    const ROWS: u32 = 2_000;
    let scenario = Scenario::new()
        .csv(&Customers::good(ROWS as usize, 8))
        .unlimited()
        .sandbox(|options| {
            // 32 requests at once take 375 ms for all rows, so the outage begins before their end.
            options.faults = "outage=200ms..3s".parse().unwrap();
            options.latency = "4ms..8ms".parse().unwrap();
        });
    let end = scenario
        .run([])
        .exits(0)
        .counts([u64::from(ROWS), 0, 0, 0, 0])
        .says("answers 503 (http_503): the API is down");
    let end = end.says("the API is up again");
    end.results().settle_each_of(ROWS as usize);
    let sending = &end.summary()["sending"];
    assert!(
        sending["outages"].as_u64() >= Some(1) && sending["down_s"].as_f64() > Some(0.5),
        "{sending}"
    );
    let failures = scenario.counts().by_status[&503];
    // Ten failures show an outage, more may be in flight by then, and one probe a second follows.
    assert!(failures <= 60, "{failures} requests to an API that is down");
}

#[test]
fn requests_are_logged_as_far_as_the_user_asks() {
    for (flag, shows_refused, shows_all) in [
        ("--progress=auto", false, false),
        ("-v", true, false),
        ("-vv", true, true),
    ] {
        let scenario = Scenario::new()
            .csv(&Customers::good(40, 8))
            .unlimited()
            .sandbox(|options| options.faults = "503=30%".parse().unwrap());
        let end = scenario.run([flag]).exits(0);
        let of_status = |status: u16| scenario.counts().by_status[&status];
        let (applied, refused) = (of_status(200), of_status(503));
        assert_ne!(refused, 0, "some are refused");
        let want = (
            if shows_refused { refused } else { 0 },
            if shows_all { applied } else { 0 },
        );
        let found = (
            end.lines_with(" status=503 "),
            end.lines_with(" status=200 "),
        );
        assert_eq!(found, want, "{flag}");
        let again = end.lines_with(" again_in_ms=");
        assert_eq!(again > 0, shows_refused, "{flag}");
        let limits = end.lines_with("requests in flight: slow start");
        assert_eq!(limits > 0, shows_refused, "{flag}");
    }
}

#[test]
fn the_users_rate_is_never_exceeded() {
    const ROWS: u32 = 150;
    let scenario = Scenario::new()
        .csv(&Customers::good(ROWS as usize, 9))
        .flags(["--rate", "100/s"])
        .sandbox(|_| {});
    let started = Instant::now();
    scenario
        .run([])
        .exits(0)
        .counts([u64::from(ROWS), 0, 0, 0, 0]);
    assert!(
        started.elapsed() >= Duration::from_secs_f64(f64::from(ROWS - 1) / 100.0),
        "{:?}",
        started.elapsed()
    );
}
