//! The rate limit: a number of requests in each span of time. Spans count from the second in which
//! the sandbox starts.

use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::option_error::OptionError;

/// A fixed window: this many requests are admitted in each span of this length.
///
/// Written `50/s`, `600/m`, `1000/h` or `10000/d`. In `95/10000/d`, the first number is what is
/// left of the first span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    requests: u32,
    per: Duration,
    /// Requests already used of the first span.
    used: u32,
}

/// The permitted lengths. The end of a longer window might have no date.
const LENGTHS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(366 * 24);

impl Window {
    /// A window of any length from 1 ms to 366 days, for tests that cannot wait a whole minute.
    /// `None` for another length, or if no request would be admitted.
    pub fn new(requests: u32, per: Duration) -> Option<Window> {
        (requests > 0 && LENGTHS.contains(&per)).then_some(Window {
            requests,
            per,
            used: 0,
        })
    }

    /// The same window with only this many requests left of its first span. `None` if that exceeds
    /// a whole span.
    pub fn with_left(self, left: u32) -> Option<Window> {
        let used = self.requests.checked_sub(left)?;
        Some(Window { used, ..self })
    }
}

impl FromStr for Window {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Window, OptionError> {
        let expected = || {
            OptionError::new(
                text,
                "a window such as 50/s, 600/m, 1000/h or 10000/d, or 95/10000/d where 95 are left",
            )
        };
        Window::parse(text).ok_or_else(expected)
    }
}

impl Window {
    fn parse(text: &str) -> Option<Window> {
        let (numbers, unit) = text.rsplit_once('/')?;
        let per = match unit {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            "d" => Duration::from_hours(24),
            _ => return None,
        };
        match numbers.split_once('/') {
            None => Window::new(number(numbers)?, per),
            Some((left, requests)) => Window::new(number(requests)?, per)?.with_left(number(left)?),
        }
    }
}

/// Parses decimal digits without a sign.
fn number(text: &str) -> Option<u32> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

/// The state of the window after a request: the values of the `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowState {
    pub(super) limit: u32,
    pub(super) remaining: u32,
    /// The wall-clock time at which the current span ends.
    pub(super) resets_at: SystemTime,
    /// The time left until then, for `Retry-After`.
    pub(super) resets_in: Duration,
}

impl WindowState {
    /// `X-RateLimit-Reset`: Unix seconds, rounded up, because a client that returns at that second
    /// must be admitted.
    pub(super) fn reset_unix_seconds(self) -> u64 {
        whole_seconds_up(
            self.resets_at
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        )
    }

    /// `Retry-After`: whole seconds, rounded up for the same reason, hence never 0.
    pub(super) fn retry_after_seconds(self) -> u64 {
        whole_seconds_up(self.resets_in).max(1)
    }
}

/// Whether the window has room for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Admitted(WindowState),
    Refused(WindowState),
}

/// Counts requests against a window. It has no clock: callers pass the time since the sandbox's
/// start.
#[derive(Debug)]
pub(super) struct Meter {
    window: Window,
    /// The whole second from which spans count: limiters count in whole seconds, so
    /// `X-RateLimit-Reset` is exact.
    counted_from: SystemTime,
    /// The time from that second to the sandbox's start.
    started_after: Duration,
    span: u128,
    used: u32,
}

impl Meter {
    pub(super) fn new(window: Window, started_at: SystemTime) -> Meter {
        let since_epoch = started_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_after = Duration::from_nanos(u64::from(since_epoch.subsec_nanos()));
        let span = started_after.as_nanos() / window.per.as_nanos();
        Meter {
            window,
            counted_from: started_at - started_after,
            started_after,
            span,
            used: window.used,
        }
    }

    /// Admits or refuses a request. A refused one uses up nothing, as with Laravel's limiter.
    pub(super) fn admit(&mut self, running_for: Duration) -> Admission {
        self.enter_span(running_for);
        if self.used >= self.window.requests {
            return Admission::Refused(self.window_state(running_for));
        }
        self.used += 1;
        Admission::Admitted(self.window_state(running_for))
    }

    /// The state of the window, without counting a request.
    pub(super) fn window_state(&mut self, running_for: Duration) -> WindowState {
        self.enter_span(running_for);
        let counted = running_for + self.started_after;
        let elapsed_nanos = counted.as_nanos() % self.window.per.as_nanos();
        let elapsed = Duration::from_nanos(u64::try_from(elapsed_nanos).unwrap_or(u64::MAX));
        let resets_in = self.window.per.saturating_sub(elapsed);
        WindowState {
            limit: self.window.requests,
            remaining: self.window.requests.saturating_sub(self.used),
            resets_at: self.counted_from + counted + resets_in,
            resets_in,
        }
    }

    fn enter_span(&mut self, running_for: Duration) {
        let span = (running_for + self.started_after).as_nanos() / self.window.per.as_nanos();
        if span != self.span {
            self.span = span;
            self.used = 0;
        }
    }
}

fn whole_seconds_up(length: Duration) -> u64 {
    length.as_secs() + u64::from(length.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{Admission, Meter, Window};

    #[test]
    fn windows_are_read_from_text() {
        let check = |input: &str, want: Option<(u32, u32, u64)>| {
            let want = want.map(|(left, requests, seconds)| {
                Window::new(requests, Duration::from_secs(seconds))
                    .unwrap()
                    .with_left(left)
                    .unwrap()
            });
            assert_eq!(input.parse().ok(), want, "{input}");
        };
        check("50/s", Some((50, 50, 1)));
        check("600/m", Some((600, 600, 60)));
        check("1000/h", Some((1_000, 1_000, 3_600)));
        check("10000/d", Some((10_000, 10_000, 86_400)));
        check("95/10000/d", Some((95, 10_000, 86_400)));
        check("0/10/s", Some((0, 10, 1)));
        check("10/10/s", Some((10, 10, 1)));
        for nonsense in [
            "",
            "50",
            "0/s",
            "-1/s",
            "+1/s",
            "50/w",
            "50/ s",
            "1.5/s",
            "/s",
            "5000000000/s",
        ] {
            check(nonsense, None);
        }
        for nonsense in [
            "11/10/s", "/10/s", "5//s", "0/0/s", "1/2/3/s", "-1/10/s", "+1/10/s", "5/+10/s",
        ] {
            check(nonsense, None);
        }
    }

    #[test]
    fn a_window_has_a_length_that_can_be_told() {
        let check =
            |per: Duration, want: bool| assert_eq!(Window::new(1, per).is_some(), want, "{per:?}");
        check(Duration::from_micros(999), false);
        check(Duration::from_millis(1), true);
        check(Duration::from_hours(366 * 24), true);
        check(
            Duration::from_hours(366 * 24) + Duration::from_nanos(1),
            false,
        );
        check(Duration::MAX, false);
        assert_eq!(Window::new(0, Duration::from_secs(1)), None);
    }

    /// The start is in the middle of a second, and so after several spans of a short window.
    #[test]
    fn the_first_span_alone_has_been_used_before() {
        let start = UNIX_EPOCH + Duration::from_millis(1_000_500);
        let check = |per: Duration| {
            let window = Window::new(100, per).unwrap().with_left(1).unwrap();
            let mut meter = Meter::new(window, start);
            assert!(
                matches!(meter.admit(Duration::ZERO), Admission::Admitted(window_state) if window_state.remaining == 0)
            );
            assert!(matches!(meter.admit(Duration::ZERO), Admission::Refused(_)));
            assert!(
                matches!(meter.admit(per), Admission::Admitted(window_state) if window_state.remaining == 99)
            );
        };
        check(Duration::from_millis(100));
        check(Duration::from_hours(24));
    }

    /// Times are in milliseconds. `None` means refused, a number means what remains.
    #[test]
    fn each_span_admits_its_requests_and_no_more() {
        let start = UNIX_EPOCH + Duration::from_millis(1_000_500);
        let mut meter = Meter::new(Window::new(2, Duration::from_secs(10)).unwrap(), start);
        let mut check = |at_ms: u64,
                         want_remaining: Option<u32>,
                         want_retry_after: u64,
                         want_reset: u64| {
            let (remaining, window_state) = match meter.admit(Duration::from_millis(at_ms)) {
                Admission::Admitted(window_state) => (Some(window_state.remaining), window_state),
                Admission::Refused(window_state) => (None, window_state),
            };
            assert_eq!(remaining, want_remaining, "at {at_ms} ms");
            assert_eq!(
                window_state.retry_after_seconds(),
                want_retry_after,
                "at {at_ms} ms"
            );
            assert_eq!(
                window_state.reset_unix_seconds(),
                want_reset,
                "at {at_ms} ms"
            );
            assert_eq!(window_state.limit, 2);
        };
        // Spans count from second 1,000, half a second before the start.
        check(0, Some(1), 10, 1_010);
        check(1, Some(0), 10, 1_010);
        check(2_000, None, 8, 1_010);
        check(9_499, None, 1, 1_010);
        check(9_500, Some(1), 10, 1_020);
        check(35_000, Some(1), 5, 1_040);
    }
}
