//! The formats of inputs, as the user chooses them and as they are read.

use crate::input::bytes::dialect::Dialect;

/// The format that the user chooses (`--format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormatChoice {
    /// Detected by the file's extension, or else by its content.
    #[default]
    Auto,
    /// Comma-separated values (RFC 4180), or another delimiter.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// JSON: one object a line, or one array of objects.
    Ndjson,
}

/// The format of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Records of delimited fields below a header.
    Csv(Dialect),
    /// One JSON object a line.
    Ndjson,
    /// One JSON array of objects.
    JsonArray,
}
