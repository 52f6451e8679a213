//! Excel workbooks, built by hand from the parts that ECMA-376 requires, so that tests can have
//! every kind of cell.

use std::fmt::Write as _;
use std::io::{Cursor, Read as _, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A cell of a sheet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SheetCell {
    /// Text in the table of shared texts.
    Text(&'static str),
    /// Text in the cell itself.
    Inline(&'static str),
    /// A number, as it is written.
    Number(&'static str),
    /// A number that is formatted as a date: days since 1899-12-30.
    Date(&'static str),
    /// `true` or `false`
    Boolean(bool),
    /// An error such as `#N/A`.
    Error(&'static str),
    /// No cell.
    Nothing,
}

/// A workbook.
#[derive(Debug, Default)]
pub(crate) struct Workbook {
    sheets: Vec<(&'static str, String)>,
    shared: Vec<&'static str>,
    /// Parts that replace the generated ones or are added to them.
    others: Vec<(&'static str, Vec<u8>)>,
}

impl Workbook {
    /// Adds a sheet of these rows; the first one is row 1.
    pub(crate) fn sheet(mut self, name: &'static str, rows: &[&[SheetCell]]) -> Workbook {
        let mut xml = String::new();
        for (row, cells) in (1..).zip(rows) {
            // Spreadsheets do not save a row without cells.
            if cells.is_empty() {
                continue;
            }
            write!(xml, "<row r=\"{row}\">").unwrap();
            for (column, cell) in ('A'..='Z').zip(*cells) {
                xml.push_str(&self.cell(&format!("{column}{row}"), *cell));
            }
            xml.push_str("</row>");
        }
        self.sheets.push((name, xml));
        self
    }

    fn cell(&mut self, at: &str, cell: SheetCell) -> String {
        match cell {
            SheetCell::Nothing => String::new(),
            SheetCell::Text(text) => {
                self.shared.push(text);
                format!("<c r=\"{at}\" t=\"s\"><v>{}</v></c>", self.shared.len() - 1)
            }
            SheetCell::Inline(text) => format!(
                "<c r=\"{at}\" t=\"inlineStr\"><is><t>{}</t></is></c>",
                escaped(text)
            ),
            SheetCell::Number(number) => format!("<c r=\"{at}\"><v>{number}</v></c>"),
            SheetCell::Date(days) => format!("<c r=\"{at}\" s=\"1\"><v>{days}</v></c>"),
            SheetCell::Boolean(value) => {
                format!("<c r=\"{at}\" t=\"b\"><v>{}</v></c>", u8::from(value))
            }
            SheetCell::Error(error) => format!("<c r=\"{at}\" t=\"e\"><v>{error}</v></c>"),
        }
    }

    /// Adds a sheet whose rows are this XML.
    pub(crate) fn sheet_of(mut self, name: &'static str, rows: &str) -> Workbook {
        self.sheets.push((name, rows.to_owned()));
        self
    }

    /// Replaces the part of this name, or adds it.
    pub(crate) fn part(mut self, name: &'static str, content: impl AsRef<[u8]>) -> Workbook {
        self.others.push((name, content.as_ref().to_vec()));
        self
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut parts = self.parts();
        for (name, content) in &self.others {
            parts.retain(|(part, _)| part != name);
            parts.push(((*name).to_owned(), content.clone()));
        }
        zip_of(
            parts
                .iter()
                .map(|(name, content)| (name.as_str(), content.as_slice())),
        )
    }

    /// The parts of a workbook as a spreadsheet program writes them.
    fn parts(&self) -> Vec<(String, Vec<u8>)> {
        let (mut sheets, mut relations) = (String::new(), String::new());
        let mut parts = Vec::new();
        for (number, (name, rows)) in (1..).zip(&self.sheets) {
            write!(
                sheets,
                "<sheet name=\"{}\" sheetId=\"{number}\" r:id=\"rId{number}\"/>",
                escaped(name)
            )
            .unwrap();
            write!(
                relations,
                "<Relationship Id=\"rId{number}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{number}.xml\"/>"
            )
            .unwrap();
            let sheet =
                format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
            parts.push((format!("xl/worksheets/sheet{number}.xml"), sheet));
        }
        let shared: Vec<_> = self
            .shared
            .iter()
            .map(|text| format!("<si><t>{}</t></si>", escaped(text)))
            .collect();
        let shared = shared.concat();
        parts.extend([
            (
                "xl/workbook.xml".to_owned(),
                format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets>{sheets}</sheets></workbook>"),
            ),
            (
                "xl/_rels/workbook.xml.rels".to_owned(),
                format!("<Relationships xmlns=\"{PACKAGE}\">{relations}</Relationships>"),
            ),
            (
                "_rels/.rels".to_owned(),
                format!(
                    "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
                ),
            ),
            ("xl/sharedStrings.xml".to_owned(), format!("<sst xmlns=\"{MAIN}\">{shared}</sst>")),
            (
                "xl/styles.xml".to_owned(),
                // Format 14 is the usual date.
                format!(
                    "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>"
                ),
            ),
        ]);
        parts
            .into_iter()
            .map(|(name, content)| (name, content.into_bytes()))
            .collect()
    }
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
pub(super) const RELATIONS: &str =
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
pub(super) const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// A zip file of these parts.
pub(crate) fn zip_of<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        // The media type of an OpenDocument file is not compressed, so that it can be recognised.
        let method = match name {
            "mimetype" => CompressionMethod::Stored,
            _ => CompressionMethod::Deflated,
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// The text of a part of a workbook.
pub(crate) fn part_of(workbook: &[u8], name: &str) -> String {
    let mut zip = ZipArchive::new(Cursor::new(workbook)).expect("a zip file");
    let mut part = zip.by_name(name).expect("the workbook has the part");
    let mut text = String::new();
    part.read_to_string(&mut text).expect("XML is text");
    text
}

/// The workbook with one part changed.
pub(crate) fn with_part(
    workbook: &[u8],
    name: &str,
    change: impl FnOnce(String) -> String,
) -> Vec<u8> {
    let mut zip = ZipArchive::new(Cursor::new(workbook)).expect("a zip file");
    let names: Vec<String> = zip
        .file_names()
        .map(|name| name.expect("a name").into_owned())
        .collect();
    let mut parts = Vec::new();
    for name in &names {
        let mut content = Vec::new();
        let mut part = zip.by_name(name).expect("the zip file names its parts");
        part.read_to_end(&mut content).expect("a whole part");
        parts.push(content);
    }
    let place = names.iter().position(|part| part == name);
    let place = place.expect("the workbook has the part");
    let text = String::from_utf8(std::mem::take(&mut parts[place])).expect("XML is text");
    parts[place] = change(text).into_bytes();
    let parts = names.iter().zip(&parts);
    zip_of(parts.map(|(name, content)| (name.as_str(), content.as_slice())))
}
