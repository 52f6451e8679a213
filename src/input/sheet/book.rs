//! The contents of a workbook: its sheets in order, the places of its texts and styles, and its
//! date system.

use std::collections::HashMap;
use std::fmt;

use crate::text;

use super::fault::PartFault;
use super::package::Package;
use super::texts::decoded;
use super::xml::{Node, attributes, is_true};
use crate::input::bytes::magic;
use crate::input::bytes::not_text::NotText;
use crate::input::error::InputFault;
use crate::input::mapping::names;

/// The most sheets, and the most relationships of one part. All are held in memory.
const ENTRIES_MAX: usize = 10_000;
/// The number of unread sheets that are named; the others are counted.
const SHEETS_NAMED_MAX: usize = 8;

/// A workbook's contents.
pub(crate) struct Book {
    pub(crate) sheets: Vec<Sheet>,
    /// The part that holds the shared strings.
    pub(crate) texts: String,
    /// The part that holds the styles.
    pub(crate) styles: String,
    pub(crate) days: Days,
    pub(crate) results: Results,
}

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    part: String,
    kind: SheetKind,
}

/// The kind of a sheet, as a user of the workbook sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SheetKind {
    /// A visible table.
    Table,
    /// A hidden table.
    Hidden,
    /// A chart, a dialog or a macro.
    NoTable(&'static str),
}

/// The date system of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    /// 1 is 1 January 1900, and 60 is 29 February 1900, which did not exist.
    From1900,
    /// 0 is 1 January 1904.
    From1904,
}

/// Whether the stored results of formulas can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Results {
    /// A spreadsheet program has computed them.
    Computed,
    /// The workbook says that all formulas have to be computed when it is opened: the program that
    /// wrote it cannot compute.
    Pending,
}

/// The sheet that is read, and those that are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetChoice {
    /// The name, safe to show.
    name: String,
    /// The names and kinds of the other sheets, safe to show.
    others: Vec<String>,
}

impl SheetChoice {
    /// Returns the name of the sheet that is read, safe to show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there are sheets that are not read.
    pub fn is_one_of_several(&self) -> bool {
        !self.others.is_empty()
    }
}

impl fmt::Display for SheetChoice {
    /// Writes it as in ``sheet `North`; not read: `South`, `Lookup` (hidden)``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sheet `{}`", self.name)?;
        if self.others.is_empty() {
            return Ok(());
        }
        let (named, counted) = self
            .others
            .split_at(self.others.len().min(SHEETS_NAMED_MAX));
        write!(f, "; not read: {}", named.join(", "))?;
        match counted.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Sheet {
    /// Returns the name in quotes and the kind, safe to show.
    fn shown(&self) -> String {
        let name = names::column_name(&self.name);
        match self.kind {
            SheetKind::Table => format!("`{name}`"),
            SheetKind::Hidden => format!("`{name}` (hidden)"),
            SheetKind::NoTable(kind) => format!("`{name}` ({kind})"),
        }
    }

    /// Returns the part that holds the cells.
    pub(crate) fn part(&self) -> &str {
        &self.part
    }
}

impl Book {
    /// Reads the contents of a workbook.
    pub(crate) fn read(package: &mut Package) -> Result<Book, InputFault> {
        let relations = Relations::of(package, "", "")?;
        let main = relations
            .by_kind("officeDocument")
            .unwrap_or_else(|| "xl/workbook.xml".to_owned());
        let is_binary = main
            .rsplit_once('.')
            .is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("bin"));
        if is_binary || !package.has(&main) {
            return Err(other_package(package).into());
        }
        let (folder, file) = main.rsplit_once('/').unwrap_or(("", &main));
        let relations = Relations::of(package, folder, file)?;
        let part_of = |kind: &str, usual: &str| {
            relations
                .by_kind(kind)
                .unwrap_or_else(|| joined(folder, usual))
        };
        let mut book = Book {
            sheets: Vec::new(),
            texts: part_of("sharedStrings", "sharedStrings.xml"),
            styles: part_of("styles", "styles.xml"),
            days: Days::From1900,
            results: Results::Computed,
        };
        book.read_main(package, &main, &relations)?;
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
                    let sheet = sheet_of(attributes(&element, &part), relations)?;
                    self.sheets.push(sheet);
                    if self.sheets.len() > ENTRIES_MAX {
                        return Err(PartFault::unreadable(format!(
                            "it has more than {ENTRIES_MAX} sheets"
                        )));
                    }
                }
                "workbookPr" => {
                    for attribute in attributes(&element, &part) {
                        match attribute? {
                            ("date1904", value) if is_true(&value) => self.days = Days::From1904,
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

    /// Chooses the sheet to read: the one that the user names, or else the first visible table.
    pub(crate) fn choose(&self, wanted: Option<&str>) -> Result<(&Sheet, SheetChoice), InputFault> {
        let chosen = match wanted {
            None => self
                .sheets
                .iter()
                .find(|sheet| sheet.kind == SheetKind::Table),
            Some(wanted) => self
                .sheets
                .iter()
                .find(|sheet| text::is_same_name(&sheet.name, wanted)),
        };
        let Some(chosen) = chosen else {
            return Err(InputFault::NoSuchSheet {
                sheet: wanted.map(names::column_name),
                sheets: self.sheets.iter().map(Sheet::shown).collect(),
            });
        };
        if let SheetKind::NoTable(kind) = chosen.kind {
            return Err(InputFault::NoTable {
                sheet: names::column_name(&chosen.name),
                kind,
            });
        }
        let others = self
            .sheets
            .iter()
            .filter(|sheet| !std::ptr::eq(*sheet, chosen))
            .map(Sheet::shown)
            .collect();
        Ok((
            chosen,
            SheetChoice {
                name: names::column_name(&chosen.name),
                others,
            },
        ))
    }
}

fn sheet_of<'x>(
    attributes: impl Iterator<Item = Result<(&'x str, std::borrow::Cow<'x, str>), PartFault>>,
    relations: &Relations,
) -> Result<Sheet, PartFault> {
    let (mut name, mut id, mut is_hidden) = (String::new(), String::new(), false);
    for attribute in attributes {
        match attribute? {
            ("name", value) => name = decoded(&value).into_owned(),
            ("id", value) => id = value.into_owned(),
            ("state", value) => is_hidden = matches!(&*value, "hidden" | "veryHidden"),
            _ => {}
        }
    }
    let Some(relation) = relations.by_id.get(&id) else {
        let name = names::column_name(&name);
        return Err(PartFault::unreadable(format!(
            "it does not say where the cells of sheet `{name}` are"
        )));
    };
    let kind = match relation.kind.as_str() {
        "worksheet" if is_hidden => SheetKind::Hidden,
        "worksheet" => SheetKind::Table,
        "chartsheet" => SheetKind::NoTable("chart"),
        "dialogsheet" => SheetKind::NoTable("dialog"),
        _ => SheetKind::NoTable("no table"),
    };
    Ok(Sheet {
        name,
        part: relation.part.clone(),
        kind,
    })
}

/// Identifies a zip archive that is no readable workbook.
fn other_package(package: &Package) -> NotText {
    let has = |name: &str| {
        if name.ends_with('/') {
            package.has_below(name)
        } else {
            package.has(name)
        }
    };
    magic::package(has)
}

/// The parts that one part refers to.
struct Relations {
    by_id: HashMap<String, Relation>,
}

struct Relation {
    /// The last segment of the type. Strict workbooks have another address before it.
    kind: String,
    /// The part's name.
    part: String,
}

impl Relations {
    /// Reads the relationships of a part, or of the whole package if `file` is empty.
    fn of(package: &mut Package, folder: &str, file: &str) -> Result<Relations, PartFault> {
        let mut by_id = HashMap::new();
        let Some(mut xml) = package.part(&joined(folder, &format!("_rels/{file}.rels")))? else {
            return Ok(Relations { by_id });
        };
        let part = xml.part();
        loop {
            let element = match xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "Relationship" => element,
                Node::EndOfPart => return Ok(Relations { by_id }),
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            let (mut id, mut kind, mut target) = (String::new(), String::new(), String::new());
            for attribute in attributes(&element, &part) {
                match attribute? {
                    ("Id", value) => id = value.into_owned(),
                    ("Type", value) => value
                        .rsplit('/')
                        .next()
                        .unwrap_or_default()
                        .clone_into(&mut kind),
                    ("Target", value) => target = joined(folder, &value),
                    _ => {}
                }
            }
            by_id.insert(id, Relation { kind, part: target });
            if by_id.len() > ENTRIES_MAX {
                return Err(PartFault::unreadable(format!(
                    "{part}: it has more than {ENTRIES_MAX} relationships"
                )));
            }
        }
    }

    /// Returns the part of this kind, if there is one.
    fn by_kind(&self, kind: &str) -> Option<String> {
        self.by_id
            .values()
            .find(|relation| relation.kind == kind)
            .map(|relation| relation.part.clone())
    }
}

/// Resolves the name of a part relative to a folder.
fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_named_from_where_they_are_named() {
        let check =
            |folder: &str, target: &str, want: &str| assert_eq!(joined(folder, target), want);
        check("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml");
        check(
            "xl",
            "/xl/worksheets/sheet1.xml",
            "xl/worksheets/sheet1.xml",
        );
        check("xl", "../xl/./sheet1.xml", "xl/sheet1.xml");
        check("", "xl/workbook.xml", "xl/workbook.xml");
    }

    #[test]
    fn the_sheets_that_are_not_read_are_named() {
        let sheet = |name: &str, kind: SheetKind| Sheet {
            name: name.to_owned(),
            part: String::new(),
            kind,
        };
        let book = |sheets: Vec<Sheet>| Book {
            sheets,
            texts: String::new(),
            styles: String::new(),
            days: Days::From1900,
            results: Results::Computed,
        };
        let check = |sheets: Vec<Sheet>, wanted: Option<&str>, want: &str| {
            let said = match book(sheets).choose(wanted) {
                Ok((_, choice)) => choice.to_string(),
                Err(fault) => fault.to_string(),
            };
            assert_eq!(said, want);
        };
        let mixed = || {
            vec![
                sheet("Chart", SheetKind::NoTable("chart")),
                sheet("Codes", SheetKind::Hidden),
                sheet("North", SheetKind::Table),
                sheet("South\u{1b}", SheetKind::Table),
            ]
        };
        check(
            mixed(),
            None,
            "sheet `North`; not read: `Chart` (chart), `Codes` (hidden), `South\\u{1b}`",
        );
        check(
            mixed(),
            Some("Codes"),
            "sheet `Codes`; not read: `Chart` (chart), `North`, `South\\u{1b}`",
        );
        check(
            mixed(),
            Some("Chart"),
            "has a chart in sheet `Chart`, not a table",
        );
        check(vec![sheet("One", SheetKind::Table)], None, "sheet `One`");
        let hidden = vec![sheet("Codes", SheetKind::Hidden)];
        check(
            hidden,
            None,
            "has no visible sheet with a table (--sheet names any sheet); there is `Codes` (hidden)",
        );
        let many = (0..12)
            .map(|number| sheet(&number.to_string(), SheetKind::Table))
            .collect();
        check(
            many,
            None,
            "sheet `0`; not read: `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8` and 3 more",
        );
    }
}
