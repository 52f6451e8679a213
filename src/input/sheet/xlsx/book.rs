//! Reads the main part of an XML workbook.

use std::borrow::Cow;

use super::texts::decoded;
use crate::input::error::InputFault;
use crate::input::sheet::days::Days;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::main_part::MainPart;
use crate::input::sheet::package::Package;
use crate::input::sheet::relations::Relations;
use crate::input::sheet::workbook::Results;
use crate::input::sheet::xml::{Node, attributes, is_true};

/// Reads the main part, which has this name.
pub(super) fn read(package: &mut Package, main: &str) -> Result<MainPart, InputFault> {
    let (mut book, relations) = MainPart::begin(package, main, "xml")?;
    let Some(mut xml) = package.part(main)? else {
        return Ok(book);
    };
    let part = xml.part();
    loop {
        let element = match xml.next()? {
            Node::Start(element) => element,
            Node::EndOfPart => return Ok(book),
            Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
        };
        match element.local_name().as_ref() {
            "sheet" => add_sheet(&mut book, attributes(&element, &part), &relations)?,
            "workbookPr" => {
                for attribute in attributes(&element, &part) {
                    match attribute? {
                        ("date1904", value) if is_true(&value) => {
                            book.contents.days = Days::From1904;
                        }
                        _ => {}
                    }
                }
            }
            "calcPr" => {
                for attribute in attributes(&element, &part) {
                    match attribute? {
                        ("fullCalcOnLoad", value) if is_true(&value) => {
                            book.results = Results::Pending;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}

fn add_sheet<'x>(
    book: &mut MainPart,
    attributes: impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>>,
    relations: &Relations,
) -> Result<(), PartFault> {
    let (mut name, mut id, mut is_hidden) = (String::new(), Cow::default(), false);
    for attribute in attributes {
        match attribute? {
            ("name", value) => name = decoded(&value).into_owned(),
            ("id", value) => id = value,
            ("state", value) => is_hidden = matches!(&*value, "hidden" | "veryHidden"),
            _ => {}
        }
    }
    book.add(name, &id, is_hidden, relations)
}
