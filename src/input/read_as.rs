//! The description of what an input was detected to be, for the summary. Every guess about a file
//! is reported.

use std::fmt;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::decode::Encoding;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::format::Format;
use crate::input::sheet::SheetChoice;

/// The description of what an input was detected to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAs {
    /// Its format.
    pub format: Format,
    /// The delimiter, if it was detected and is not the usual one.
    pub found: Option<Delimiter>,
    /// The container of the text.
    pub container: Container,
    /// The encoding that the text was decoded from; `None` for UTF-8.
    pub encoding: Option<Encoding>,
}

/// The container of an input's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// The file itself.
    File,
    /// Compressed data.
    Compressed(Compression),
    /// A sheet of a workbook.
    Workbook(SheetChoice),
}

impl ReadAs {
    /// Whether the input is what its name says, so that there is nothing to report.
    pub fn is_plain(&self) -> bool {
        self.found.is_none() && self.container == Container::File && self.encoding.is_none()
    }
}

impl fmt::Display for ReadAs {
    /// Writes it as in ``gzip, CSV with `;`, windows-1252`` or ``workbook, sheet `North`; not read:
    /// `South` ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.container {
            Container::File => {}
            Container::Compressed(compression) => write!(f, "{compression}, ")?,
            Container::Workbook(choice) => return write!(f, "workbook, {choice}"),
        }
        match self.format {
            Format::Csv(dialect) => write!(f, "CSV with {dialect}")?,
            Format::Ndjson => f.write_str("NDJSON")?,
        }
        match self.encoding {
            Some(encoding) => write!(f, ", {}", encoding.name()),
            None => Ok(()),
        }
    }
}
