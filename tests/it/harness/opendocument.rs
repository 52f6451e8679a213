//! OpenDocument spreadsheets, built by hand from the parts that the standard requires.

use std::fmt::Write as _;

use super::workbook::zip_of;

/// An OpenDocument spreadsheet.
#[derive(Debug, Default)]
pub(crate) struct Spreadsheet {
    sheets: String,
    /// Parts that replace the generated ones or are added to them.
    others: Vec<(&'static str, Vec<u8>)>,
}

/// The first part of an OpenDocument file.
pub(crate) const MEDIA_TYPE: (&str, &[u8]) = (
    "mimetype",
    b"application/vnd.oasis.opendocument.spreadsheet",
);
const MANIFEST: &str = "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"application/vnd.oasis.opendocument.spreadsheet\"/><manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>";
const NAMES: &str = "xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:draw=\"urn:oasis:names:tc:opendocument:xmlns:drawing:1.0\" xmlns:calcext=\"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0\"";

impl Spreadsheet {
    /// Adds a sheet whose rows are this XML.
    pub(crate) fn sheet_of(self, name: &str, rows: &str) -> Spreadsheet {
        self.table(name, "shown", rows)
    }

    /// Adds a sheet that is hidden.
    pub(crate) fn hidden_sheet_of(self, name: &str, rows: &str) -> Spreadsheet {
        self.table(name, "hidden", rows)
    }

    fn table(mut self, name: &str, style: &str, rows: &str) -> Spreadsheet {
        write!(
            self.sheets,
            "<table:table table:name=\"{name}\" table:style-name=\"{style}\"><table:table-column table:number-columns-repeated=\"16384\"/>{rows}</table:table>"
        )
        .unwrap();
        self
    }

    /// Replaces the part of this name, or adds it.
    pub(crate) fn part(mut self, name: &'static str, content: impl AsRef<[u8]>) -> Spreadsheet {
        self.others.push((name, content.as_ref().to_vec()));
        self
    }

    /// The content of the document.
    pub(crate) fn content(&self) -> String {
        let style = |name: &str, is_shown: bool| {
            format!(
                "<style:style style:name=\"{name}\" style:family=\"table\"><style:table-properties table:display=\"{is_shown}\"/></style:style>"
            )
        };
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content {NAMES} office:version=\"1.3\"><office:automatic-styles>{}{}</office:automatic-styles><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>",
            style("shown", true),
            style("hidden", false),
            self.sheets
        )
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let content = self.content();
        let mut parts = vec![
            MEDIA_TYPE,
            ("content.xml", content.as_bytes()),
            ("META-INF/manifest.xml", MANIFEST.as_bytes()),
        ];
        for (name, content) in &self.others {
            match parts.iter().position(|(part, _)| part == name) {
                Some(place) => parts[place] = (name, content),
                None => parts.push((name, content)),
            }
        }
        zip_of(parts)
    }
}
