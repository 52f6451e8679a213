//! Whole numbers as they are written: decimal digits, of 64 bits.

/// Why a text is no whole number of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalError {
    NotAnInteger,
    OutOfRange,
}

/// Reads digits, perhaps behind a minus sign; leading zeros do not count.
#[inline]
pub(super) fn parse(text: &str) -> Result<i64, DecimalError> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (-1, digits),
        digits => (1, digits),
    };
    let mut value = Some(0_i64);
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(DecimalError::NotAnInteger);
        }
        value = value.and_then(|value| value.checked_mul(10)?.checked_add(sign * i64::from(digit)));
    }
    if digits.is_empty() { Err(DecimalError::NotAnInteger) } else { value.ok_or(DecimalError::OutOfRange) }
}
