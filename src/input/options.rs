//! What the user says of the inputs.

use crate::input::bytes::decode::EncodingChoice;
use crate::input::bytes::dialect::{Delimiter, Dialect, Escape, Quotes};
use crate::input::bytes::format::{Format, FormatChoice};
use crate::input::mapping::columns::MappingRules;

/// What the user says of the inputs.
#[derive(Debug, Clone, Default)]
pub struct InputRules {
    /// The format (`--format`).
    pub format: FormatChoice,
    /// The delimiter, where it is not to be found out (`--delimiter`).
    pub delimiter: Option<Delimiter>,
    /// The encoding (`--encoding`).
    pub encoding: EncodingChoice,
    /// What a quote at the start of a cell means, where the delimiter does not say it (`--quotes`).
    pub quotes: Option<Quotes>,
    /// Whether a backslash escapes (`--escape`).
    pub escape: Escape,
    /// What rows of CSV mean that have fewer or more cells than the header (`--ragged`).
    pub ragged: Ragged,
    /// Where the columns' names are (`--no-header`, `--columns`, `--header-row`).
    pub header: HeaderRule,
    /// The sheet of a workbook, where it is not the first one (`--sheet`).
    pub sheet: Option<String>,
    /// Which column fills which field (`--map`, `--ignore`).
    pub mapping: MappingRules,
}

/// What a row means that has fewer or more cells than the header (`--ragged`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ragged {
    /// It is invalid.
    #[default]
    Error,
    /// Fields whose cells are missing at the end are left out, and cells too many are dropped where all of them are empty.
    Pad,
}

/// Where the names of a CSV input's columns are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HeaderRule {
    /// In its first record.
    #[default]
    FirstRecord,
    /// On this line, from 1, whatever comes before it.
    Row(u64),
    /// Here: its first record is a row.
    Named(Vec<String>),
}

impl HeaderRule {
    /// How many lines come before the header, whatever is in them.
    pub(crate) fn lines_above(&self) -> u64 {
        match self {
            HeaderRule::Row(row) => row.saturating_sub(1),
            HeaderRule::FirstRecord | HeaderRule::Named(_) => 0,
        }
    }
}

impl InputRules {
    /// The settings of the layout that the user has made. They do not apply to a file of failed rows.
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
        [format, delimiter, escape, encoding, columns, sheet]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The dialect of a CSV input with this delimiter.
    pub(crate) fn dialect(&self, delimiter: Delimiter) -> Dialect {
        Dialect::of(delimiter, self.quotes, self.escape)
    }

    /// The rules for a file of failed rows, which has a layout of its own.
    pub(crate) fn of_failed_rows(&self, format: Format) -> InputRules {
        let (format, delimiter, quotes) = match format {
            Format::Csv(dialect) => (
                FormatChoice::Csv,
                Some(dialect.delimiter),
                Some(dialect.quotes),
            ),
            Format::Ndjson => (FormatChoice::Ndjson, None, None),
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
