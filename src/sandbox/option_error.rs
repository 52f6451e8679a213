//! The error of a sandbox option that cannot be parsed, and the parser for durations that several
//! options share.

use std::borrow::Cow;
use std::time::Duration;

/// A text that is not valid for an option, with the form that is expected.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{text}' is not {expected}")]
pub struct OptionError {
    text: String,
    expected: Cow<'static, str>,
}

impl OptionError {
    pub(super) fn new(text: &str, expected: impl Into<Cow<'static, str>>) -> OptionError {
        OptionError {
            text: text.to_owned(),
            expected: expected.into(),
        }
    }
}

/// Parses a duration as a whole number of one unit: `250ms`, `5s`, `2m`, `1h`.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let unit_starts = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_starts)?;
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        "h" => number.checked_mul(3_600).map(Duration::from_secs),
        _ => None,
    }
}
