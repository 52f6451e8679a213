//! Workbooks of XML parts (`.xlsx`, ECMA-376).

use std::sync::Arc;

use self::cells::Cells;
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
mod styles;
mod texts;

/// An open workbook of XML parts.
pub(crate) struct Xlsx {
    package: Package,
    main: MainPart,
    texts: Arc<SharedStrings>,
    styles: Arc<Styles>,
}

impl Xlsx {
    /// Opens the workbook in a package whose main part has this name.
    pub(crate) fn open(mut package: Package, main: &str) -> Result<Xlsx, InputFault> {
        let mut main = book::read(&mut package, main)?;
        let styles = styles::read(&mut package, &main.styles)?;
        let texts = texts::read(&mut package, &main.texts)?;
        main.contents.texts_bytes = texts.bytes();
        Ok(Xlsx {
            package,
            main,
            texts: Arc::new(texts),
            styles: Arc::new(styles),
        })
    }
}

impl Workbook for Xlsx {
    fn contents(&self) -> &Contents {
        &self.main.contents
    }

    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault> {
        let part = self.main.cells_of(sheet)?;
        let xml = self.package.part(part)?.ok_or_else(no_cells)?;
        let (texts, styles) = (Arc::clone(&self.texts), Arc::clone(&self.styles));
        Ok(Box::new(Cells::of(xml, texts, styles, self.main.results)?))
    }

    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault> {
        let part = self.main.cells_of(sheet)?;
        let xml = self.package.into_part(part)?.ok_or_else(no_cells)?;
        let cells = Cells::of(xml, self.texts, self.styles, self.main.results)?;
        Ok(Box::new(cells))
    }
}
