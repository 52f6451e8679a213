//! The headers of every answer: the date and the state of the window.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::DATE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;

use super::window::WindowState;

/// The `X-RateLimit-*` headers of answers, and their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateHeaders {
    /// Limit, Remaining and Reset, as the API's documentation has it.
    #[default]
    Always,
    /// Limit and Remaining; Reset on 429 only, which is Laravel's way.
    OnlyLimitAndRemaining,
    /// None: the client has to discover the limit.
    None,
    /// Limit and Remaining, but never Reset.
    NoReset,
    /// Limit, and a Remaining that is always 0, although the window has room; never Reset.
    NothingLeft,
    /// All three, with Reset in Unix milliseconds.
    ResetInMilliseconds,
    /// All three, with a Reset that is a year away.
    ResetInAYear,
    /// All three, with the Reset 18446744073709551615.
    ResetMax,
    /// All three, with Reset as in `2026-11-23T15:44:21Z`.
    ResetAsText,
}

/// The `Retry-After` of a 429 when the window is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryAfter {
    /// The seconds until the next span of the window.
    #[default]
    Seconds,
    /// The date at which it begins (RFC 9110 §10.2.3).
    Date,
    /// No header.
    Missing,
}

/// Whether answers have a `Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateHeader {
    /// The time by this machine's clock.
    #[default]
    Now,
    /// No header.
    Missing,
}

const YEAR: Duration = Duration::from_hours(365 * 24);

impl RateHeaders {
    /// Adds the headers to an answer of this status.
    pub(super) fn add(
        self,
        headers: &mut HeaderMap,
        status: StatusCode,
        window_state: WindowState,
    ) {
        if self == RateHeaders::None {
            return;
        }
        let remaining = if self == RateHeaders::NothingLeft {
            0
        } else {
            window_state.remaining
        };
        headers.insert("x-ratelimit-limit", window_state.limit.into());
        headers.insert("x-ratelimit-remaining", remaining.into());
        if let Some(reset) = self.reset(status, window_state) {
            headers.insert("x-ratelimit-reset", reset);
        }
    }

    fn reset(self, status: StatusCode, window_state: WindowState) -> Option<HeaderValue> {
        let unix_seconds = window_state.reset_unix_seconds();
        match self {
            RateHeaders::Always => Some(unix_seconds.into()),
            RateHeaders::OnlyLimitAndRemaining => {
                (status == StatusCode::TOO_MANY_REQUESTS).then(|| unix_seconds.into())
            }
            RateHeaders::None | RateHeaders::NoReset | RateHeaders::NothingLeft => None,
            RateHeaders::ResetInMilliseconds => Some((unix_seconds * 1_000).into()),
            RateHeaders::ResetInAYear => Some((unix_seconds + YEAR.as_secs()).into()),
            RateHeaders::ResetMax => Some(u64::MAX.into()),
            RateHeaders::ResetAsText => {
                let reset = i64::try_from(unix_seconds)
                    .ok()
                    .and_then(|second| Timestamp::from_second(second).ok());
                HeaderValue::try_from(reset?.to_string()).ok()
            }
        }
    }
}

impl RetryAfter {
    pub(super) fn value(self, window_state: WindowState) -> Option<HeaderValue> {
        match self {
            RetryAfter::Seconds => Some(window_state.retry_after_seconds().into()),
            RetryAfter::Date => {
                let reset = UNIX_EPOCH + Duration::from_secs(window_state.reset_unix_seconds());
                Some(http_date(reset))
            }
            RetryAfter::Missing => None,
        }
    }
}

impl DateHeader {
    pub(super) fn add(self, headers: &mut HeaderMap) {
        match self {
            DateHeader::Now => {
                headers.insert(DATE, http_date(SystemTime::now()));
            }
            DateHeader::Missing => {}
        }
    }
}

fn http_date(time: SystemTime) -> HeaderValue {
    HeaderValue::try_from(httpdate::fmt_http_date(time)).expect("a formatted date is visible ASCII")
}
