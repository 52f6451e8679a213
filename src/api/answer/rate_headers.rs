//! Reads the headers of an answer that are about time: the API's rate window, `Retry-After` and the
//! server's clock.

use std::cmp::Ordering;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};

use crate::contract::{RateWindow, Reset};

const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The longest wait that is kept: 136 years. No arithmetic on it can overflow.
const WAIT_MAX: Duration = Duration::from_secs(u32::MAX as u64);
/// The latest end of a window, from now. A later one is in another unit, or nonsense.
const WINDOW_MAX_S: u64 = 366 * DAY_S;
/// The earliest reset, before now: the server's clock may be wrong or in another time zone.
const RESET_PAST_MAX_S: u64 = DAY_S;
/// The lowest plausible clock: a lower one was never set.
const YEAR_2001_UNIX_S: u64 = 1_000_000_000;
const DAY_S: u64 = 24 * 60 * 60;

/// The server's clock, in Unix seconds (`Date`, RFC 9110 §6.6.1).
pub fn date_unix_s(headers: &HeaderMap) -> Option<u64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    unix_s(date)
}

/// The time in Unix seconds; `None` before 1970.
pub(crate) fn unix_s(time: SystemTime) -> Option<u64> {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .map(|since| since.as_secs())
}

/// The wait that the server asks for (`Retry-After`, RFC 9110 §10.2.3), in seconds or as a date. A
/// date is compared with the answer's own `Date`, or else with this machine's clock. Of several
/// headers the longest wait counts. A date in the past is no wait, and malformed values are
/// ignored.
pub fn retry_after(headers: &HeaderMap, now_unix_s: Option<u64>) -> Option<Duration> {
    headers
        .get_all(RETRY_AFTER)
        .iter()
        .filter_map(|value| wait(value.to_str().ok()?.trim(), now_unix_s))
        .max()
}

fn wait(text: &str, now_unix_s: Option<u64>) -> Option<Duration> {
    if let Some(seconds) = digits(text) {
        return Some(Duration::from_secs(seconds).min(WAIT_MAX));
    }
    let until = unix_s(httpdate::parse_http_date(text).ok()?)?;
    Some(Duration::from_secs(until.saturating_sub(now_unix_s?)).min(WAIT_MAX))
}

/// Parses decimal digits; a number beyond 64 bits becomes the largest one.
fn digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The API's rate window: `X-RateLimit-*`, or the IETF's `RateLimit`, either structured
/// (`"default";r=50;t=30`) or in its older form. Malformed headers are ignored. `now_unix_s` is the
/// answer's `Date`, or this machine's clock.
pub fn window(headers: &HeaderMap, now_unix_s: Option<u64>) -> Option<RateWindow> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &HeaderName| text(name)?.parse::<u64>().ok();
    if let Some(remaining) = number(&X_REMAINING) {
        let reset = text(&X_RESET).and_then(|text| x_reset(text, now_unix_s));
        return Some(RateWindow {
            limit: number(&X_LIMIT),
            remaining,
            reset,
        });
    }
    if let Some(remaining) = number(&REMAINING) {
        let reset = number(&RESET).and_then(after);
        return Some(RateWindow {
            limit: number(&LIMIT),
            remaining,
            reset,
        });
    }
    let lists = headers
        .get_all(RATE_LIMIT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    lists.flat_map(ietf_windows).min_by(binding_first)
}

/// Reads `X-RateLimit-Reset`, which is Unix time in seconds by the API's page. Other servers send
/// seconds from now, milliseconds, microseconds, an ISO 8601 time or an HTTP date. The forms cannot
/// be confused, since only a time from a day ago to a year from now is accepted. Fractions are
/// rounded up, so that nothing is sent too early.
fn x_reset(text: &str, now_unix_s: Option<u64>) -> Option<Reset> {
    let number = digits(text);
    if let Some(seconds @ 0..=WINDOW_MAX_S) = number {
        return after(seconds);
    }
    let now_unix_s = now_unix_s.filter(|now| *now >= YEAR_2001_UNIX_S)?;
    let is_plausible = |at: &u64| {
        (now_unix_s - RESET_PAST_MAX_S..=now_unix_s.saturating_add(WINDOW_MAX_S)).contains(at)
    };
    if let Some(number) = number {
        const UNITS_PER_SECOND: [u64; 3] = [1, 1_000, 1_000_000];
        let at = UNITS_PER_SECOND
            .iter()
            .map(|units| number.div_ceil(*units))
            .find(is_plausible);
        return at.map(Reset::AtUnix);
    }
    let at = if let Ok(date) = httpdate::parse_http_date(text) {
        unix_s(date)?
    } else {
        let at: Timestamp = text.parse().ok()?;
        let second = u64::try_from(at.as_second()).ok()?;
        second.saturating_add(u64::from(at.subsec_nanosecond() > 0))
    };
    Some(at).filter(is_plausible).map(Reset::AtUnix)
}

/// A reset this many seconds from now, if that is plausible.
fn after(seconds: u64) -> Option<Reset> {
    (seconds <= WINDOW_MAX_S).then(|| Reset::After(Duration::from_secs(seconds)))
}

/// The limits of one header, in its structured form or in the older one.
fn ietf_windows(text: &str) -> Vec<RateWindow> {
    if text.contains("remaining=") {
        return ietf_limit(text.split(','), "remaining", "reset")
            .into_iter()
            .collect();
    }
    let limits = split_outside_quotes(text, ',').into_iter();
    limits
        .filter_map(|limit| ietf_limit(split_outside_quotes(limit, ';').into_iter(), "r", "t"))
        .collect()
}

/// Orders limits by how tightly they bind: first the one that allows the fewest requests per second
/// until its reset. Among limits that allow none, the one that ends last comes first; one without a
/// named end binds least.
fn binding_first(one: &RateWindow, other: &RateWindow) -> Ordering {
    let left = |window: &RateWindow| match window.reset {
        Some(Reset::After(left)) => Some(left.as_secs()),
        Some(Reset::AtUnix(_)) | None => None,
    };
    let (one_left, other_left) = (left(one), left(other));
    match (one.remaining, other.remaining) {
        (0, 0) => other_left.cmp(&one_left),
        (0, _) => Ordering::Less,
        (_, 0) => Ordering::Greater,
        (one_remaining, other_remaining) => match (one_left, other_left) {
            // r / t against r' / t', as r · t' against r' · t. Each factor has 64 bits, so no
            // product overflows.
            (Some(one_left), Some(other_left)) => {
                let one_rate = u128::from(one_remaining) * u128::from(other_left);
                let other_rate = u128::from(other_remaining) * u128::from(one_left);
                one_rate
                    .cmp(&other_rate)
                    .then(one_remaining.cmp(&other_remaining))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => one_remaining.cmp(&other_remaining),
        },
    }
}

/// Splits a text at separators, except inside quotes (RFC 9651 §3.3.3).
fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let separates = |character: char| {
        let is_plain = !is_escaped;
        is_escaped = is_quoted && is_plain && character == '\\';
        is_quoted ^= is_plain && character == '"';
        character == separator && !is_quoted
    };
    text.split(separates).collect()
}

fn ietf_limit<'a>(
    parts: impl Iterator<Item = &'a str>,
    remaining: &str,
    reset: &str,
) -> Option<RateWindow> {
    let mut window = RateWindow {
        limit: None,
        remaining: u64::MAX,
        reset: None,
    };
    for part in parts {
        let Some((name, value)) = part.trim().split_once('=') else {
            continue;
        };
        let Ok(number) = value.trim().parse::<u64>() else {
            continue;
        };
        match name.trim() {
            name if name == remaining => window.remaining = number,
            name if name == reset => window.reset = after(number),
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
        assert_eq!(
            retry_after(&headers(&pairs), date),
            want.map(Duration::from_secs),
            "{values:?}"
        );
    }

    #[test]
    fn waits() {
        check_wait(&["120"], Some(120));
        check_wait(&["0"], Some(0));
        check_wait(&["5", "30", "7"], Some(30));
        check_wait(&["Sun, 06 Nov 1994 08:50:37 GMT"], Some(60));
        check_wait(&["Sun, 06 Nov 1994 08:00:00 GMT"], Some(0));
        check_wait(&["99999999999999999999999"], Some(u64::from(u32::MAX)));
        check_wait(&["18446744073709551615"], Some(u64::from(u32::MAX)));
        check_wait(
            &["Fri, 31 Dec 9999 23:59:59 GMT"],
            Some(u64::from(u32::MAX)),
        );
        check_wait(&["315360001"], Some(315_360_001));
        check_wait(&["soon", "-1", "", "1.5"], None);
        check_wait(&["soon", "3"], Some(3));
        check_wait(&[], None);
    }

    #[test]
    fn a_date_is_waited_for_by_this_machine_s_clock_where_there_is_no_other() {
        let hour = Duration::from_hours(1);
        let until = [(
            "retry-after",
            httpdate::fmt_http_date(SystemTime::now() + hour),
        )];
        let until = headers(
            &until
                .each_ref()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let wait = retry_after(&until, unix_s(SystemTime::now())).expect("a wait");
        assert!(
            wait <= hour && wait + Duration::from_secs(2) >= hour,
            "{wait:?}"
        );
        assert_eq!(retry_after(&until, None), None);
    }

    /// The answer's time in these tests.
    const NOW: u64 = 1_700_000_000; // 2023-11-14T22:13:20Z

    fn check_window(pairs: &[(&str, &str)], want: Option<(Option<u64>, u64, Option<Reset>)>) {
        let want = want.map(|(limit, remaining, reset)| RateWindow {
            limit,
            remaining,
            reset,
        });
        assert_eq!(window(&headers(pairs), Some(NOW)), want, "{pairs:?}");
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "the tables hold resets that may be missing"
    )]
    fn after_s(seconds: u64) -> Option<Reset> {
        Some(Reset::After(Duration::from_secs(seconds)))
    }

    #[test]
    fn windows() {
        let all = [
            ("x-ratelimit-limit", "60"),
            ("x-ratelimit-remaining", "59"),
            ("x-ratelimit-reset", "1700000030"),
        ];
        check_window(
            &all,
            Some((Some(60), 59, Some(Reset::AtUnix(1_700_000_030)))),
        );
        check_window(&all[..2], Some((Some(60), 59, None)));
        check_window(&[("x-ratelimit-remaining", "many")], None);
        check_window(&[("x-ratelimit-limit", "60")], None);
        check_window(&[("x-ratelimit-remaining", "-1")], None);
        check_window(
            &[("ratelimit-remaining", "5"), ("ratelimit-reset", "9")],
            Some((None, 5, after_s(9))),
        );
        check_window(
            &[
                ("ratelimit-remaining", "5"),
                ("ratelimit-reset", "1700000030"),
            ],
            Some((None, 5, None)),
        );
        let endless = [
            ("ratelimit-remaining", "0"),
            ("ratelimit-reset", "18446744073709551615"),
        ];
        check_window(&endless, Some((None, 0, None)));
        check_window(
            &[("ratelimit", "limit=100, remaining=50, reset=5")],
            Some((Some(100), 50, after_s(5))),
        );
        check_window(
            &[("ratelimit", "\"default\";r=50;t=30")],
            Some((None, 50, after_s(30))),
        );
        check_window(
            &[("ratelimit", "\"default\";r=0;t=18446744073709551615")],
            Some((None, 0, None)),
        );
        check_window(&[("ratelimit", "nonsense")], None);
    }

    #[test]
    fn a_reset_is_believed_from_a_day_ago_to_a_year_from_now() {
        let check = |text: &str, want: Option<Reset>| {
            check_window(
                &[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", text)],
                Some((None, 3, want)),
            );
        };
        let at = |unix_s| Some(Reset::AtUnix(unix_s));
        check("0", after_s(0));
        check("30", after_s(30));
        check("31622400", after_s(31_622_400));
        check("31622401", None);
        check("999999999", None);
        check("1700000030", at(NOW + 30));
        check("1699913600", at(NOW - 86_400));
        check("1699913599", None);
        check("1731622400", at(NOW + 31_622_400));
        check("1731622401", None);
        check("1700000030000", at(NOW + 30));
        check("1700000029001", at(NOW + 30));
        check("1699913599000", None);
        check("1731622401000", None);
        check("1700000030000000", at(NOW + 30));
        check("1800000000000000", None);
        check("1700000030000000000", None);
        check("18446744073709551615", None);
        check("99999999999999999999999", None);
        check("2023-11-14T22:13:50Z", at(NOW + 30));
        check("2023-11-14T23:13:49.5+01:00", at(NOW + 30));
        check("2023-11-14T22:13:50", None);
        check("2033-11-14T22:13:50Z", None);
        check("1023-11-14T22:13:50Z", None);
        check("Tue, 14 Nov 2023 22:13:50 GMT", at(NOW + 30));
        check("Mon, 14 Nov 2033 22:13:50 GMT", None);
        check("-30", None);
        check("30s", None);
        check("", None);
        let far = [
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "1700000030"),
        ];
        let reset = |now_unix_s| window(&headers(&far), now_unix_s).and_then(|window| window.reset);
        assert_eq!(
            [reset(Some(0)), reset(Some(u64::MAX)), reset(None)],
            [None; 3]
        );
        let near = [("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "30")];
        assert_eq!(
            window(&headers(&near), None).and_then(|window| window.reset),
            after_s(30)
        );
    }

    #[test]
    fn of_several_limits_the_one_that_binds_counts() {
        let check = |list: &str, want: (u64, Option<Reset>)| {
            check_window(&[("ratelimit", list)], Some((None, want.0, want.1)));
        };
        check(
            "\"minute\";r=50;t=10, \"day\";r=60;t=36000",
            (60, after_s(36_000)),
        );
        check(
            "\"day\";r=60;t=36000, \"minute\";r=50;t=10",
            (60, after_s(36_000)),
        );
        check(
            "\"day\";r=5000;t=3600, \"minute\";r=2;t=10",
            (2, after_s(10)),
        );
        check(
            "\"day\";r=5000;t=3600, \"minute\";r=0;t=10",
            (0, after_s(10)),
        );
        check(
            "\"a\";r=0;t=10, \"b\";r=0;t=3600, \"c\";r=0;t=60",
            (0, after_s(3600)),
        );
        check("\"a\";r=0, \"b\";r=0;t=60", (0, after_s(60)));
        check("\"a\";r=1, \"b\";r=50;t=60", (50, after_s(60)));
        check("\"a\";r=9, \"b\";r=3", (3, None));
        check("\"a\";r=1;t=0, \"b\";r=50;t=60", (50, after_s(60)));
        check(
            "\"a\";r=18446744073709551614;t=1, \"b\";r=9;t=31622400",
            (9, after_s(31_622_400)),
        );
        check("\"a;r=0,\\\";r=0\";r=7;t=60", (7, after_s(60)));
        let two = [
            ("ratelimit", "\"a\";r=9;t=60"),
            ("ratelimit", "\"b\";r=1;t=60"),
        ];
        check_window(&two, Some((None, 1, after_s(60))));
    }

    #[test]
    fn dates() {
        assert_eq!(
            date_unix_s(&headers(&[("date", "Sun, 06 Nov 1994 08:49:37 GMT")])),
            Some(784_111_777)
        );
        assert_eq!(date_unix_s(&headers(&[("date", "yesterday")])), None);
    }
}
