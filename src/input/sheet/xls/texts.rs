//! The texts of a workbook's records, in the form of its version.

use encoding_rs::Encoding;

use super::super::fault::PartFault;
use super::super::texts::SharedStrings;
use super::records::Records;
use super::stream::StreamBytes;
use crate::input::error::InputFault;

/// The flags of a text ([MS-XLS] §2.5.293): its characters have two bytes, it has a phonetic part,
/// and it has formats.
const IS_WIDE: u8 = 1;
const HAS_PHONETIC: u8 = 4;
const HAS_FORMATS: u8 = 8;
/// The size of a format in a text: the place of its first character, and a font.
const FORMAT_BYTES: u64 = 4;

/// The form of the texts in records.
#[derive(Debug, Clone, Copy)]
pub(super) enum TextForm {
    /// Bytes in a code page (BIFF5).
    CodePage(&'static Encoding),
    /// UTF-16, or its lower bytes (BIFF8).
    Unicode,
}

/// The size of the number that says how long a text is.
#[derive(Debug, Clone, Copy)]
pub(super) enum LengthBytes {
    One,
    Two,
}

/// A reader of texts, with the memory for one.
#[derive(Debug)]
pub(super) struct Texts {
    form: TextForm,
    units: Vec<u16>,
}

impl Texts {
    pub(super) fn new(form: TextForm) -> Texts {
        Texts {
            form,
            units: Vec::new(),
        }
    }

    /// Reads a text with its length, and appends it to `text`. A long one goes on in the next
    /// records.
    pub(super) fn read<S: StreamBytes>(
        &mut self,
        records: &mut Records<S>,
        length: LengthBytes,
        text: &mut String,
    ) -> Result<(), PartFault> {
        let length = match length {
            LengthBytes::One => u16::from(records.u8()?),
            LengthBytes::Two => records.u16()?,
        };
        match self.form {
            TextForm::Unicode => {
                self.read_units(records, length)?;
                self.append_units(text);
            }
            TextForm::CodePage(encoding) => {
                let bytes = records.rest().get(..usize::from(length));
                let bytes = bytes.ok_or_else(|| records.too_short())?;
                text.push_str(&encoding.decode_without_bom_handling(bytes).0);
                records.skip(usize::from(length));
            }
        }
        Ok(())
    }

    /// Reads the table of shared strings, whose record was just read. It has as many as it holds,
    /// at most as many as it says.
    pub(super) fn read_table<S: StreamBytes>(
        &mut self,
        records: &mut Records<S>,
        texts: &mut SharedStrings,
    ) -> Result<(), InputFault> {
        records.u32()?;
        let mut text = String::new();
        for _ in 0..records.u32()? {
            // A text may begin with a new record.
            if records.rest().is_empty() && !records.go_on()? {
                return Ok(());
            }
            let length = records.u16()?;
            let behind = self.read_units(records, length)?;
            skip(records, behind)?;
            text.clear();
            self.append_units(&mut text);
            texts.add(&text)?;
        }
        Ok(())
    }

    /// Reads the characters of a text, and returns the size of its formats and phonetic part, which
    /// follow. Each record that the characters go on in begins with the flags of its part (§2.5.293).
    fn read_units<S: StreamBytes>(
        &mut self,
        records: &mut Records<S>,
        length: u16,
    ) -> Result<u64, PartFault> {
        self.units.clear();
        let (length, mut flags) = (usize::from(length), records.u8()?);
        let mut behind = 0;
        if flags & HAS_FORMATS != 0 {
            behind += u64::from(records.u16()?) * FORMAT_BYTES;
        }
        if flags & HAS_PHONETIC != 0 {
            behind += u64::from(records.u32()?);
        }
        loop {
            let missing = length - self.units.len();
            let size = if flags & IS_WIDE == 0 { 1 } else { 2 };
            let rest = records.rest();
            let part = rest.get(..missing * size).unwrap_or(rest);
            if size == 1 {
                self.units.extend(part.iter().copied().map(u16::from));
            } else {
                let units = part.chunks_exact(size);
                let units = units.map(|unit| unit.try_into().map_or(0, u16::from_le_bytes));
                self.units.extend(units);
            }
            let count = part.len();
            records.skip(count);
            if self.units.len() == length {
                return Ok(behind);
            }
            if count % size != 0 {
                return Err(PartFault::unreadable("a text is cut within a character"));
            }
            if !records.go_on()? {
                return Err(PartFault::unreadable("a text is cut off"));
            }
            flags = records.u8()?;
        }
    }

    /// Appends the characters. Half a character becomes U+FFFD, which is reported as damage.
    fn append_units(&self, text: &mut String) {
        let characters = char::decode_utf16(self.units.iter().copied());
        text.extend(characters.map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
}

/// Skips bytes, also over records.
fn skip<S: StreamBytes>(records: &mut Records<S>, count: u64) -> Result<(), PartFault> {
    let mut left = count;
    loop {
        let here = records
            .rest()
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        records.skip(here);
        left -= u64::try_from(here).unwrap_or(u64::MAX);
        if left == 0 {
            return Ok(());
        }
        if !records.go_on()? {
            return Err(PartFault::unreadable("the formats of a text are cut off"));
        }
    }
}
