//! The main part of a workbook of parts, XML (`.xlsx`) or binary (`.xlsb`): its sheets in order, the
//! places of its texts and styles, and its date system.

use super::days::Days;
use super::fault::PartFault;
use super::package::Package;
use super::relations::{Relations, joined};
use super::workbook::{Contents, Results, Sheet, SheetKind};
use crate::input::error::InputFault;
use crate::input::mapping::names;

/// The main part of a workbook, as far as it has been read.
pub(super) struct MainPart {
    pub(super) contents: Contents,
    pub(super) results: Results,
    /// The part that holds the shared strings.
    pub(super) texts: String,
    /// The part that holds the styles.
    pub(super) styles: String,
    /// The part that holds the cells of each sheet.
    cells: Vec<String>,
}

impl MainPart {
    /// Returns the main part with this name before it is read, and its relations. `extension` is
    /// that of the other parts.
    pub(super) fn begin(
        package: &mut Package,
        name: &str,
        extension: &str,
    ) -> Result<(MainPart, Relations), InputFault> {
        let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
        let relations = Relations::of(package, folder, file)?;
        let part_of = |kind: &str| {
            let usual = || joined(folder, &format!("{kind}.{extension}"));
            relations.by_kind(kind).unwrap_or_else(usual)
        };
        let main = MainPart {
            contents: Contents {
                sheets: Vec::new(),
                days: Days::From1900,
                texts_bytes: 0,
            },
            results: Results::Computed,
            texts: part_of("sharedStrings"),
            styles: part_of("styles"),
            cells: Vec::new(),
        };
        Ok((main, relations))
    }

    /// Adds a sheet. `id` is that of the relation to the part with its cells.
    pub(super) fn add(
        &mut self,
        name: String,
        id: &str,
        is_hidden: bool,
        relations: &Relations,
    ) -> Result<(), PartFault> {
        let Some(relation) = relations.by_id(id) else {
            let name = names::column_name(&name);
            return Err(PartFault::unreadable(format!(
                "it does not say where the cells of sheet `{name}` are"
            )));
        };
        let kind = SheetKind::of_part(&relation.kind, is_hidden);
        self.contents.add(Sheet { name, kind })?;
        self.cells.push(relation.part.clone());
        Ok(())
    }

    /// Returns the part that holds the cells of a sheet.
    pub(super) fn cells_of(&self, sheet: usize) -> Result<&str, PartFault> {
        self.cells
            .get(sheet)
            .map(String::as_str)
            .ok_or_else(no_cells)
    }
}

/// The fault of a package without the part that holds a sheet's cells.
pub(super) fn no_cells() -> PartFault {
    PartFault::unreadable("the part that holds its cells is missing")
}
