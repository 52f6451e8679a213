//! The values of cells as records store them.

use crate::contract::SheetFault;

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
    let error = match (value, is_error) {
        (0 | 1, 0) => return Stored::Boolean(value == 1),
        (0x00, 1) => "#NULL!",
        (0x07, 1) => "#DIV/0!",
        (0x0f, 1) => "#VALUE!",
        (0x17, 1) => "#REF!",
        (0x1d, 1) => "#NAME?",
        (0x24, 1) => "#NUM!",
        (0x2a, 1) => "#N/A",
        (_, 1) => "an error",
        _ => return Stored::Unknown,
    };
    Stored::Error(SheetFault::of_error(error))
}

/// Returns a number that is stored in four bytes ([MS-XLS] §2.5.217): the upper half of a float, or
/// a whole number of 30 bits; either may be divided by 100.
pub(super) fn number_of_rk(rk: u32) -> f64 {
    const IS_HUNDREDTH: u32 = 1;
    const IS_WHOLE: u32 = 2;
    let number = if rk & IS_WHOLE == 0 {
        f64::from_bits(u64::from(rk & !3) << 32)
    } else {
        f64::from(rk.cast_signed() >> 2)
    };
    if rk & IS_HUNDREDTH == 0 {
        number
    } else {
        number / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_four_bytes_are_those_of_excel() {
        // The examples of [MS-XLS], and the ends of the whole numbers.
        for (rk, want) in [
            (0x3ff0_0000, 1.0),
            (0x3ff0_0001, 0.01),
            (0x004b_5646, 1_234_321.0),
            (0x004b_5647, 12_343.21),
            (0x0000_0006, 1.0),
            (0xffff_fffe, -1.0),
            (0x7fff_fffe, 536_870_911.0),
            (0x8000_0002, -536_870_912.0),
            (0x40fe_6a90, 124_585.0),
        ] {
            let number = number_of_rk(rk);
            assert!((number - want).abs() < 1e-9, "{rk:#x}: {number}");
        }
    }

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
