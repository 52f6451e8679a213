//! What an input's records look like: known once its header is read, and shared by all who parse its blocks.

use crate::text::is_same_name;

use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::bytes::format::Format;
use crate::input::csv::layout::CsvLayout;
use crate::input::mapping::columns::number_in_name;
use crate::input::mapping::header::Columns;
use crate::input::ndjson::layout::NdjsonLayout;

/// How the records of one input are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Delimited fields below a header.
    Csv(CsvLayout),
    /// One JSON object a line.
    Ndjson(NdjsonLayout),
}

impl Layout {
    /// The input's format.
    pub fn format(&self) -> Format {
        match self {
            Layout::Csv(csv) => Format::Csv(csv.dialect),
            Layout::Ndjson(_) => Format::Ndjson,
        }
    }

    /// Whether the input holds its rows for the first time.
    pub fn origin(&self) -> Origin {
        match self {
            Layout::Csv(csv) if csv.own.leading > 0 => Origin::FailedRows,
            Layout::Csv(_) => Origin::First,
            Layout::Ndjson(ndjson) => ndjson.origin,
        }
    }

    /// Whether a file of its rows has to begin with a byte order mark.
    pub fn bom(&self) -> Bom {
        match self {
            Layout::Csv(csv) => csv.bom,
            Layout::Ndjson(ndjson) => ndjson.bom,
        }
    }

    /// Whether a column or key of this name may be in the input.
    pub fn may_have(&self, name: &str) -> bool {
        match self {
            Layout::Csv(csv) => {
                let Columns { names, loosely, .. } = &csv.columns;
                names.iter().any(|column| is_same_name(column, name))
                    || loosely.iter().any(|column| column.matched_name == name)
                    || number_in_name(name)
                        .is_some_and(|number| number <= names.len() - csv.own.leading)
            }
            Layout::Ndjson(_) => true,
        }
    }
}
