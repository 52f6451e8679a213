//! Durations as people write them: `500ms`, `30s`, `15m`, `2h`.
//!
//! jiff's friendly format would also take `1m30s`, `1.5s`, `1 s`, `-1s` and ISO 8601, and would
//! report a number that is too large as a syntax error. These settings take a whole number and one
//! unit, so the few lines below stay.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The units and their milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];

/// The reason why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit. Seconds or milliseconds is not guessed.
    #[error("`{0}` has no unit: write {0}ms, {0}s, {0}m or {0}h")]
    NoUnit(String),
    /// Not a whole number with a unit.
    #[error("`{0}` is not a duration: write a whole number and a unit as in 500ms, 30s, 15m or 2h")]
    NotADuration(String),
    /// A duration that this setting does not allow.
    #[error("`{text}` is out of range: at least {least} and at most {most}")]
    OutOfRange {
        /// The text as written.
        text: String,
        /// The shortest that is allowed.
        least: String,
        /// The longest that is allowed.
        most: String,
    },
}

/// Parses a duration that must lie in `range`.
pub(super) fn duration_in(
    range: &RangeInclusive<Duration>,
    text: &str,
) -> Result<Duration, DurationError> {
    let digits_end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_end);
    if digits.is_empty() {
        return Err(DurationError::NotADuration(text.to_owned()));
    }
    if unit.is_empty() {
        return Err(DurationError::NoUnit(text.to_owned()));
    }
    let Some((_, unit_ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(DurationError::NotADuration(text.to_owned()));
    };
    // Only digits are left, so a number that does not fit is too large for any range.
    let milliseconds = digits
        .parse()
        .ok()
        .and_then(|n: u64| n.checked_mul(*unit_ms));
    let duration = milliseconds.map_or(Duration::MAX, Duration::from_millis);
    if range.contains(&duration) {
        return Ok(duration);
    }
    Err(DurationError::OutOfRange {
        text: text.to_owned(),
        least: shown(*range.start()),
        most: shown(*range.end()),
    })
}

/// Returns the duration in the coarsest unit that needs no fraction. indicatif's `HumanDuration`
/// rounds, and writes units that a setting does not take.
fn shown(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let mut best = (milliseconds, "ms");
    for (name, unit_ms) in UNITS {
        let unit_ms = u128::from(unit_ms);
        if milliseconds.is_multiple_of(unit_ms) && milliseconds / unit_ms < best.0 {
            best = (milliseconds / unit_ms, name);
        }
    }
    format!("{}{}", best.0, best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_hours(2);

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        let check =
            |text: &str, want: Duration| assert_eq!(duration_in(&RANGE, text), Ok(want), "{text}");
        for (text, want) in [
            ("1ms", Duration::from_millis(1)),
            ("500ms", Duration::from_millis(500)),
            ("30s", Duration::from_secs(30)),
            ("15m", Duration::from_mins(15)),
            ("2h", Duration::from_hours(2)),
            ("007s", Duration::from_secs(7)),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        let check = |text: &str, want: &str| {
            let error = duration_in(&RANGE, text).expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        for (text, want) in [
            ("30", "`30` has no unit: write 30ms, 30s, 30m or 30h"),
            ("", "is not a duration"),
            ("s", "is not a duration"),
            ("-1s", "is not a duration"),
            ("1.5s", "is not a duration"),
            ("1m30s", "is not a duration"),
            ("1 s", "is not a duration"),
            ("1d", "is not a duration"),
            ("1S", "is not a duration"),
            ("0s", "`0s` is out of range: at least 1ms and at most 2h"),
            ("3h", "`3h` is out of range"),
            ("99999999999999999999h", "is out of range"),
            ("9999999999999999999h", "is out of range"),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn a_duration_is_shown_in_the_coarsest_unit_that_fits() {
        let check = |milliseconds: u64, want: &str| {
            assert_eq!(shown(Duration::from_millis(milliseconds)), want);
        };
        for (milliseconds, want) in [
            (0, "0ms"),
            (1, "1ms"),
            (1500, "1500ms"),
            (90_000, "90s"),
            (900_000, "15m"),
            (7_200_000, "2h"),
        ] {
            check(milliseconds, want);
        }
    }
}
