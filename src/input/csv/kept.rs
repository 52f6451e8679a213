//! The cells of a CSV record, as they are written into a workbook: each as text, so that a
//! spreadsheet program changes none.

use std::borrow::Cow;

use bytes::Bytes;

use crate::input::blocks::block::Block;
use crate::input::bytes::dialect::{Dialect, Escape, Quotes};
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::records::CsvRecords;
use crate::input::mapping::kept_value::{ColumnFit, KeptColumn, KeptRow, KeptValue};

/// Returns the columns of the input, without custsync's.
pub(crate) fn columns(layout: &CsvLayout) -> Vec<KeptColumn<'_>> {
    let names = layout.names().iter().skip(layout.own_columns());
    names
        .map(|name| KeptColumn {
            name,
            is_text: true,
        })
        .collect()
}

/// Returns the cells of a record without custsync's. Bytes that are no text are replaced.
pub(crate) fn row<'r>(row: &[u8], layout: &CsvLayout) -> KeptRow<'r> {
    let block = Block::new(Bytes::copy_from_slice(row), 1, 0);
    let mut records = CsvRecords::of(&block, dialect(layout));
    let texts: Vec<String> = records.next().map_or_else(Vec::new, |record| {
        record
            .unquoted()
            .map(|cell| String::from_utf8_lossy(&cell).into_owned())
            .collect()
    });
    let header = layout.names().len().saturating_sub(layout.own_columns());
    let fit = match texts.len().cmp(&header) {
        std::cmp::Ordering::Less => ColumnFit::Short,
        std::cmp::Ordering::Equal => ColumnFit::Even,
        std::cmp::Ordering::Greater => ColumnFit::Long,
    };
    let cells = texts.into_iter().enumerate();
    let cells = cells.filter(|(_, text)| !text.is_empty());
    KeptRow {
        cells: cells
            .map(|(column, text)| (column, KeptValue::Text(Cow::Owned(text))))
            .collect(),
        fit,
    }
}

/// Returns the dialect of a record without custsync's cells: it has no escapes any more.
fn dialect(layout: &CsvLayout) -> Dialect {
    let dialect = layout.dialect();
    match dialect.escape {
        Escape::None => dialect,
        Escape::Backslash => Dialect::of(dialect.delimiter, Some(Quotes::On), Escape::None),
    }
}
