//! Workbooks: reads the rows of a sheet as records of typed cells. Line numbers are
//! the sheet's row numbers.
//!
//! A cell keeps its type. A phone number typed without an apostrophe has lost its leading zero, so a
//! number in a text field is an error. The bytes of a record are its row as NDJSON, because that
//! keeps the types in the file of failed rows, too.
//!
//! The XML is read here instead of by a workbook library. Libraries silently skip or misread what
//! they do not expect (text in CDATA, an invalid number of a shared string, an empty entry among
//! them, a formula without a result), hold parts of any size in memory, and do not report hidden
//! rows. Of the format (ECMA-376), only the values are read.
//!
//! - `workbook`, `cells`: what each kind of workbook offers, as two traits
//! - `xlsx`, `xlsb`, `ods`: workbooks of XML parts and of binary parts, OpenDocument spreadsheets
//! - `xls`: workbooks of binary records, before Excel 2007
//! - `package`, `relations`: the zip archive and its parts; `xml`: the XML of a part
//! - `binary`: numbers and errors in binary records
//! - `styles`, `texts`, `days`: date formats, shared strings and day numbers
//! - `source`: the header, and the rows as typed records
//! - `layout`, `rows`: the columns of a sheet, and what its records say of them
//! - `kept`: the cells of a record that was kept as JSON
//! - `fault`: errors of a part

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use self::cells::CellReader;
use self::days::Days;
use self::layout::SheetLayout;
use self::ods::Ods;
use self::package::Package;
use self::relations::Relations;
use self::source::{SheetRows, names_and_fault, names_of, read_header};
use self::workbook::Workbook;
use self::xls::Xls;
use self::xlsb::Xlsb;
use self::xlsx::Xlsx;
use crate::input::blocks::source::RowSource;
use crate::input::bytes::failed_rows::ROW_COLUMN;
use crate::input::bytes::magic;
use crate::input::bytes::magic::COMPOUND_FILE;
use crate::input::bytes::not_text::NotText;
use crate::input::error::InputFault;
use crate::input::options::InputRules;

mod binary;
mod cells;
mod days;
mod fault;
pub(crate) mod kept;
pub(crate) mod layout;
mod main_part;
mod ods;
mod package;
mod relations;
mod rows;
mod source;
mod styles;
mod texts;
mod workbook;
mod xls;
mod xlsb;
mod xlsx;
mod xml;

pub(crate) use self::cells::place as cell_place;
pub(crate) use self::workbook::SheetChoice;

/// The most bytes to read of a media type.
const MEDIA_TYPE_BYTES_MAX: u64 = 128;

/// A sheet whose header has been read.
#[derive(Debug, Clone)]
pub(crate) struct OpenSheet {
    /// The chosen sheet.
    pub(crate) choice: SheetChoice,
    /// The memory of the workbook's shared strings, in bytes.
    pub(crate) texts_bytes: usize,
    /// The number of hidden rows, as far as the sheet was read.
    pub(crate) hidden_rows: Arc<AtomicU64>,
}

/// Whether a file begins as a workbook does. `false` if it cannot be opened; opening it later
/// reports why.
pub(crate) fn is_workbook(path: &Path) -> bool {
    kind_of(path).is_some()
}

/// The container of a workbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Zip,
    Compound,
}

fn kind_of(path: &Path) -> Option<Container> {
    let mut head = Vec::new();
    let wanted = COMPOUND_FILE.len() as u64;
    File::open(path)
        .and_then(|file| file.take(wanted).read_to_end(&mut head))
        .ok()?;
    if head.starts_with(b"PK\x03\x04") {
        Some(Container::Zip)
    } else if head == COMPOUND_FILE {
        Some(Container::Compound)
    } else {
        None
    }
}

/// A sheet that was opened up to its header.
struct OpenCells {
    cells: Box<dyn CellReader + Send>,
    days: Days,
    choice: SheetChoice,
    texts_bytes: usize,
    /// The sheet's name as the workbook has it.
    name: String,
    /// The rules that apply, if they are not the user's: those for failed rows.
    own_rules: Option<InputRules>,
}

/// Opens a sheet, by default the first visible table, and reads its header. Returns its rows and
/// their layout.
pub(crate) fn open(
    path: &Path,
    rules: &InputRules,
) -> Result<(Box<dyn RowSource>, SheetLayout, OpenSheet), InputFault> {
    let OpenCells {
        mut cells,
        days,
        choice,
        texts_bytes,
        name,
        own_rules,
    } = open_cells(path, rules)?;
    let rules = own_rules.as_ref().unwrap_or(rules);
    let (row, columns) =
        read_header(cells.as_mut(), rules).map_err(|fault| in_sheet(&choice, fault))?;
    let layout = SheetLayout::new(columns, &rules.mapping, name);
    let hidden_rows = Arc::new(AtomicU64::new(cells.hidden_rows()));
    let rows = SheetRows::new(cells, layout.clone(), days, row, hidden_rows.clone());
    let sheet = OpenSheet {
        choice,
        texts_bytes,
        hidden_rows,
    };
    Ok((Box::new(rows), layout, sheet))
}

/// Returns the names in the header of a sheet, and the fault for which it cannot be used.
pub(crate) fn header_names(
    path: &Path,
    rules: &InputRules,
) -> Result<(Vec<String>, Result<(), InputFault>), InputFault> {
    let OpenCells {
        mut cells,
        choice,
        own_rules,
        ..
    } = open_cells(path, rules)?;
    let rules = own_rules.as_ref().unwrap_or(rules);
    let (names, read) =
        names_and_fault(cells.as_mut(), rules).map_err(|fault| in_sheet(&choice, fault))?;
    Ok((names, read.map_err(|fault| in_sheet(&choice, fault))))
}

fn open_cells(path: &Path, rules: &InputRules) -> Result<OpenCells, InputFault> {
    let mut book = open_workbook(path)?;
    let own_rules = holds_failed_rows(book.as_mut()).then(|| rules.of_failed_workbook());
    let rules = own_rules.as_ref().unwrap_or(rules);
    let contents = book.contents();
    let (place, sheet, choice) = contents.choose(rules.sheet.as_deref())?;
    let (days, texts_bytes, name) = (contents.days, contents.texts_bytes, sheet.name.clone());
    let cells = book
        .into_cells(place)
        .map_err(|fault| in_sheet(&choice, fault.into()))?;
    Ok(OpenCells {
        cells,
        days,
        choice,
        texts_bytes,
        name,
        own_rules,
    })
}

/// Opens a workbook of any kind.
fn open_workbook(path: &Path) -> Result<Box<dyn Workbook>, InputFault> {
    if kind_of(path) == Some(Container::Compound) {
        return Ok(Box::new(Xls::open(path)?));
    }
    let mut package = Package::open(path)?;
    if package.has(magic::MEDIA_TYPE_PART) {
        let media_type = package.start_of(magic::MEDIA_TYPE_PART, MEDIA_TYPE_BYTES_MAX)?;
        return match magic::other_media_type(&media_type) {
            None => Ok(Box::new(Ods::open(package)?)),
            Some(NotText::Zip) => Err(other_package(&package).into()),
            Some(other) => Err(other.into()),
        };
    }
    if Ods::is_in(&package) {
        return Ok(Box::new(Ods::open(package)?));
    }
    let main = Relations::main_part(&mut package)?;
    let is_binary = main
        .rsplit_once('.')
        .is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("bin"));
    if !package.has(&main) {
        return Err(other_package(&package).into());
    }
    if is_binary {
        return Ok(Box::new(Xlsb::open(package, &main)?));
    }
    Ok(Box::new(Xlsx::open(package, &main)?))
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

/// Adds the sheet to a fault.
fn in_sheet(choice: &SheetChoice, fault: InputFault) -> InputFault {
    InputFault::InSheet {
        sheet: choice.name().to_owned(),
        fault: Box::new(fault),
    }
}

/// Whether the first visible table of a workbook begins with the header of failed rows. `false` if
/// it cannot be read; reading it later reports why.
fn holds_failed_rows(book: &mut dyn Workbook) -> bool {
    let Ok((sheet, ..)) = book.contents().choose(None) else {
        return false;
    };
    let names = book
        .look(sheet)
        .map_err(InputFault::from)
        .and_then(|mut cells| names_of(cells.as_mut(), 0));
    names.is_ok_and(|(_, names)| names.first().is_some_and(|name| name == ROW_COLUMN))
}
