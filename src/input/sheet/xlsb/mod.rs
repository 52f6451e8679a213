//! Workbooks of binary parts (`.xlsb`, [MS-XLSB]). The package and its relationships are those of an
//! `.xlsx`; the parts are sequences of records.

use std::sync::Arc;

use self::book::Book;
use self::cells::Cells;
use self::records::Records;
use super::cells::CellReader;
use super::fault::PartFault;
use super::package::Package;
use super::styles::Styles;
use super::texts::SharedStrings;
use super::workbook::{Contents, Results, Workbook};
use crate::input::error::InputFault;

mod book;
mod cells;
mod fields;
mod records;
mod styles;
mod texts;

/// An open workbook of binary parts.
pub(crate) struct Xlsb {
    package: Package,
    contents: Contents,
    /// The part of each sheet.
    parts: Vec<String>,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
    results: Results,
}

impl Xlsb {
    /// Opens the workbook in a package whose main part has this name.
    pub(crate) fn open(mut package: Package, main: &str) -> Result<Xlsb, InputFault> {
        let book = Book::read(&mut package, main)?;
        let styles = styles::read(&mut package, &book.styles)?;
        let texts = texts::read(&mut package, &book.texts)?;
        Ok(Xlsb {
            package,
            contents: Contents {
                texts_bytes: texts.bytes(),
                ..book.contents
            },
            parts: book.parts,
            texts: Arc::new(texts),
            styles: Arc::new(styles),
            results: book.results,
        })
    }
}

impl Workbook for Xlsb {
    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let part = self.parts.get(sheet).ok_or_else(missing)?;
        let (bytes, part) = self.package.bytes(part)?.ok_or_else(missing)?;
        let (texts, styles) = (Arc::clone(&self.texts), Arc::clone(&self.styles));
        let records = Records::new(bytes, &part);
        Ok(Box::new(Cells::of(records, texts, styles, self.results)?))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let part = self.parts.get(sheet).ok_or_else(missing)?;
        let (bytes, part) = self.package.into_bytes(part)?.ok_or_else(missing)?;
        let records = Records::new(bytes, &part);
        let cells = Cells::of(records, self.texts, self.styles, self.results)?;
        Ok(Box::new(cells))
    }
}

fn missing() -> PartFault {
    PartFault::unreadable("the part that holds its cells is missing")
}
