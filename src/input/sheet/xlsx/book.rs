//! The main part of an XML workbook: its sheets in order, the places of its texts and styles, and its
//! date system.

use std::borrow::Cow;

use super::texts::decoded;
use crate::input::error::InputFault;
use crate::input::mapping::names;
use crate::input::sheet::days::Days;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::relations::{Relations, joined};
use crate::input::sheet::workbook::{Contents, Results, Sheet, SheetKind};
use crate::input::sheet::xml::{Node, attributes, is_true};

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
            texts: part_of("sharedStrings", "sharedStrings.xml"),
            styles: part_of("styles", "styles.xml"),
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
        let Some(mut xml) = package.part(main)? else {
            return Ok(());
        };
        let part = xml.part();
        loop {
            let element = match xml.next()? {
                Node::Start(element) => element,
                Node::EndOfPart => return Ok(()),
                Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            let name = element.local_name();
            match name.as_ref() {
                "sheet" => {
                    let (sheet, part) = sheet_of(attributes(&element, &part), relations)?;
                    self.contents.add(sheet)?;
                    self.parts.push(part);
                }
                "workbookPr" => {
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("date1904", value) if is_true(&value) => {
                                self.contents.days = Days::From1904;
                            }
                            _ => {}
                        }
                    }
                }
                "calcPr" => {
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("fullCalcOnLoad", value) if is_true(&value) => {
                                self.results = Results::Pending;
                            }
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns a sheet, and the part that holds its cells.
fn sheet_of<'x>(
    attributes: impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>>,
    relations: &Relations,
) -> Result<(Sheet, String), PartFault> {
    let (mut name, mut id, mut is_hidden) = (String::new(), String::new(), false);
    for attribute in attributes {
        match attribute? {
            ("name", value) => name = decoded(&value).into_owned(),
            ("id", value) => id = value.into_owned(),
            ("state", value) => is_hidden = matches!(&*value, "hidden" | "veryHidden"),
            _ => {}
        }
    }
    let Some(relation) = relations.by_id(&id) else {
        let name = names::column_name(&name);
        return Err(PartFault::unreadable(format!(
            "it does not say where the cells of sheet `{name}` are"
        )));
    };
    let kind = SheetKind::of_part(&relation.kind, is_hidden);
    Ok((Sheet { name, kind }, relation.part.clone()))
}
