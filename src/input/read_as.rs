//! The description of what an input was detected to be, for the summary. Every guess about a file
//! is reported.

use std::fmt;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::decode::Encoding;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::format::Format;
use crate::input::bytes::json_path::JsonPath;
use crate::input::sheet::SheetChoice;

/// The description of what an input was detected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadAs {
    /// Text.
    Text(TextForm),
    /// A sheet of a workbook.
    Workbook(SheetChoice),
}

/// The form of an input's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextForm {
    /// Its format.
    pub format: Format,
    /// The delimiter, if it was detected and is not the usual one.
    pub found: Option<Delimiter>,
    /// The compression of the text.
    pub compression: Option<Compression>,
    /// The place of the array in a JSON object, if the text is one.
    pub json_path: Option<JsonPath>,
    /// The encoding that the text was decoded from; `None` for UTF-8.
    pub encoding: Option<Encoding>,
}

impl TextForm {
    /// Whether the text begins with the bracket of an array. It is missing where an array was picked
    /// out of an object.
    pub(crate) fn begins_with_bracket(&self) -> bool {
        self.format == Format::JsonArray && self.json_path.is_none()
    }
}

impl ReadAs {
    /// Whether the input is what its name says, so that there is nothing to report.
    pub fn is_plain(&self) -> bool {
        match self {
            ReadAs::Text(text) => {
                text.found.is_none()
                    && text.compression.is_none()
                    && text.json_path.is_none()
                    && text.encoding.is_none()
            }
            ReadAs::Workbook(_) => false,
        }
    }
}

impl fmt::Display for ReadAs {
    /// Writes it as in ``gzip, CSV with `;`, windows-1252`` or ``workbook, sheet `North`; not read:
    /// `South` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            ReadAs::Text(text) => text,
            ReadAs::Workbook(choice) => return write!(f, "workbook, {choice}"),
        };
        if let Some(compression) = text.compression {
            write!(f, "{compression}, ")?;
        }
        match text.format {
            Format::Csv(dialect) => write!(f, "CSV with {dialect}")?,
            Format::Ndjson => f.write_str("NDJSON")?,
            Format::JsonArray => f.write_str("JSON array")?,
        }
        if let Some(path) = &text.json_path {
            write!(f, " at `{path}`")?;
        }
        match text.encoding {
            Some(encoding) => write!(f, ", {}", encoding.name()),
            None => Ok(()),
        }
    }
}
