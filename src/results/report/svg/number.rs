//! Numbers as attributes need them: short.

use std::fmt::{self, Display};

use crate::text::grouped;

/// A number with at most two decimals and without needless zeros: `.5`, `12.25`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Short(pub(crate) f64);

/// A percentage with at most two decimals: `12.5%`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Percent(pub(crate) f64);

impl Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", self.0);
        let text = text.trim_end_matches('0').trim_end_matches('.');
        f.write_str(match text.strip_prefix("0.") {
            Some(_) => text.trim_start_matches('0'),
            None if text == "-0" || text.is_empty() => "0",
            None => text,
        })
    }
}

impl Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", Short(self.0))
    }
}

/// Formats a round number for people: `0.5`, `2,000`.
pub(crate) fn round_number(number: f64) -> String {
    if number.fract() == 0.0 && number >= 1.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float is cut to the range of the number, and it is positive"
        )]
        return grouped(number as u64);
    }
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// Returns a count as a place on a chart can use it.
#[expect(
    clippy::cast_precision_loss,
    reason = "a chart has a few hundred pixels, and a float 52 bits"
)]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, want) in [
            (0.0, "0"),
            (-0.001, "0"),
            (0.5, ".5"),
            (0.004, "0"),
            (10.0, "10"),
            (100.0, "100"),
            (12.25, "12.25"),
            (33.333_333, "33.33"),
            (-1.5, "-1.5"),
        ] {
            assert_eq!(Short(number).to_string(), want, "{number}");
        }
        assert_eq!(Percent(0.8).to_string(), ".8%");
    }
}
