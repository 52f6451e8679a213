//! The customer's id, the path parameter of the request.

use std::fmt;
use std::num::NonZeroU64;

use serde::{Serialize, Serializer};

use super::decimal::{self, DecimalError};

/// A customer's id: 1 to 2^63-1, the positive range of the integer on the API's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CustomerId(NonZeroU64);

/// The reason why a text is not a customer id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text has characters other than decimal digits.
    #[error("is not a whole number")]
    NotAnInteger,
    /// The number is outside the range of ids.
    #[error("is not between 1 and 9223372036854775807")]
    OutOfRange,
}

impl CustomerId {
    /// Creates an id from a number.
    pub fn new(id: u64) -> Result<CustomerId, IdError> {
        match NonZeroU64::new(id) {
            Some(id) if id.get() <= i64::MAX.cast_unsigned() => Ok(CustomerId(id)),
            _ => Err(IdError::OutOfRange),
        }
    }

    /// Reads decimal digits. Leading zeros are dropped, so an id is always in its canonical form.
    pub fn parse(text: &str) -> Result<CustomerId, IdError> {
        match decimal::parse(text) {
            Ok(id) => u64::try_from(id).map_or(Err(IdError::OutOfRange), CustomerId::new),
            Err(DecimalError::NotAnInteger) => Err(IdError::NotAnInteger),
            Err(DecimalError::OutOfRange) => Err(IdError::OutOfRange),
        }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for CustomerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Result<u64, IdError>) {
        assert_eq!(
            CustomerId::parse(text).map(CustomerId::get),
            want,
            "{text:?}"
        );
    }

    #[test]
    fn ids_are_decimal_digits_in_range() {
        check("1", Ok(1));
        check("007", Ok(7));
        check("9223372036854775807", Ok(i64::MAX.cast_unsigned()));
        check("9223372036854775808", Err(IdError::OutOfRange));
        check("0", Err(IdError::OutOfRange));
        check("-0", Err(IdError::OutOfRange));
        check("-5", Err(IdError::OutOfRange));
        check(&"9".repeat(400), Err(IdError::OutOfRange));
        assert_eq!(CustomerId::new(1 << 63), Err(IdError::OutOfRange));
        for text in [
            "", "-", "+1", " 1", "1 ", "1.0", "1e3", "0x1f", "１", "null",
        ] {
            check(text, Err(IdError::NotAnInteger));
        }
    }
}
