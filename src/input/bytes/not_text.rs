//! Files that are not rows of text: the message for each, with what to do.

use crate::input::bytes::compression::Compression;

/// A kind of file that is not text. Its message says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// Compressed data within compressed data
    #[error("is {0} data within compressed data: unpack it first")]
    CompressedTwice(Compression),
    /// zip from a pipe, or within compressed data
    #[error(
        "is a zip file, which can be read only from an uncompressed file, not from a pipe: write it to a file first, or pipe in what it holds (unzip -p FILE | custsync run -)"
    )]
    UnseekableZip,
    /// zip within zip
    #[error("is a zip file within a zip file: unpack the outer one first")]
    ZipInZip,
    /// A workbook within zip
    #[error("is a workbook within a zip file: unpack it first")]
    WorkbookInZip,
    /// zip without a workbook in it
    #[error("is a zip file, not a workbook (.xlsx): unpack it first")]
    Zip,
    /// A workbook from a pipe, or within compressed data
    #[error(
        "is a workbook, which can be read only from an uncompressed file, not from a pipe: write it to a file first"
    )]
    UnseekableWorkbook,
    /// A compound file from a pipe, or within compressed data. It may be a workbook.
    #[error(
        "is an Excel workbook (.xls) or another Office document, which can be read only from an uncompressed file, not from a pipe: write it to a file first"
    )]
    UnseekableCompound,
    /// A workbook in a format before Excel 5, in a compound file
    #[error(
        "is a workbook in a format before Excel 5: open it in Excel or LibreOffice and save it as .xlsx"
    )]
    WorkbookBeforeExcel5,
    /// A workbook of Excel 5 to 2003 whose records are encrypted. Excel encrypts one without asking
    /// for a password if its structure is protected.
    #[error(
        "is a workbook (.xls) that is encrypted, with a password or because it is protected: remove both in Excel and save it"
    )]
    EncryptedOldWorkbook,
    /// A zip archive on a server
    #[error("is a zip file, which can be read only from a file on this machine: download it first")]
    ZipOnServer,
    /// A workbook on a server
    #[error(
        "is an Excel workbook, which can be read only from a file on this machine: download it first"
    )]
    WorkbookOnServer,
    /// A workbook with a password
    #[error("is a workbook that is encrypted with a password: save it without one")]
    EncryptedWorkbook,
    /// An HTML page
    #[error(
        "is an HTML page, not a workbook or CSV, whatever its name says: open it in Excel and save it as .xlsx or as CSV (UTF-8)"
    )]
    Html,
    /// An HTML page that a server sends
    #[error(
        "is an HTML page, not the file: does the server ask for a login? (--input-token-file FILE gives it a token)"
    )]
    HtmlOfServer,
    /// A workbook in the XML format of Excel 2003
    #[error(
        "is an Excel 2003 XML workbook, not an .xlsx, whatever its name says: open it in Excel and save it as .xlsx or as CSV (UTF-8)"
    )]
    XmlWorkbook,
    /// An OpenDocument file that is one XML file
    #[error("is a flat OpenDocument file (.fods): save it as .ods, .xlsx or CSV (UTF-8)")]
    FlatOpenDocument,
    /// XML
    #[error("is XML: convert it to CSV (UTF-8) or NDJSON")]
    Xml,
    /// Another kind of file
    #[error("{what}: {way_out}")]
    Other {
        /// The kind of file.
        what: &'static str,
        /// The remedy.
        way_out: &'static str,
    },
    /// UTF-32
    #[error("is UTF-32: save it as UTF-8")]
    Utf32,
    /// UTF-16 without a byte order mark, in this byte order
    #[error("is UTF-16 without a byte order mark: --encoding {0}")]
    Utf16(&'static str),
    /// Many control bytes
    #[error("is binary, not text: it has many control bytes")]
    Binary,
}

impl NotText {
    /// Returns the kind of a file that is a member of a zip archive.
    pub(crate) fn in_archive(self) -> NotText {
        match self {
            NotText::UnseekableZip | NotText::Zip => NotText::ZipInZip,
            NotText::UnseekableWorkbook
            | NotText::UnseekableCompound
            | NotText::WorkbookBeforeExcel5
            | NotText::EncryptedOldWorkbook
            | NotText::EncryptedWorkbook => NotText::WorkbookInZip,
            NotText::CompressedTwice(_)
            | NotText::ZipInZip
            | NotText::WorkbookInZip
            | NotText::WorkbookOnServer
            | NotText::ZipOnServer
            | NotText::Html
            | NotText::HtmlOfServer
            | NotText::XmlWorkbook
            | NotText::FlatOpenDocument
            | NotText::Xml
            | NotText::Other { .. }
            | NotText::Utf32
            | NotText::Utf16(_)
            | NotText::Binary => self,
        }
    }

    /// Returns the kind of a file that is on a server.
    pub(crate) fn on_server(self) -> NotText {
        match self {
            NotText::UnseekableZip => NotText::ZipOnServer,
            NotText::UnseekableWorkbook | NotText::UnseekableCompound => NotText::WorkbookOnServer,
            NotText::Html => NotText::HtmlOfServer,
            other => other,
        }
    }
}
