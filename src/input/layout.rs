//! The layout of an input's records, of whatever format. This is the one place that knows all
//! formats.

use crate::input::blocks::block::Block;
use crate::input::bytes::decode::Bom;
use crate::input::bytes::failed_rows::Origin;
use crate::input::csv::layout::CsvLayout;
use crate::input::mapping::kept_value::{ColumnFit, KeptColumn, KeptRow};
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::mapping::own_part::OwnPart;
use crate::input::mapping::record::{Record, RowRules};
use crate::input::mapping::record_layout::RecordLayout;
use crate::input::ndjson::layout::NdjsonLayout;
use crate::input::sheet::layout::SheetLayout;
use crate::input::{csv, sheet};

/// The layout of one input's records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// Delimited fields below a header.
    Csv(CsvLayout),
    /// JSON objects.
    Ndjson(NdjsonLayout),
    /// Typed cells below a header.
    Sheet(SheetLayout),
}

/// Calls a method of [`RecordLayout`].
macro_rules! each {
    ($layout:expr, $format:ident => $call:expr) => {
        match $layout {
            Layout::Csv($format) => $call,
            Layout::Ndjson($format) => $call,
            Layout::Sheet($format) => $call,
        }
    };
}

impl Layout {
    /// Returns whether the rows are original or were written by custsync.
    pub fn origin(&self) -> Origin {
        each!(self, layout => layout.origin())
    }

    /// Returns whether a file of the input's rows has to begin with a byte order mark.
    pub fn bom(&self) -> Bom {
        each!(self, layout => layout.bom())
    }

    /// Whether the input may have a column or key of this name.
    pub fn may_have(&self, name: &str) -> bool {
        each!(self, layout => layout.may_have(name))
    }

    /// Returns the header names that were matched loosely (`--loose-headers`).
    pub fn loose_columns(&self) -> &[LooseColumn] {
        each!(self, layout => layout.loose_columns())
    }

    /// Reads and checks the records of a block, and passes each to `visit`, in order. The cells of
    /// the first `explained` records are explained. Returns the number of blank CSV rows (delimiters
    /// only) that were skipped.
    pub fn parse(
        &self,
        block: &Block,
        rules: &RowRules,
        explained: u64,
        visit: &mut impl FnMut(Record<'_>),
    ) -> u64 {
        let skipped = each!(self, layout => layout.parse(block, rules, explained, visit));
        block.blank_rows_before + skipped
    }

    /// Returns the end of each record in a block, after its line end.
    pub(crate) fn record_ends<'b>(&self, block: &'b Block) -> Box<dyn Iterator<Item = usize> + 'b> {
        each!(self, layout => layout.record_ends(block))
    }

    /// Returns a block without its first `count` bytes, which are whole records.
    pub(crate) fn without_first(&self, block: Block, count: usize) -> Block {
        each!(self, layout => layout.without_first(block, count))
    }

    /// Splits the bytes of a record into custsync's part and the original row.
    pub fn own_part<'r>(&self, raw: &'r [u8]) -> OwnPart<'r> {
        each!(self, layout => layout.own_part(raw))
    }

    /// Returns the columns of a workbook that holds the input's rows, without custsync's; `None` if
    /// no workbook can hold them.
    pub(crate) fn kept_columns(&self) -> Option<Vec<KeptColumn<'_>>> {
        match self {
            Layout::Sheet(sheet) => Some(sheet::kept::columns(sheet)),
            Layout::Csv(csv) => Some(csv::kept::columns(csv)),
            Layout::Ndjson(_) => None,
        }
    }

    /// Returns the cells of a row from which custsync's part was removed. An NDJSON row has none.
    pub(crate) fn kept_row<'r>(&self, row: &'r [u8]) -> KeptRow<'r> {
        let cells = match self {
            Layout::Csv(csv) => return csv::kept::row(row, csv),
            Layout::Sheet(sheet) => sheet::kept::cells(row, sheet),
            Layout::Ndjson(_) => Vec::new(),
        };
        KeptRow {
            cells,
            fit: ColumnFit::Even,
        }
    }

    /// Returns the name of the sheet that is read, if the input is a workbook.
    pub(crate) fn sheet_name(&self) -> Option<&str> {
        match self {
            Layout::Sheet(sheet) => Some(sheet.sheet()),
            Layout::Csv(_) | Layout::Ndjson(_) => None,
        }
    }

    /// Returns the CSV layout in which failed rows are written; `None` if the input is
    /// no CSV.
    pub fn delimited(&self) -> Option<&CsvLayout> {
        match self {
            Layout::Csv(csv) => Some(csv),
            Layout::Ndjson(_) | Layout::Sheet(_) => None,
        }
    }
}
