//! The main part of a binary workbook: its sheets in order, the places of its texts and styles, and
//! its date system.

use super::fields::Fields;
use super::records::Records;
use crate::input::error::InputFault;
use crate::input::mapping::names;
use crate::input::sheet::days::Days;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::relations::{Relations, joined};
use crate::input::sheet::workbook::{Contents, Results, Sheet, SheetKind};

/// `BrtWbProp`, `BrtBundleSh` and `BrtCalcProp` ([MS-XLSB] §2.3.2).
const PROPERTIES: u32 = 153;
const SHEET: u32 = 156;
const CALCULATION: u32 = 157;

/// A workbook's main part.
pub(super) struct Book {
    pub(super) contents: Contents,
    /// The part that holds the cells of each sheet.
    pub(super) parts: Vec<String>,
    /// The part that holds the shared strings.
    pub(super) texts: String,
    /// The part that holds the styles.
    pub(super) styles: String,
    pub(super) results: Results,
}

impl Book {
    /// Reads the main part, which has this name.
    pub(super) fn read(package: &mut Package, main: &str) -> Result<Book, InputFault> {
        let (folder, file) = main.rsplit_once('/').unwrap_or(("", main));
        let relations = Relations::of(package, folder, file)?;
        let part_of = |kind: &str, usual: &str| {
            relations
                .by_kind(kind)
                .unwrap_or_else(|| joined(folder, usual))
        };
        let mut book = Book {
            contents: Contents {
                sheets: Vec::new(),
                days: Days::From1900,
                texts_bytes: 0,
            },
            parts: Vec::new(),
            texts: part_of("sharedStrings", "sharedStrings.bin"),
            styles: part_of("styles", "styles.bin"),
            results: Results::Computed,
        };
        book.read_main(package, main, &relations)?;
        Ok(book)
    }

    fn read_main(
        &mut self,
        package: &mut Package,
        main: &str,
        relations: &Relations,
    ) -> Result<(), PartFault> {
        let Some((bytes, part)) = package.bytes(main)? else {
            return Ok(());
        };
        let mut records = Records::new(bytes, &part);
        let is_read = |kind| matches!(kind, PROPERTIES | SHEET | CALCULATION);
        while let Some(mut record) = records.next(is_read)? {
            match record.kind {
                SHEET => {
                    let (sheet, part) = sheet_of(record.fields, relations)?;
                    self.contents.add(sheet)?;
                    self.parts.push(part);
                }
                // The first bit of each is `f1904` and `fFullCalcOnLoad`.
                PROPERTIES if record.fields.u32()? & 1 == 1 => {
                    self.contents.days = Days::From1904;
                }
                CALCULATION => {
                    let _ = record.fields.bytes::<24>()?;
                    if record.fields.u16()? & 1 == 1 {
                        self.results = Results::Pending;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns a sheet, and the part that holds its cells.
fn sheet_of(mut fields: Fields<'_>, relations: &Relations) -> Result<(Sheet, String), PartFault> {
    let (mut name, mut id) = (String::new(), String::new());
    let is_hidden = fields.u32()? != 0;
    let _ = fields.u32()?;
    fields.text(&mut id)?;
    fields.text(&mut name)?;
    let Some(relation) = relations.by_id(&id) else {
        let name = names::column_name(&name);
        return Err(PartFault::unreadable(format!(
            "it does not say where the cells of sheet `{name}` are"
        )));
    };
    let kind = SheetKind::of_part(&relation.kind, is_hidden);
    Ok((Sheet { name, kind }, relation.part.clone()))
}
