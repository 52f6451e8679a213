//! The limit on rows that end badly: `--max-errors`.

use std::fmt;
use std::str::FromStr;

/// The fewest rows with a meaningful share: one bad row in three is not 33 %.
const ROWS_BEFORE_A_SHARE_COUNTS: u64 = 100;

const PER_MILLION_IN_ONE_PERCENT: u32 = 10_000;
const PER_MILLION_IN_ALL: u32 = 1_000_000;
/// The most decimals of a percentage. A ten-thousandth of a percent is one row in a million, which
/// is fine enough.
const DECIMALS_MAX: usize = 4;

/// The limit on rows that end badly before a run stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorLimit {
    /// More bad rows than this number. Zero stops at the first.
    Count(u64),
    /// More bad rows than this share of those that have ended.
    Share(Share),
    /// No limit.
    None,
}

/// A share of the rows, above 0 % and at most 100 %, in millionths so that comparisons are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    per_million: u32,
}

/// The reason for which a text is not a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorLimitError {
    /// Neither a number, nor a percentage, nor `none`.
    #[error("`{0}` is not a limit: write a number as in 50, a share as in 10% or 0.5%, or none")]
    NotALimit(String),
    /// A share out of range.
    #[error("`{0}` is out of range: a share is above 0% and at most 100%")]
    ShareOutOfRange(String),
}

impl ErrorLimit {
    /// Whether `errors` bad rows among `ended` rows exceed the limit.
    pub fn is_exceeded(self, ended: u64, errors: u64) -> bool {
        match self {
            Self::Count(errors_max) => errors > errors_max,
            Self::Share(share) => {
                ended >= ROWS_BEFORE_A_SHARE_COUNTS && share.is_exceeded(ended, errors)
            }
            Self::None => false,
        }
    }
}

impl Share {
    /// Creates a share from millionths of the whole: 10 % is 100,000. Returns `None` outside 1 to
    /// 1,000,000.
    pub fn from_per_million(per_million: u32) -> Option<Self> {
        (1..=PER_MILLION_IN_ALL)
            .contains(&per_million)
            .then_some(Self { per_million })
    }

    /// Whether so many of all are more than the share.
    pub fn is_exceeded(self, ended: u64, errors: u64) -> bool {
        u128::from(errors) * u128::from(PER_MILLION_IN_ALL)
            > u128::from(ended) * u128::from(self.per_million)
    }
}

impl FromStr for ErrorLimit {
    type Err = ErrorLimitError;

    fn from_str(text: &str) -> Result<Self, ErrorLimitError> {
        let not_a_limit = || ErrorLimitError::NotALimit(text.to_owned());
        if text == "none" {
            return Ok(Self::None);
        }
        if let Some(percent) = text.strip_suffix('%') {
            let per_million = per_million(percent).ok_or_else(not_a_limit)?;
            let share = per_million.and_then(Share::from_per_million);
            return share
                .map(Self::Share)
                .ok_or_else(|| ErrorLimitError::ShareOutOfRange(text.to_owned()));
        }
        if !is_digits(text) {
            return Err(not_a_limit());
        }
        text.parse().map(Self::Count).ok().ok_or_else(not_a_limit)
    }
}

/// Converts a decimal percentage to millionths. Returns `None` for a text that is not a decimal
/// number of at most four decimals, and `Some(None)` for a number that is too large for any share.
#[expect(
    clippy::option_option,
    reason = "private, and the two failures get different messages"
)]
fn per_million(percent: &str) -> Option<Option<u32>> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, "0"));
    if !is_digits(whole) || !is_digits(decimals) || decimals.len() > DECIMALS_MAX {
        return None;
    }
    let fraction: u32 = format!("{decimals:0<DECIMALS_MAX$}").parse().ok()?;
    let whole: Option<u32> = whole.parse().ok();
    Some(
        whole
            .and_then(|n| n.checked_mul(PER_MILLION_IN_ONE_PERCENT))
            .and_then(|n| n.checked_add(fraction)),
    )
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for ErrorLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(errors_max) => errors_max.fmt(formatter),
            Self::Share(share) => share.fmt(formatter),
            Self::None => formatter.write_str("none"),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.per_million / PER_MILLION_IN_ONE_PERCENT;
        let fraction = self.per_million % PER_MILLION_IN_ONE_PERCENT;
        if fraction == 0 {
            return write!(formatter, "{whole}%");
        }
        let decimals = format!("{fraction:0DECIMALS_MAX$}");
        write!(formatter, "{whole}.{}%", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(per_million: u32) -> ErrorLimit {
        ErrorLimit::Share(Share::from_per_million(per_million).unwrap())
    }

    #[test]
    fn a_limit_is_read_and_written_back_as_it_was() {
        let check = |text: &str, want: ErrorLimit| {
            assert_eq!(text.parse(), Ok(want), "{text}");
            assert_eq!(want.to_string(), text);
        };
        for (text, want) in [
            ("none", ErrorLimit::None),
            ("0", ErrorLimit::Count(0)),
            ("50", ErrorLimit::Count(50)),
            ("18446744073709551615", ErrorLimit::Count(u64::MAX)),
            ("10%", share(100_000)),
            ("0.5%", share(5_000)),
            ("12.05%", share(120_500)),
            ("0.0001%", share(1)),
            ("100%", share(1_000_000)),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn what_is_no_limit_says_why() {
        let check = |text: &str, want: &str| {
            let error = text.parse::<ErrorLimit>().expect_err(text).to_string();
            assert!(error.contains(want), "{text}: {error}");
        };
        for (text, want) in [
            ("", "is not a limit"),
            ("%", "is not a limit"),
            ("-1", "is not a limit"),
            ("+1", "is not a limit"),
            ("1.5", "is not a limit"),
            ("18446744073709551616", "is not a limit"),
            ("1.%", "is not a limit"),
            (".5%", "is not a limit"),
            ("1e1%", "is not a limit"),
            ("0.00001%", "is not a limit"),
            ("None", "is not a limit"),
            ("0%", "above 0% and at most 100%"),
            ("0.0%", "above 0% and at most 100%"),
            ("100.0001%", "above 0% and at most 100%"),
            ("99999999999%", "above 0% and at most 100%"),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn a_limit_is_exceeded_by_the_first_error_beyond_it() {
        let check = |limit: &str, ended: u64, errors: u64, want: bool| {
            let limit: ErrorLimit = limit.parse().unwrap();
            assert_eq!(
                limit.is_exceeded(ended, errors),
                want,
                "{limit}: {errors} of {ended}"
            );
        };
        for (limit, ended, errors, want) in [
            ("0", 10, 0, false),
            ("0", 1, 1, true),
            ("5", 5, 5, false),
            ("5", 6, 6, true),
            ("10%", 99, 99, false),
            ("10%", 100, 10, false),
            ("10%", 100, 11, true),
            ("0.5%", 1000, 5, false),
            ("0.5%", 1000, 6, true),
            ("100%", 1000, 1000, false),
            ("10%", u64::MAX, u64::MAX, true),
            ("none", u64::MAX, u64::MAX, false),
        ] {
            check(limit, ended, errors, want);
        }
    }
}
