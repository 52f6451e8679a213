//! Whole numbers of 64 bits, written in decimal digits.

use std::num::IntErrorKind;

/// The reason why a text is not a whole number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalError {
    NotAnInteger,
    OutOfRange,
}

/// The most digits that fit whatever they are.
const DIGITS_THAT_FIT: usize = 18;

/// Reads digits with an optional minus sign. Leading zeros are accepted, a plus sign is not.
#[inline]
pub(super) fn parse(text: &str) -> Result<i64, DecimalError> {
    match short(text.as_bytes()) {
        Some(number) => Ok(number),
        None => any(text),
    }
}

/// Reads a number of few digits, as almost all are. The standard library's own parser would take
/// 4 % of the instructions of a `check` of CSV.
#[inline]
fn short(digits: &[u8]) -> Option<i64> {
    if !(1..=DIGITS_THAT_FIT).contains(&digits.len()) {
        return None;
    }
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + i64::from(digit))
    })
}

#[cold]
fn any(text: &str) -> Result<i64, DecimalError> {
    match text.parse() {
        Ok(number) if !text.starts_with('+') => Ok(number),
        Ok(_) => Err(DecimalError::NotAnInteger),
        Err(error) => Err(error_of(text, *error.kind())),
    }
}

/// Returns the error for a text that `parse` refused. A number that overflows early may still have
/// other characters behind its first digits.
#[cold]
fn error_of(text: &str, kind: IntErrorKind) -> DecimalError {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let overflows = matches!(kind, IntErrorKind::PosOverflow | IntErrorKind::NegOverflow);
    if overflows && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        DecimalError::OutOfRange
    } else {
        DecimalError::NotAnInteger
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_and_a_minus_sign_make_a_number() {
        use DecimalError::{NotAnInteger, OutOfRange};
        let check =
            |text: &str, want: Result<i64, DecimalError>| assert_eq!(parse(text), want, "{text:?}");
        check("0", Ok(0));
        check("-0", Ok(0));
        check("-007", Ok(-7));
        check(&format!("{}1", "0".repeat(40)), Ok(1));
        check("9223372036854775807", Ok(i64::MAX));
        check("-9223372036854775808", Ok(i64::MIN));
        check("9223372036854775808", Err(OutOfRange));
        check("-9223372036854775809", Err(OutOfRange));
        for text in ["", "-", "+", "+7", "--7", "7-", " 7", "7.0", "\u{ff17}"] {
            check(text, Err(NotAnInteger));
        }
        check(&format!("{}x", "9".repeat(40)), Err(NotAnInteger));
        check(&format!("+{}", "9".repeat(40)), Err(NotAnInteger));
    }
}
