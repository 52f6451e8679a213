//! A share of requests or customers, as in `2%` or `0.25%`.

use std::str::FromStr;

use super::option_error::OptionError;
use super::random::SplitMix64;

/// The unit of shares.
pub(super) const MILLION: u64 = 1_000_000;

/// A share from 0% to 100%. The default is 0%.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    per_million: u64,
}

impl Share {
    /// Draws whether something is in the share. A share of 0% draws nothing.
    pub(super) fn hits(self, random: &mut SplitMix64) -> bool {
        self.per_million > 0 && random.below(MILLION) < self.per_million
    }
}

impl FromStr for Share {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Share, OptionError> {
        parse_percent(text)
            .filter(|per_million| *per_million <= MILLION)
            .map(|per_million| Share { per_million })
            .ok_or_else(|| OptionError::new(text, "a share from 0% to 100%, as in 2% or 0.25%"))
    }
}

/// Parses `2%` or `0.25%` into millionths: 20,000 or 2,500. At most four digits may follow the
/// point.
pub(super) fn parse_percent(text: &str) -> Option<u64> {
    let number = text.strip_suffix('%')?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let all_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 3 || fraction.len() > 4 {
        return None;
    }
    format!("{whole}{fraction:0<4}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::random::SplitMix64;
    use super::{Share, parse_percent};

    #[test]
    fn percents_are_read_exactly() {
        let check =
            |input: &str, want: Option<u64>| assert_eq!(parse_percent(input), want, "{input}");
        check("2%", Some(20_000));
        check("0.5%", Some(5_000));
        check("0.0001%", Some(1));
        check("100%", Some(1_000_000));
        for nonsense in [
            "", "%", "2", "-2%", "+2%", ".5%", "2.%", "0.00001%", "1e1%", "9999%",
        ] {
            check(nonsense, None);
        }
    }

    #[test]
    fn shares_end_at_all() {
        for text in ["0%", "0.25%", "100%"] {
            assert!(text.parse::<Share>().is_ok(), "{text}");
        }
        for text in ["100.0001%", "101%", "20", "none"] {
            let error = text.parse::<Share>().unwrap_err().to_string();
            let want = format!("'{text}' is not a share from 0% to 100%");
            assert!(error.starts_with(&want), "{error}");
        }
    }

    #[test]
    fn a_share_hits_as_often_as_it_says() {
        let check = |text: &str, want: std::ops::RangeInclusive<usize>| {
            let share: Share = text.parse().unwrap();
            let mut random = SplitMix64::new(42);
            let hits = (0..10_000).filter(|_| share.hits(&mut random)).count();
            assert!(want.contains(&hits), "{text}: {hits}");
        };
        check("0%", 0..=0);
        check("20%", 1_900..=2_100);
        check("100%", 10_000..=10_000);
    }
}
