//! Numbers and errors as the records of both binary kinds of workbooks store them.

/// Returns a number that is stored in four bytes ([MS-XLS] §2.5.217,
/// [MS-XLSB] §2.5.122): the upper half of a float, or
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

/// Returns the name of an error ([MS-XLS] §2.5.10, [MS-XLSB] §2.5.97.2); `None` for a code that is not
/// defined.
pub(super) fn error_of(code: u8) -> Option<&'static str> {
    match code {
        0x00 => Some("#NULL!"),
        0x07 => Some("#DIV/0!"),
        0x0f => Some("#VALUE!"),
        0x17 => Some("#REF!"),
        0x1d => Some("#NAME?"),
        0x24 => Some("#NUM!"),
        0x2a => Some("#N/A"),
        _ => None,
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
}
