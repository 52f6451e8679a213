//! The fields of a record.

use crate::input::sheet::binary::number_of_rk;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::texts::TEXT_BYTES_MAX;

/// The number of characters of a text that is not there ([MS-XLSB] §2.5.166).
const NO_TEXT: u32 = u32::MAX;

/// The fields of a record that have not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fields<'r> {
    rest: &'r [u8],
}

impl<'r> Fields<'r> {
    /// Returns the fields in these bytes.
    pub(super) fn of(bytes: &'r [u8]) -> Fields<'r> {
        Fields { rest: bytes }
    }

    /// Returns the number of bytes that have not been read.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rest.len()
    }

    /// Reads so many bytes.
    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], PartFault> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or_else(too_short)?;
        self.rest = rest;
        Ok(*bytes)
    }

    pub(super) fn u8(&mut self) -> Result<u8, PartFault> {
        self.bytes().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, PartFault> {
        self.bytes().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, PartFault> {
        self.bytes().map(u32::from_le_bytes)
    }

    pub(super) fn f64(&mut self) -> Result<f64, PartFault> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// Reads a text (`XLWideString`) in place of the one in `text`. What is no character becomes
    /// U+FFFD, which makes a value invalid.
    pub(super) fn text(&mut self, text: &mut String) -> Result<(), PartFault> {
        text.clear();
        let characters = self.u32()?;
        if characters == NO_TEXT {
            return Ok(());
        }
        let bytes = usize::try_from(characters).unwrap_or(usize::MAX);
        let split = self.rest.split_at_checked(bytes.saturating_mul(2));
        let (bytes, rest) = split.ok_or_else(too_short)?;
        self.rest = rest;
        let (units, _) = bytes.as_chunks();
        let units = units.iter().copied().map(u16::from_le_bytes);
        let decoded = char::decode_utf16(units);
        text.extend(decoded.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
        if text.len() > TEXT_BYTES_MAX {
            return Err(PartFault::unreadable(format!(
                "a text has more than {TEXT_BYTES_MAX} bytes"
            )));
        }
        Ok(())
    }

    /// Reads a number in four bytes ([MS-XLSB] §2.5.122, `RkNumber`).
    pub(super) fn packed_number(&mut self) -> Result<f64, PartFault> {
        self.u32().map(number_of_rk)
    }
}

fn too_short() -> PartFault {
    PartFault::unreadable("a record is shorter than its kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_packed() {
        let check = |packed: u32, want: f64| {
            let bytes = packed.to_le_bytes();
            let number = Fields::of(&bytes).packed_number();
            assert_eq!(
                number.expect("four bytes").to_bits(),
                want.to_bits(),
                "{packed}"
            );
        };
        check((84 << 2) | 2, 84.0);
        check((8450 << 2) | 3, 84.5);
        check((-7_i32 << 2).cast_unsigned() | 2, -7.0);
        check(0x3ff0_0000, 1.0);
        check(0x3ff0_0001, 0.01);
        check(0x8000_0002, -536_870_912.0);
        check(0, 0.0);
    }

    #[test]
    fn texts_are_as_long_as_they_say() {
        let check = |bytes: &[u8], want: &str| {
            let (mut text, mut fields) = ("before".to_owned(), Fields::of(bytes));
            match fields.text(&mut text) {
                Ok(()) => assert_eq!(text, want),
                Err(fault) => assert!(format!("{fault:?}").contains(want), "{fault:?}"),
            }
        };
        check(&[2, 0, 0, 0, 0x5a, 0, 0xeb, 0], "Z\u{eb}");
        check(&[2, 0, 0, 0, 0x3d, 0xd8, 0, 0xde], "\u{1f600}");
        check(&[1, 0, 0, 0, 0x3d, 0xd8], "\u{fffd}");
        check(&[0, 0, 0, 0], "");
        check(&[0xff, 0xff, 0xff, 0xff], "");
        check(&[2, 0, 0, 0, 0x5a, 0, 0xeb], "shorter than its kind");
        check(&[0xff, 0xff, 0xff, 0x7f, 1], "shorter than its kind");
        check(&[1, 0, 0], "shorter than its kind");
        let long = [&200_000_u32.to_le_bytes()[..], &vec![0x20; 400_000]].concat();
        check(&long, "more than 262144 bytes");
    }
}
