//! Workbooks of binary parts (`.xlsb`, [MS-XLSB]). The package and its relationships are those of an
//! `.xlsx`; the parts are sequences of records.

use std::sync::Arc;

use self::cells::Cells;
use self::records::Records;
use super::cells::CellReader;
use super::fault::PartFault;
use super::main_part::{MainPart, no_cells};
use super::package::Package;
use super::styles::Styles;
use super::texts::SharedStrings;
use super::workbook::{Contents, Workbook};
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
    main: MainPart,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
}

impl Xlsb {
    /// Opens the workbook in a package whose main part has this name.
    pub(crate) fn open(mut package: Package, main: &str) -> Result<Xlsb, InputFault> {
        let mut main = book::read(&mut package, main)?;
        let styles = styles::read(&mut package, &main.styles)?;
        let texts = texts::read(&mut package, &main.texts)?;
        main.contents.texts_bytes = texts.bytes();
        Ok(Xlsb {
            package,
            main,
            texts: Arc::new(texts),
            styles: Arc::new(styles),
        })
    }
}

impl Workbook for Xlsb {
    fn contents(&self) -> &Contents {
        &self.main.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let part = self.main.cells_of(sheet)?;
        let (bytes, part) = self.package.bytes(part)?.ok_or_else(no_cells)?;
        let (texts, styles) = (Arc::clone(&self.texts), Arc::clone(&self.styles));
        let records = Records::new(bytes, &part);
        Ok(Box::new(Cells::of(
            records,
            texts,
            styles,
            self.main.results,
        )?))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let part = self.main.cells_of(sheet)?;
        let (bytes, part) = self.package.into_bytes(part)?.ok_or_else(no_cells)?;
        let records = Records::new(bytes, &part);
        let cells = Cells::of(records, self.texts, self.styles, self.main.results)?;
        Ok(Box::new(cells))
    }
}
