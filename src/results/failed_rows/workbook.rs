//! Writes the rows of failed rows as workbooks, row by row: neither the rows nor their texts are
//! held in memory.
//!
//! The parts are written here instead of by a library. A library has no cells for errors, only
//! formulas, and panics if the disk is full. Of the format (ECMA-376), only what Excel requires is
//! written.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::files::{UNFINISHED, remove};
use super::form::FileForm;
use super::quiet_file::{FirstError, QuietFile};
use super::remarks::COLUMNS;
use super::sheet_form::{Style, header};
use super::spool::{SpooledRow, read_rows};
use super::xml_text::push_text;
use crate::input::Layout;
use crate::journal::RunDir;

/// The most rows below the header of a sheet.
pub(super) const ROWS_MAX: u32 = 1_048_575;
/// The size of a sheet from which on further rows go into another workbook. Beyond 4 GiB, the archive
/// would need a form that Excel repairs.
const SHEET_BYTES_MAX: usize = 3 << 30;
/// The most characters of a sheet's name, in units of UTF-16.
const NAME_UNITS_MAX: usize = 31;
/// The name of a sheet whose input has no sheets.
const USUAL_NAME: &str = "failed";

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const SHEET_PART: &str = "xl/worksheets/sheet1.xml";

/// Writes the kept rows of a file as workbooks of at most `rows_max` rows each. Returns their names.
/// They still have the suffix of unfinished files.
pub(super) fn write(run_dir: &RunDir, form: &FileForm, rows_max: u32) -> io::Result<Vec<String>> {
    let rows_name = format!("{}{UNFINISHED}", form.rows_name());
    let rows = run_dir.open_file(&rows_name).map_err(io::Error::other)?;
    let finish = |book: OpenBook<'_>| book.finish(run_dir);
    let (mut names, mut open) = (Vec::new(), None);
    let written = read_rows(rows, |row, raw| {
        let book = if let Some(book) = &mut open {
            book
        } else {
            let name = form.name_of_part(names.len() + 1);
            let file = format!("{name}{UNFINISHED}");
            names.push(name);
            let file = run_dir.create_file(&file).map_err(io::Error::other)?;
            open.insert(OpenBook::begin(file, form)?)
        };
        book.write(&row, &raw)?;
        if book.rows == rows_max || book.bytes >= SHEET_BYTES_MAX {
            open.take().map_or(Ok(()), finish)?;
        }
        Ok(())
    });
    match written.and_then(|()| open.map_or(Ok(()), finish)) {
        Ok(()) => Ok(names),
        Err(error) => {
            for name in &names {
                // The next process removes a leftover file.
                remove(run_dir, &format!("{name}{UNFINISHED}")).unwrap_or_default();
            }
            Err(error)
        }
    }
}

/// A workbook whose sheet is being written.
struct OpenBook<'f> {
    zip: ZipWriter<QuietFile>,
    error: FirstError,
    form: &'f FileForm,
    /// The number of rows below the header, and their size.
    rows: u32,
    bytes: usize,
}

impl OpenBook<'_> {
    /// Writes all parts up to the header of the sheet.
    fn begin(file: File, form: &FileForm) -> io::Result<OpenBook<'_>> {
        let error = FirstError::default();
        let mut zip = ZipWriter::new(QuietFile::new(file, error.clone()));
        let options = SimpleFileOptions::default();
        for (name, content) in parts(form.layout()) {
            zip.start_file(name, options)?;
            zip.write_all(DECLARATION.as_bytes())?;
            zip.write_all(content.as_bytes())?;
        }
        zip.start_file(SHEET_PART, options)?;
        zip.write_all(DECLARATION.as_bytes())?;
        zip.write_all(sheet_start(form.layout()).as_bytes())?;
        zip.write_all(header(form.layout()).as_bytes())?;
        Ok(OpenBook {
            zip,
            error,
            form,
            rows: 0,
            bytes: 0,
        })
    }

    fn write(&mut self, row: &SpooledRow<'_>, raw: &[u8]) -> io::Result<()> {
        self.rows += 1;
        let xml = self.form.sheet_row(row, raw, self.rows + 1);
        self.bytes += xml.len();
        self.zip.write_all(xml.as_bytes())?;
        self.error.check()
    }

    fn finish(mut self, run_dir: &RunDir) -> io::Result<()> {
        self.zip.write_all(b"</sheetData></worksheet>")?;
        run_dir.sync_file(&self.zip.finish()?.finish()?)
    }
}

/// Returns all parts but the sheet, by their names.
fn parts(layout: &Layout) -> [(&'static str, String); 5] {
    let mut name = String::new();
    push_text(
        &mut name,
        &sheet_name(layout.sheet_name().unwrap_or(USUAL_NAME)),
    );
    let override_of = |part: &str, kind: &str| {
        format!(
            "<Override PartName=\"/{part}\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml\"/>"
        )
    };
    let relation = |id: u8, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |relations: &[String]| {
        format!(
            "<Relationships xmlns=\"{PACKAGE}\">{}</Relationships>",
            relations.concat()
        )
    };
    [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/>{}{}{}</Types>",
                override_of("xl/workbook.xml", "sheet.main"),
                override_of(SHEET_PART, "worksheet"),
                override_of("xl/styles.xml", "styles"),
            ),
        ),
        (
            "_rels/.rels",
            relations(&[relation(1, "officeDocument", "xl/workbook.xml")]),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><bookViews><workbookView/></bookViews><sheets><sheet name=\"{name}\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            relations(&[
                relation(1, "worksheet", "worksheets/sheet1.xml"),
                relation(2, "styles", "styles.xml"),
            ]),
        ),
        ("xl/styles.xml", styles()),
    ]
}

/// Returns the styles, in the order of [`Style`].
fn styles() -> String {
    // 49 is text, and 14 the usual date of the reader's country.
    let formats = [(0, 0), (49, 0), (14, 0), (164, 0), (165, 0), (49, 1)];
    let mut cells = String::new();
    for (format, font) in formats {
        write!(
            cells,
            "<xf numFmtId=\"{format}\" fontId=\"{font}\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\" applyFont=\"1\"/>"
        )
        .expect("memory can be written");
    }
    format!(
        "<styleSheet xmlns=\"{MAIN}\"><numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/><numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss.000\"/></numFmts><fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts><fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills><borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs><cellXfs count=\"{}\">{cells}</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles></styleSheet>",
        formats.len(),
    )
}

/// Returns the sheet's XML up to its rows. The header stays in view, and empty cells of a text
/// column are text when they are filled.
fn sheet_start(layout: &Layout) -> String {
    const OWN_WIDTHS: [u8; COLUMNS.len()] = [24, 18, 60, 20];
    const WIDTH: u8 = 18;
    let own = OWN_WIDTHS.map(|width| (width, Style::Text));
    let columns = layout.kept_columns().unwrap_or_default();
    let columns = columns.iter().map(|column| {
        let style = if column.is_text {
            Style::Text
        } else {
            Style::General
        };
        (WIDTH, style)
    });
    let mut xml = format!(
        "<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView tabSelected=\"1\" workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><cols>"
    );
    for (number, (width, style)) in (1..).zip(own.into_iter().chain(columns)) {
        let (number, style): (u32, u8) = (number, style.number());
        write!(
            xml,
            "<col min=\"{number}\" max=\"{number}\" width=\"{width}\" style=\"{style}\" customWidth=\"1\"/>"
        )
        .expect("memory can be written");
    }
    xml.push_str("</cols><sheetData>");
    xml
}

/// Returns a name that Excel allows for a sheet.
fn sheet_name(name: &str) -> String {
    let allowed = |character: char| match character {
        ':' | '\\' | '/' | '?' | '*' | '[' | ']' => '_',
        character if character.is_control() => '_',
        character => character,
    };
    let mut units = 0;
    let is_within = |character: &char| {
        units += character.len_utf16();
        units <= NAME_UNITS_MAX
    };
    let name: String = name.chars().map(allowed).take_while(is_within).collect();
    match name.trim_matches('\'') {
        blank if blank.trim().is_empty() => USUAL_NAME.to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_has_a_name_that_excel_allows() {
        let check = |name: &str, want: &str| assert_eq!(sheet_name(name), want);
        check("Customers & more", "Customers & more");
        check("a/b[1]:\u{7}", "a_b_1___");
        check("'x'", "x");
        check(" ", USUAL_NAME);
        check(&"\u{1f600}".repeat(20), &"\u{1f600}".repeat(15));
    }
}
