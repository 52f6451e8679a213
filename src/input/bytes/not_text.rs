//! Files that hold no text: what each is, and the way out.

use crate::input::bytes::compression::Compression;

/// What a file without text is. The ways out are said with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// Compressed data in compressed data
    #[error("is {0} data within compressed data: unpack it first")]
    CompressedTwice(Compression),
    /// zip without a workbook in it
    #[error("is a zip file, not a workbook (.xlsx): unpack it first")]
    Zip,
    /// A workbook that comes out of a pipe, or out of compressed data
    #[error(
        "is an Excel workbook, which is read only as a file of its own, neither piped nor compressed: write it to a file first"
    )]
    UnseekableWorkbook,
    /// A workbook of the format before 2007
    #[error("is a workbook in an old format (.xls): save it as .xlsx or as CSV (UTF-8)")]
    OldWorkbook,
    /// A workbook with a password
    #[error("is a workbook that is encrypted with a password: save it without one")]
    EncryptedWorkbook,
    /// An HTML page
    #[error(
        "is an HTML page, not a workbook or CSV, whatever its name says: open it in Excel and save it as .xlsx or as CSV (UTF-8)"
    )]
    Html,
    /// A workbook in the XML of 2003
    #[error(
        "is an XML workbook of 2003, not an .xlsx, whatever its name says: open it in Excel and save it as .xlsx or as CSV (UTF-8)"
    )]
    XmlWorkbook,
    /// XML
    #[error("is XML: convert it to CSV (UTF-8) or NDJSON")]
    Xml,
    /// Another kind of file
    #[error("{what}: {way_out}")]
    Other {
        /// What it is.
        what: &'static str,
        /// What to do with it.
        way_out: &'static str,
    },
    /// UTF-32
    #[error("is UTF-32: save it as UTF-8")]
    Utf32,
    /// UTF-16 without a byte order mark, in this order of bytes
    #[error("is UTF-16 without a byte order mark: --encoding {0}")]
    Utf16(&'static str),
    /// Many control bytes
    #[error("is binary, not text: it is full of bytes that no text has")]
    Binary,
}
