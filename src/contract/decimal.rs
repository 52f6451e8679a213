//! Whole numbers as they are written: decimal digits, of 64 bits.

/// Why a text is no whole number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalError {
    NotAnInteger,
    OutOfRange,
}

/// As many digits always make a number of 64 bits.
const DIGITS_THAT_FIT: usize = 18;

/// Reads digits, perhaps behind a minus sign; leading zeros do not count.
#[inline]
pub(super) fn parse(text: &str) -> Result<i64, DecimalError> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    match digits.len() {
        0 => Err(DecimalError::NotAnInteger),
        1..=DIGITS_THAT_FIT => Ok(sign * fitting(digits)?),
        _ => any(sign, digits),
    }
}

#[inline]
fn fitting(digits: &[u8]) -> Result<i64, DecimalError> {
    digits
        .iter()
        .try_fold(0, |value, byte| Ok(value * 10 + digit(*byte)?))
}

#[cold]
fn any(sign: i64, digits: &[u8]) -> Result<i64, DecimalError> {
    let mut value = Some(0_i64);
    for byte in digits {
        let digit = digit(*byte)?;
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(sign * digit));
    }
    value.ok_or(DecimalError::OutOfRange)
}

#[inline]
fn digit(byte: u8) -> Result<i64, DecimalError> {
    let digit = byte.wrapping_sub(b'0');
    if digit > 9 {
        Err(DecimalError::NotAnInteger)
    } else {
        Ok(digit.into())
    }
}
