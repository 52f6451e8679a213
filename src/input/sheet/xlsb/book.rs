//! Reads the main part of a binary workbook.

use super::records::Records;
use crate::input::error::InputFault;
use crate::input::sheet::days::Days;
use crate::input::sheet::main_part::MainPart;
use crate::input::sheet::package::Package;
use crate::input::sheet::workbook::Results;

/// `BrtWbProp`, `BrtBundleSh` and `BrtCalcProp` ([MS-XLSB] §2.3.2).
const PROPERTIES: u32 = 153;
const SHEET: u32 = 156;
const CALCULATION: u32 = 157;

/// Reads the main part, which has this name.
pub(super) fn read(package: &mut Package, main: &str) -> Result<MainPart, InputFault> {
    let (mut book, relations) = MainPart::begin(package, main, "bin")?;
    let Some((bytes, part)) = package.bytes(main)? else {
        return Ok(book);
    };
    let mut records = Records::new(bytes, &part);
    let is_read = |kind| matches!(kind, PROPERTIES | SHEET | CALCULATION);
    while let Some(mut record) = records.next(is_read)? {
        match record.kind {
            SHEET => {
                let (mut name, mut id) = (String::new(), String::new());
                let is_hidden = record.fields.u32()? != 0;
                let _ = record.fields.u32()?;
                record.fields.text(&mut id)?;
                record.fields.text(&mut name)?;
                book.add(name, &id, is_hidden, &relations)?;
            }
            // The first bit of each is `f1904` and `fFullCalcOnLoad`.
            PROPERTIES if record.fields.u32()? & 1 == 1 => {
                book.contents.days = Days::From1904;
            }
            CALCULATION => {
                let _ = record.fields.bytes::<24>()?;
                if record.fields.u16()? & 1 == 1 {
                    book.results = Results::Pending;
                }
            }
            _ => {}
        }
    }
    Ok(book)
}
