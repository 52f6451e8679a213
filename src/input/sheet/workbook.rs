//! A workbook of any kind: its sheets in order, and the cells of one of them. Each kind of file
//! implements [`Workbook`]; everything else about workbooks is the same for all kinds.

use std::fmt;

use crate::text;

use super::cells::CellReader;
use super::days::Days;
use super::fault::PartFault;
use crate::input::error::InputFault;
use crate::input::mapping::names;

/// The most sheets. All are held in memory.
pub(crate) const SHEETS_MAX: usize = 10_000;
/// The number of unread sheets that are named; the others are counted.
const SHEETS_NAMED_MAX: usize = 8;

/// An open workbook. Opening it has read everything but the cells.
pub(crate) trait Workbook {
    /// Returns the sheets and what holds for all of them.
    fn contents(&self) -> &Contents;

    /// Returns the cells of a sheet, for a look at its first rows. `sheet` is the sheet's place among
    /// those of [`contents`](Self::contents).
    fn look(&mut self, sheet: usize) -> Result<Box<dyn CellReader + '_>, PartFault>;

    /// Returns the cells of a sheet, as [`look`](Self::look) does, but with the whole workbook.
    fn into_cells(self: Box<Self>, sheet: usize) -> Result<Box<dyn CellReader + Send>, PartFault>;
}

/// The contents of a workbook without the cells.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) days: Days,
    /// The memory that the shared strings take, in bytes.
    pub(crate) texts_bytes: usize,
}

/// A sheet of a workbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    pub(crate) kind: SheetKind,
}

/// The kind of a sheet, as a user of the workbook sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SheetKind {
    /// A visible table.
    Table,
    /// A hidden table.
    Hidden,
    /// A chart, a dialog or a macro.
    NoTable(&'static str),
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
}

impl SheetKind {
    /// Returns the kind of a sheet in a part of a package. `part_kind` is the kind of the
    /// relationship to the part.
    pub(crate) fn of_part(part_kind: &str, is_hidden: bool) -> SheetKind {
        match part_kind {
            "worksheet" if is_hidden => SheetKind::Hidden,
            "worksheet" => SheetKind::Table,
            "chartsheet" => SheetKind::NoTable("chart"),
            "dialogsheet" => SheetKind::NoTable("dialog"),
            _ => SheetKind::NoTable("no table"),
        }
    }
}

impl Contents {
    /// Adds a sheet, within the limit.
    pub(crate) fn add(&mut self, sheet: Sheet) -> Result<(), PartFault> {
        if self.sheets.len() == SHEETS_MAX {
            return Err(PartFault::unreadable(format!(
                "it has more than {SHEETS_MAX} sheets"
            )));
        }
        self.sheets.push(sheet);
        Ok(())
    }

    /// Chooses the sheet to read: the one that the user names, or else the first visible table.
    /// Returns its place among the sheets, too.
    pub(crate) fn choose(
        &self,
        wanted: Option<&str>,
    ) -> Result<(usize, &Sheet, SheetChoice), InputFault> {
        let is_chosen = |sheet: &Sheet| match wanted {
            None => sheet.kind == SheetKind::Table,
            Some(wanted) => text::is_same_name(&sheet.name, wanted),
        };
        let mut numbered = self.sheets.iter().enumerate();
        let Some((place, chosen)) = numbered.find(|(_, sheet)| is_chosen(sheet)) else {
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
        let others = self.sheets.iter().enumerate();
        let choice = SheetChoice {
            name: names::column_name(&chosen.name),
            others: others
                .filter(|(other, _)| *other != place)
                .map(|(_, sheet)| sheet.shown())
                .collect(),
        };
        Ok((place, chosen, choice))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheets_that_are_not_read_are_named() {
        let sheet = |name: &str, kind: SheetKind| Sheet {
            name: name.to_owned(),
            kind,
        };
        let book = |sheets: Vec<Sheet>| Contents {
            sheets,
            days: Days::From1900,
            texts_bytes: 0,
        };
        let check = |sheets: Vec<Sheet>, wanted: Option<&str>, want: &str| {
            let said = match book(sheets).choose(wanted) {
                Ok((.., choice)) => choice.to_string(),
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
