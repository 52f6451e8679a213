//! The list of sheets in an OpenDocument spreadsheet.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;

use crate::input::bytes::magic;
use crate::input::error::InputFault;
use crate::input::sheet::days::Days;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::workbook::{Contents, Sheet, SheetKind};
use crate::input::sheet::xml::{Node, Xml, attributes};

/// The part that holds the sheets.
pub(super) const CONTENT: &str = "content.xml";
/// The part that says what the others are.
pub(super) const MANIFEST: &str = "META-INF/manifest.xml";
/// The part that holds all others, if they are encrypted as one.
const ENCRYPTED_PACKAGE: &str = "encrypted-package";
/// The most styles that hide their sheets. All are held in memory.
const HIDING_STYLES_MAX: usize = 10_000;

/// The sheets of a spreadsheet, while they are being read.
pub(super) struct SheetList {
    contents: Contents,
    /// The name of the table style that was read last.
    style: String,
    /// The table styles that hide their sheets.
    hiding: HashSet<String>,
}

/// An element on the way to the sheets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The body of the document.
    Body,
    /// The element in the body that holds the sheets.
    Spreadsheet,
    /// A sheet.
    Sheet,
    /// Any other.
    Other,
}

/// The elements around the current one.
#[derive(Debug, Default)]
struct Path {
    /// The depth of the elements in the body.
    body: Option<usize>,
    /// The depth of the sheets.
    sheets: Option<usize>,
}

impl SheetList {
    /// Reads the list from the content of a document.
    pub(super) fn read<R: Read>(mut xml: Xml<R>) -> Result<Contents, InputFault> {
        let mut list = SheetList {
            contents: Contents {
                sheets: Vec::new(),
                // Dates are in ISO 8601; only a time without a date becomes a number.
                days: Days::From1900,
                texts_bytes: 0,
            },
            style: String::new(),
            hiding: HashSet::new(),
        };
        let (part, mut path) = (xml.part(), Path::default());
        loop {
            let depth = xml.depth() + 1;
            let element = match xml.next()? {
                Node::Start(element) => element,
                Node::EndOfPart => break,
                Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            let name = element.local_name();
            match path.step(name.as_ref(), depth) {
                Step::Sheet => {
                    list.add_sheet(attributes(&element, &part))?;
                    xml.skip_element()?;
                }
                Step::Body | Step::Spreadsheet => {}
                Step::Other if path.body == Some(depth) => {
                    if let Some(other) = magic::other_body(name.as_ref()) {
                        return Err(other.into());
                    }
                }
                Step::Other => list.add_style(name.as_ref(), attributes(&element, &part))?,
            }
        }
        if path.sheets.is_none() {
            return Err(
                PartFault::unreadable(format!("{part}: it has no spreadsheet in it")).into(),
            );
        }
        Ok(list.contents)
    }

    /// Adds a sheet. Styles precede it.
    fn add_sheet<'x>(
        &mut self,
        attributes: impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>>,
    ) -> Result<(), PartFault> {
        let (mut name, mut kind) = (String::new(), SheetKind::Table);
        for attribute in attributes {
            match attribute? {
                ("name", value) => name = value.into_owned(),
                ("style-name", value) if self.hiding.contains(&*value) => kind = SheetKind::Hidden,
                _ => {}
            }
        }
        self.contents.add(Sheet { name, kind })
    }

    /// Notes a style of tables, or its property that hides them.
    fn add_style<'x>(
        &mut self,
        element: &str,
        attributes: impl Iterator<Item = Result<(&'x str, Cow<'x, str>), PartFault>>,
    ) -> Result<(), PartFault> {
        match element {
            "style" => {
                let mut is_of_tables = false;
                self.style.clear();
                for attribute in attributes {
                    match attribute? {
                        ("name", value) => self.style = value.into_owned(),
                        ("family", value) => is_of_tables = value == "table",
                        _ => {}
                    }
                }
                if !is_of_tables {
                    self.style.clear();
                }
            }
            "table-properties" if !self.style.is_empty() => {
                for attribute in attributes {
                    match attribute? {
                        ("display", value) if value.trim() == "false" => {
                            self.hiding.insert(self.style.clone());
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if self.hiding.len() > HIDING_STYLES_MAX {
            return Err(PartFault::unreadable(format!(
                "it has more than {HIDING_STYLES_MAX} styles of hidden sheets"
            )));
        }
        Ok(())
    }
}

impl Path {
    /// Returns what an element is that begins at this depth, and notes it. The body is an element of
    /// the document, the spreadsheet one of the body, and a sheet one of the spreadsheet: tables
    /// elsewhere belong to drawings, links or recorded changes.
    fn step(&mut self, name: &str, depth: usize) -> Step {
        match name {
            "body" if depth == 2 => {
                self.body = Some(depth + 1);
                Step::Body
            }
            "spreadsheet" if self.body == Some(depth) => {
                self.sheets = Some(depth + 1);
                Step::Spreadsheet
            }
            "table" if self.sheets == Some(depth) => Step::Sheet,
            _ => Step::Other,
        }
    }
}

/// Reads up to the start of the sheet at this place.
pub(super) fn go_to<R: Read>(xml: &mut Xml<R>, sheet: usize) -> Result<(), PartFault> {
    let (mut path, mut before) = (Path::default(), 0);
    loop {
        let depth = xml.depth() + 1;
        let step = match xml.next()? {
            Node::Start(element) => path.step(element.local_name().as_ref(), depth),
            Node::EndOfPart => {
                return Err(PartFault::unreadable("the sheet is missing"));
            }
            Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
        };
        match step {
            Step::Sheet if before == sheet => return Ok(()),
            Step::Sheet => {
                before += 1;
                xml.skip_element()?;
            }
            Step::Body | Step::Spreadsheet | Step::Other => {}
        }
    }
}

/// Whether the content is encrypted (ODF part 2 §3.4). Macros alone may be, too. `false` if the list
/// of parts cannot be read; the content shows then whether it can.
pub(super) fn is_encrypted(package: &mut Package) -> bool {
    package.has(ENCRYPTED_PACKAGE) || has_encrypted_content(package).unwrap_or(false)
}

fn has_encrypted_content(package: &mut Package) -> Result<bool, PartFault> {
    let Some(mut xml) = package.part(MANIFEST)? else {
        return Ok(false);
    };
    let part = xml.part();
    let mut is_of_content = false;
    loop {
        let element = match xml.next()? {
            Node::Start(element) => element,
            Node::EndOfPart => return Ok(false),
            Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
        };
        match element.local_name().as_ref() {
            "file-entry" => {
                for attribute in attributes(&element, &part) {
                    if let ("full-path", value) = attribute? {
                        is_of_content = value == CONTENT;
                    }
                }
            }
            "encryption-data" if is_of_content => return Ok(true),
            _ => {}
        }
    }
}
