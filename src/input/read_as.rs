//! What an input was found to be, for the summary: nothing about a file is guessed in silence.

use std::fmt;

use crate::input::bytes::compression::Compression;
use crate::input::bytes::decode::Encoding;
use crate::input::bytes::dialect::Delimiter;
use crate::input::bytes::format::Format;
use crate::input::sheet::SheetChoice;

/// What an input was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAs {
    /// Its format.
    pub format: Format,
    /// The delimiter, where nobody named it and it is not the usual one.
    pub found: Option<Delimiter>,
    /// What its text is in.
    pub container: Container,
    /// The encoding that it was decoded from; absent for UTF-8.
    pub encoding: Option<Encoding>,
}

/// What an input's text is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Container {
    /// Nothing but the file.
    File,
    /// Compressed data.
    Compressed(Compression),
    /// A sheet of a workbook.
    Workbook(SheetChoice),
}

impl ReadAs {
    /// Whether it is just what its name says, so that there is nothing to tell.
    pub fn is_plain(&self) -> bool {
        self.found.is_none() && self.container == Container::File && self.encoding.is_none()
    }
}

impl fmt::Display for ReadAs {
    /// As in ``gzip, CSV with `;`, windows-1252`` or ``workbook, sheet `North`; not read: `South` ``.
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
