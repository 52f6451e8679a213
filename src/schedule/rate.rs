//! The user's limit on the rate of requests: `--rate`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// The user's limit on the rate of requests. The API's headers and pauses hold as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// The API's headers lead. A modest rate holds if there are none.
    Auto,
    /// No limit of our own.
    Unlimited,
    /// Never more than this rate.
    Limited(LimitedRate),
}

/// A number of requests in a unit of time: at least one, and at most
/// [`LimitedRate::PER_SECOND_MAX`] a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedRate {
    requests: NonZeroU32,
    unit: RateUnit,
}

/// The unit of time of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateUnit {
    /// `/s`
    Second,
    /// `/m`
    Minute,
    /// `/h`
    Hour,
}

/// The reason for which a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// A number without a unit. Fifty a second and fifty an hour differ too much to guess.
    #[error("`{0}` has no unit: write {0}/s, {0}/m or {0}/h")]
    NoUnit(String),
    /// Something other than s, m or h after the slash.
    #[error(
        "`{requests}/{unit}` has an unknown unit: write {requests}/s, {requests}/m or {requests}/h"
    )]
    UnknownUnit {
        /// The number before the slash.
        requests: String,
        /// The text after it.
        unit: String,
    },
    /// Neither a known word nor a whole number of requests.
    #[error(
        "`{0}` is not a rate: write auto, unlimited, or a whole number of requests as in 50/s, 600/m or 1000/h"
    )]
    NotARate(String),
    /// A rate that never sends anything.
    #[error("a rate of zero would never send anything")]
    Zero,
    /// A rate faster than the schedule's resolution of a microsecond, and than any API.
    #[error("`{0}` is more than {max} requests a second: write unlimited to lift the limit", max = LimitedRate::PER_SECOND_MAX)]
    TooFast(String),
}

impl LimitedRate {
    /// The fastest rate, in requests a second.
    pub const PER_SECOND_MAX: u32 = 1_000_000;

    /// Creates a rate of `requests` in each `unit`.
    pub fn new(requests: u32, unit: RateUnit) -> Result<Self, RateError> {
        let requests = NonZeroU32::new(requests).ok_or(RateError::Zero)?;
        let rate = Self { requests, unit };
        if requests.get() > Self::PER_SECOND_MAX * unit.seconds() {
            return Err(RateError::TooFast(rate.to_string()));
        }
        Ok(rate)
    }

    /// The time between two requests, rounded up to a nanosecond so that the rate is never
    /// exceeded.
    pub fn interval(self) -> Duration {
        let unit_nanoseconds = u64::from(self.unit.seconds()) * 1_000_000_000;
        Duration::from_nanos(unit_nanoseconds.div_ceil(u64::from(self.requests.get())))
    }

    /// The rate in requests a second, for arithmetic and display.
    pub fn per_second(self) -> f64 {
        f64::from(self.requests.get()) / f64::from(self.unit.seconds())
    }
}

/// Formats a rate a second as `--rate` takes it: `48/s`, `9.8/s`, `30/m`.
pub fn shown_per_second(per_second: f64) -> String {
    match per_second {
        10.0.. => format!("{per_second:.0}/s"),
        1.0.. => format!("{per_second:.1}/s"),
        _ => format!("{:.1}/m", per_second * 60.0),
    }
}

impl RateUnit {
    const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
        }
    }

    fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "s" => Some(Self::Second),
            "m" => Some(Self::Minute),
            "h" => Some(Self::Hour),
            _ => None,
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        match text {
            "auto" => Ok(Self::Auto),
            "unlimited" => Ok(Self::Unlimited),
            _ => text.parse().map(Self::Limited),
        }
    }
}

impl FromStr for LimitedRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (requests, unit) = match text.split_once('/') {
            Some((requests, unit)) => (requests, Some(unit)),
            None => (text, None),
        };
        if requests.is_empty() || !requests.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RateError::NotARate(text.to_owned()));
        }
        let Some(unit) = unit else {
            return Err(RateError::NoUnit(requests.to_owned()));
        };
        let Some(unit) = RateUnit::from_letter(unit) else {
            return Err(RateError::UnknownUnit {
                requests: requests.to_owned(),
                unit: unit.to_owned(),
            });
        };
        // Only digits are left, so a number that does not fit is too large.
        let Ok(requests) = requests.parse() else {
            return Err(RateError::TooFast(text.to_owned()));
        };
        Self::new(requests, unit)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Unlimited => formatter.write_str("unlimited"),
            Self::Limited(rate) => rate.fmt(formatter),
        }
    }
}

impl fmt::Display for LimitedRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.requests, self.unit.letter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(requests: u32, unit: RateUnit) -> Rate {
        Rate::Limited(LimitedRate::new(requests, unit).unwrap())
    }

    #[test]
    fn a_rate_is_read_and_written_back_as_it_was() {
        let check = |text: &str, want: Rate| {
            assert_eq!(text.parse(), Ok(want), "{text}");
            assert_eq!(want.to_string(), text);
        };
        for (text, want) in [
            ("auto", Rate::Auto),
            ("unlimited", Rate::Unlimited),
            ("1/s", limited(1, RateUnit::Second)),
            ("50/s", limited(50, RateUnit::Second)),
            ("600/m", limited(600, RateUnit::Minute)),
            ("1000/h", limited(1000, RateUnit::Hour)),
            ("1000000/s", limited(1_000_000, RateUnit::Second)),
            ("3600000000/h", limited(3_600_000_000, RateUnit::Hour)),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn what_is_no_rate_says_why() {
        let check = |text: &str, want: &str| {
            let error = text.parse::<Rate>().expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        for (text, want) in [
            ("50", "`50` has no unit: write 50/s, 50/m or 50/h"),
            ("50/d", "unknown unit: write 50/s, 50/m or 50/h"),
            ("50/", "unknown unit"),
            ("50/s/s", "unknown unit"),
            ("", "is not a rate"),
            ("/s", "is not a rate"),
            ("-1/s", "is not a rate"),
            ("+1/s", "is not a rate"),
            ("0.5/s", "is not a rate"),
            (" 5/s", "is not a rate"),
            ("Auto", "is not a rate"),
            ("0/s", "never send"),
            ("00/h", "never send"),
            ("1000001/s", "more than 1000000 requests a second"),
            ("3600000001/h", "more than 1000000 requests a second"),
            (
                "99999999999999999999/h",
                "more than 1000000 requests a second",
            ),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn the_interval_never_allows_more_than_the_rate() {
        let check = |text: &str, interval: Duration, per_second: f64| {
            let rate: LimitedRate = text.parse().unwrap();
            assert_eq!(rate.interval(), interval, "{text}");
            assert!(
                (rate.per_second() - per_second).abs() < 1e-9,
                "{text}: {}",
                rate.per_second()
            );
        };
        for (text, interval, per_second) in [
            ("50/s", Duration::from_millis(20), 50.0),
            ("600/m", Duration::from_millis(100), 10.0),
            ("1/h", Duration::from_hours(1), 1.0 / 3600.0),
            ("3/s", Duration::from_nanos(333_333_334), 3.0),
            ("1000000/s", Duration::from_micros(1), 1e6),
        ] {
            check(text, interval, per_second);
        }
    }

    #[test]
    fn a_rate_a_second_is_shown_with_as_many_digits_as_it_needs() {
        for (per_second, want) in [
            (48.4, "48/s"),
            (10.0, "10/s"),
            (9.84, "9.8/s"),
            (1.0, "1.0/s"),
            (0.5, "30.0/m"),
        ] {
            assert_eq!(shown_per_second(per_second), want);
        }
    }
}
