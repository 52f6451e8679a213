//! The layout of an input's records: known once its header is read, and shared by all threads that
//! parse its blocks.

use crate::text::is_same_name;

use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::bytes::format::Format;
use crate::input::csv::layout::CsvLayout;
use crate::input::mapping::columns::number_in_name;
use crate::input::mapping::header::Columns;
use crate::input::ndjson::layout::NdjsonLayout;

/// The layout of one input's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Delimited fields below a header.
    Csv(CsvLayout),
    /// One JSON object a line.
    Ndjson(NdjsonLayout),
}

impl Layout {
    /// Returns the input's format.
    pub fn format(&self) -> Format {
        match self {
            Layout::Csv(csv) => Format::Csv(csv.dialect),
            Layout::Ndjson(_) => Format::Ndjson,
        }
    }

    /// Returns whether the rows are original or were written by custsync.
    pub fn origin(&self) -> Origin {
        match self {
            Layout::Csv(csv) if csv.own.leading > 0 => Origin::FailedRows,
            Layout::Csv(_) => Origin::First,
            Layout::Ndjson(ndjson) => ndjson.origin,
        }
    }

    /// Returns whether a file of the input's rows has to begin with a byte order mark.
    pub fn bom(&self) -> Bom {
        match self {
            Layout::Csv(csv) => csv.bom,
            Layout::Ndjson(ndjson) => ndjson.bom,
        }
    }

    /// Whether the input may have a column or key of this name.
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
