//! The user's settings for reading inputs: format, delimiter, encoding, quotes, header and mapping.

use crate::download::DownloadOptions;
use crate::input::bytes::decode::EncodingChoice;
use crate::input::bytes::dialect::{Delimiter, Dialect, Escape, Quotes};
use crate::input::bytes::format::{Format, FormatChoice};
use crate::input::bytes::json_path::JsonPath;
use crate::input::mapping::columns::MappingRules;

/// The user's settings for reading inputs.
#[derive(Debug, Clone, Default)]
pub struct InputRules {
    /// The format (`--format`).
    pub format: FormatChoice,
    /// The delimiter, if it is not to be detected (`--delimiter`).
    pub delimiter: Option<Delimiter>,
    /// The encoding (`--encoding`).
    pub encoding: EncodingChoice,
    /// The meaning of a quote at the start of a cell, if it does not follow from the delimiter
    /// (`--quotes`).
    pub quotes: Option<Quotes>,
    /// Whether a backslash escapes (`--escape`).
    pub escape: Escape,
    /// The treatment of CSV rows with fewer or more cells than the header (`--ragged`).
    pub ragged: Ragged,
    /// The place of the column names (`--no-header`, `--columns`, `--header-row`).
    pub header: HeaderRule,
    /// The place of the array in a JSON object (`--json-path`).
    pub json_path: Option<JsonPath>,
    /// The sheet of a workbook, if not the first (`--sheet`).
    pub sheet: Option<String>,
    /// The mapping of columns to fields (`--map`, `--ignore`).
    pub mapping: MappingRules,
    /// The settings for inputs on servers.
    pub download: DownloadOptions,
}

/// The treatment of a row that has fewer or more cells than the header (`--ragged`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ragged {
    /// The row is invalid.
    #[default]
    Error,
    /// Fields whose cells are missing at the end are left out. Extra cells are dropped if all of
    /// them are empty.
    Pad,
}

/// The place of a CSV input's column names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HeaderRule {
    /// The names are the first record.
    #[default]
    FirstRecord,
    /// The names are on this line, from 1. The lines above it are skipped.
    Row(u64),
    /// The user gives the names: the first record is a row.
    Named(Vec<String>),
}

impl HeaderRule {
    /// Returns the number of lines above the header.
    pub(crate) fn lines_above(&self) -> u64 {
        match self {
            HeaderRule::Row(row) => row.saturating_sub(1),
            HeaderRule::FirstRecord | HeaderRule::Named(_) => 0,
        }
    }
}

impl InputRules {
    /// Returns the names of the layout settings that the user has made. They do not apply to a file
    /// of failed rows.
    pub fn layout_settings(&self) -> Vec<&'static str> {
        let columns = match &self.header {
            HeaderRule::FirstRecord => None,
            HeaderRule::Row(_) => Some("header-row"),
            HeaderRule::Named(names) if names.is_empty() => Some("no-header"),
            HeaderRule::Named(_) => Some("columns"),
        };
        let format = (self.format != FormatChoice::Auto).then_some("format");
        let delimiter = self.delimiter.map(|_| "delimiter");
        let encoding = (self.encoding != EncodingChoice::Auto).then_some("encoding");
        let escape = (self.escape != Escape::None).then_some("escape");
        let sheet = self.sheet.as_ref().map(|_| "sheet");
        let json_path = self.json_path.as_ref().map(|_| "json-path");
        [
            format, delimiter, escape, encoding, columns, json_path, sheet,
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns the dialect of a CSV input with this delimiter.
    pub(crate) fn dialect(&self, delimiter: Delimiter) -> Dialect {
        Dialect::of(delimiter, self.quotes, self.escape)
    }

    /// Returns the rules for a workbook of failed rows, which has a layout of its own.
    pub(crate) fn of_failed_workbook(&self) -> InputRules {
        InputRules {
            mapping: self.mapping.clone(),
            ..InputRules::default()
        }
    }

    /// Returns the rules for a file of failed rows, which has a layout of its own.
    pub(crate) fn of_failed_rows(&self, format: Format) -> InputRules {
        let (format, delimiter, quotes) = match format {
            Format::Csv(dialect) => (
                FormatChoice::Csv,
                Some(dialect.delimiter),
                Some(dialect.quotes),
            ),
            Format::Ndjson | Format::JsonArray => (FormatChoice::Ndjson, None, None),
        };
        let (mapping, ragged) = (self.mapping.clone(), self.ragged);
        InputRules {
            format,
            delimiter,
            quotes,
            ragged,
            mapping,
            ..InputRules::default()
        }
    }
}
