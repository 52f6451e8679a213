//! The values of cells as records store them.

use crate::contract::SheetFault;
use crate::input::sheet::binary;

/// The result of a formula ([MS-XLS] §2.5.133).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Stored {
    Number(f64),
    /// A text, in the next record.
    TextFollows,
    Boolean(bool),
    Error(SheetFault),
    /// An empty text.
    Empty,
    /// A kind that the format does not have.
    Unknown,
}

/// Returns the result of a formula.
pub(super) fn stored_of(bytes: [u8; 8]) -> Stored {
    match bytes {
        [0, _, _, _, _, _, 0xff, 0xff] => Stored::TextFollows,
        [1, _, value, _, _, _, 0xff, 0xff] => boolean_or_error(value, 0),
        [2, _, value, _, _, _, 0xff, 0xff] => boolean_or_error(value, 1),
        [3, _, _, _, _, _, 0xff, 0xff] => Stored::Empty,
        [_, _, _, _, _, _, 0xff, 0xff] => Stored::Unknown,
        bytes => Stored::Number(f64::from_le_bytes(bytes)),
    }
}

/// Returns the value of a boolean or an error ([MS-XLS] §2.5.10).
pub(super) fn boolean_or_error(value: u8, is_error: u8) -> Stored {
    match (value, is_error) {
        (0 | 1, 0) => Stored::Boolean(value == 1),
        (code, 1) => {
            let name = binary::error_of(code).unwrap_or("an error");
            Stored::Error(SheetFault::of_error(name))
        }
        _ => Stored::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_their_kind() {
        let special = |kind: u8, value: u8| stored_of([kind, 0, value, 0, 0, 0, 0xff, 0xff]);
        assert_eq!(stored_of(2.5f64.to_le_bytes()), Stored::Number(2.5));
        assert_eq!(special(0, 0), Stored::TextFollows);
        assert_eq!(special(1, 1), Stored::Boolean(true));
        assert_eq!(special(1, 7), Stored::Unknown);
        assert_eq!(special(2, 0x2a), Stored::Error(SheetFault::Error("#N/A")));
        assert_eq!(
            special(2, 0x99),
            Stored::Error(SheetFault::Error("an error"))
        );
        assert_eq!(special(3, 0), Stored::Empty);
        assert_eq!(special(4, 0), Stored::Unknown);
    }
}
