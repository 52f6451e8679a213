//! `Retry-After` and the headers of rate limits: every value is a wait, a window, or ignored.
#![no_main]

use custsync::testing::api::rate_headers;
use custsync::testing::contract::Reset;
use http::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<Vec<u8>>, Option<Vec<u8>>, Vec<(u8, Vec<u8>)>)| {
    let (waits, date, others) = input;
    let mut headers = HeaderMap::new();
    let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
    for wait in waits.iter().filter_map(|wait| value(wait)) {
        headers.append(RETRY_AFTER, wait);
    }
    if let Some(date) = date.as_deref().and_then(value) {
        headers.insert(DATE, date);
    }
    let names = [
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "ratelimit",
        "ratelimit-remaining",
        "ratelimit-reset",
    ];
    for (name, bytes) in &others {
        if let Some(value) = value(bytes) {
            headers.append(HeaderName::from_static(names[usize::from(*name) % names.len()]), value);
        }
    }
    let now = rate_headers::date_unix_s(&headers).or(Some(1_000_000_000));
    let all = rate_headers::retry_after(&headers, now);
    // Of several waits the longest counts.
    for wait in headers.get_all(RETRY_AFTER) {
        let one = HeaderMap::from_iter([(RETRY_AFTER, wait.clone())]);
        assert!(rate_headers::retry_after(&one, now) <= all);
    }
    let year_s = 366 * 24 * 60 * 60;
    match rate_headers::window(&headers, now).and_then(|window| window.reset) {
        Some(Reset::After(wait)) => assert!(wait.as_secs() <= year_s),
        Some(Reset::AtUnix(at)) => assert!(at <= now.unwrap_or_default() + year_s),
        None => {}
    }
});
