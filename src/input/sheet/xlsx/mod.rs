//! Workbooks of XML parts (`.xlsx`, ECMA-376).

use std::sync::Arc;

use self::book::Book;
use self::cells::Cells;
use super::cells::CellReader;
use super::fault::PartFault;
use super::package::Package;
use super::styles::Styles;
use super::texts::SharedStrings;
use super::workbook::{Contents, Results, Workbook};
use crate::input::error::InputFault;

mod book;
mod cells;
mod styles;
mod texts;

/// An open workbook of XML parts.
pub(crate) struct Xlsx {
    package: Package,
    contents: Contents,
    /// The part of each sheet.
    parts: Vec<String>,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
    results: Results,
}

impl Xlsx {
    /// Opens the workbook in a package whose main part has this name.
    pub(crate) fn open(mut package: Package, main: &str) -> Result<Xlsx, InputFault> {
        let book = Book::read(&mut package, main)?;
        let styles = styles::read(&mut package, &book.styles)?;
        let texts = texts::read(&mut package, &book.texts)?;
        Ok(Xlsx {
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

impl Workbook for Xlsx {
    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let part = self.parts.get(sheet).ok_or_else(missing)?;
        let xml = self.package.part(part)?.ok_or_else(missing)?;
        let (texts, styles) = (Arc::clone(&self.texts), Arc::clone(&self.styles));
        Ok(Box::new(Cells::of(xml, texts, styles, self.results)?))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let part = self.parts.get(sheet).ok_or_else(missing)?;
        let xml = self.package.into_part(part)?.ok_or_else(missing)?;
        let cells = Cells::of(xml, self.texts, self.styles, self.results)?;
        Ok(Box::new(cells))
    }
}

fn missing() -> PartFault {
    PartFault::unreadable("the part that holds its cells is missing")
}
