//! What an answer's headers say of time: the API's window, `Retry-After`, and the server's clock.

use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::contract::{RateWindow, Reset};

const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The server's clock, in Unix seconds (`Date`, RFC 9110 §6.6.1).
pub fn date_unix_s(headers: &HeaderMap) -> Option<u64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    unix_s(date)
}

fn unix_s(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

/// The wait that the server asks for (`Retry-After`, RFC 9110 §10.2.3): seconds, or a date against the answer's own `Date`.
/// Of several the longest counts; what is past is no wait, what is nonsense is ignored.
pub fn retry_after(headers: &HeaderMap, date_unix_s: Option<u64>) -> Option<Duration> {
    headers.get_all(RETRY_AFTER).iter().filter_map(|value| wait(value.to_str().ok()?.trim(), date_unix_s)).max()
}

fn wait(text: &str, date_unix_s: Option<u64>) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than 64 bits hold is a wait for ever, which the longest wait allowed decides on.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let until = unix_s(httpdate::parse_http_date(text).ok()?)?;
    let now = date_unix_s.or_else(|| unix_s(SystemTime::now()))?;
    Some(Duration::from_secs(until.saturating_sub(now)))
}

/// The API's window: `X-RateLimit-*`, or the IETF's `RateLimit` in its structured form (`"default";r=50;t=30`) and its older
/// ones. Malformed is ignored.
pub fn window(headers: &HeaderMap) -> Option<RateWindow> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &HeaderName| text(name)?.parse::<u64>().ok();
    if let Some(remaining) = number(&X_REMAINING) {
        let reset = number(&X_RESET).map(x_reset);
        return Some(RateWindow { limit: number(&X_LIMIT), remaining, reset });
    }
    if let Some(remaining) = number(&REMAINING) {
        let reset = number(&RESET).map(|s| Reset::After(Duration::from_secs(s)));
        return Some(RateWindow { limit: number(&LIMIT), remaining, reset });
    }
    ietf_window(text(&RATE_LIMIT)?)
}

/// `X-RateLimit-Reset` is Unix time by the API's page; other servers give seconds from now, which no Unix time is as small as.
fn x_reset(number: u64) -> Reset {
    const YEAR_2001_UNIX_S: u64 = 1_000_000_000;
    if number < YEAR_2001_UNIX_S { Reset::After(Duration::from_secs(number)) } else { Reset::AtUnix(number) }
}

/// Of several limits the one with the least left counts.
fn ietf_window(text: &str) -> Option<RateWindow> {
    if text.contains("remaining=") {
        return ietf_limit(text.split(','), "remaining", "reset");
    }
    text.split(',').filter_map(|limit| ietf_limit(limit.split(';'), "r", "t")).min_by_key(|window| window.remaining)
}

fn ietf_limit<'a>(parts: impl Iterator<Item = &'a str>, remaining: &str, reset: &str) -> Option<RateWindow> {
    let mut window = RateWindow { limit: None, remaining: u64::MAX, reset: None };
    for part in parts {
        let Some((name, value)) = part.trim().split_once('=') else { continue };
        let Ok(number) = value.trim().parse::<u64>() else { continue };
        match name.trim() {
            name if name == remaining => window.remaining = number,
            name if name == reset => window.reset = Some(Reset::After(Duration::from_secs(number))),
            "limit" => window.limit = Some(number),
            _ => {}
        }
    }
    (window.remaining != u64::MAX).then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: HeaderName = name.parse().expect("a good name");
            headers.append(name, HeaderValue::from_str(value).expect("a good value"));
        }
        headers
    }

    fn check_wait(values: &[&str], want: Option<u64>) {
        let pairs: Vec<_> = values.iter().map(|value| ("retry-after", *value)).collect();
        let date = Some(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
        assert_eq!(retry_after(&headers(&pairs), date), want.map(Duration::from_secs), "{values:?}");
    }

    #[test]
    fn waits() {
        check_wait(&["120"], Some(120));
        check_wait(&["0"], Some(0));
        check_wait(&["5", "30", "7"], Some(30));
        check_wait(&["Sun, 06 Nov 1994 08:50:37 GMT"], Some(60));
        check_wait(&["Sun, 06 Nov 1994 08:00:00 GMT"], Some(0));
        check_wait(&["99999999999999999999999"], Some(u64::from(u32::MAX)));
        check_wait(&["soon", "-1", "", "1.5"], None);
        check_wait(&["soon", "3"], Some(3));
        check_wait(&[], None);
    }

    fn check_window(pairs: &[(&str, &str)], want: Option<(Option<u64>, u64, Option<Reset>)>) {
        let want = want.map(|(limit, remaining, reset)| RateWindow { limit, remaining, reset });
        assert_eq!(window(&headers(pairs)), want, "{pairs:?}");
    }

    #[test]
    fn windows() {
        let after = |s| Some(Reset::After(Duration::from_secs(s)));
        let all = [("x-ratelimit-limit", "60"), ("x-ratelimit-remaining", "59"), ("x-ratelimit-reset", "1700000000")];
        check_window(&all, Some((Some(60), 59, Some(Reset::AtUnix(1_700_000_000)))));
        check_window(&all[..2], Some((Some(60), 59, None)));
        check_window(&[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "30")], Some((None, 3, after(30))));
        check_window(&[("x-ratelimit-remaining", "many")], None);
        check_window(&[("x-ratelimit-limit", "60")], None);
        check_window(&[("x-ratelimit-remaining", "-1")], None);
        check_window(&[("ratelimit-remaining", "5"), ("ratelimit-reset", "9")], Some((None, 5, after(9))));
        check_window(&[("ratelimit", "limit=100, remaining=50, reset=5")], Some((Some(100), 50, after(5))));
        check_window(&[("ratelimit", "\"default\";r=50;t=30")], Some((None, 50, after(30))));
        check_window(&[("ratelimit", "\"day\";r=500;t=3600, \"minute\";r=2;t=10")], Some((None, 2, after(10))));
        check_window(&[("ratelimit", "nonsense")], None);
    }

    #[test]
    fn dates() {
        assert_eq!(date_unix_s(&headers(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")])), Some(784_111_777));
        assert_eq!(date_unix_s(&headers(&[("date", "yesterday")])), None);
    }
}
