//! OpenDocument spreadsheets (`.ods`, ISO/IEC 26300). All sheets are in one part, one after the other,
//! so it is read twice: for the list of sheets, and up to the end of the chosen one.

use std::io::Read;

use self::book::{CONTENT, SheetList};
use self::cells::Cells;
use super::cells::CellReader;
use super::fault::PartFault;
use super::package::Package;
use super::workbook::{Contents, Workbook};
use super::xml::Xml;
use crate::input::bytes::not_text::NotText;
use crate::input::error::InputFault;

mod book;
mod cells;
mod paragraphs;
mod row;
mod values;

/// An open OpenDocument spreadsheet.
pub(crate) struct Ods {
    package: Package,
    contents: Contents,
}

impl Ods {
    /// Whether a package without a media type is an OpenDocument file.
    pub(crate) fn is_in(package: &Package) -> bool {
        package.has(CONTENT) && package.has(book::MANIFEST)
    }

    /// Opens the spreadsheet in a package.
    pub(crate) fn open(mut package: Package) -> Result<Ods, InputFault> {
        if book::is_encrypted(&mut package) {
            return Err(NotText::EncryptedWorkbook.into());
        }
        let xml = package.part(CONTENT)?.ok_or_else(missing)?;
        let contents = SheetList::read(xml)?;
        Ok(Ods { package, contents })
    }
}

impl Workbook for Ods {
    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let xml = self.package.part(CONTENT)?.ok_or_else(missing)?;
        Ok(Box::new(cells_of(xml, sheet)?))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let xml = self.package.into_part(CONTENT)?.ok_or_else(missing)?;
        Ok(Box::new(cells_of(xml, sheet)?))
    }
}

/// Returns the cells of the sheet at this place.
fn cells_of<R: Read>(mut xml: Xml<R>, sheet: usize) -> Result<Cells<R>, PartFault> {
    book::go_to(&mut xml, sheet)?;
    Ok(Cells::of(xml))
}

fn missing() -> PartFault {
    PartFault::unreadable(format!("the part {CONTENT} is missing"))
}
