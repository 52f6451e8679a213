//! The shared strings of a binary workbook.

use super::records::Records;
use crate::input::error::InputFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::texts::SharedStrings;

/// `BrtSSTItem` ([MS-XLSB] §2.3.2).
const TEXT: u32 = 19;

/// Reads the shared strings in the part of this name. A workbook may have none.
pub(super) fn read(package: &mut Package, name: &str) -> Result<SharedStrings, InputFault> {
    let mut texts = SharedStrings::default();
    let Some((bytes, part)) = package.bytes(name)? else {
        return Ok(texts);
    };
    let (mut records, mut text) = (Records::new(bytes, &part), String::new());
    while let Some(mut record) = records.next(|kind| kind == TEXT)? {
        if record.kind == TEXT {
            // The formats and phonetic hints of a rich text follow the text.
            let _flags = record.fields.u8()?;
            record.fields.text(&mut text)?;
            texts.add(&text)?;
        }
    }
    Ok(texts)
}
