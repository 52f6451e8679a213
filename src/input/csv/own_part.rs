//! Splits a CSV record of failed rows into custsync's cells and the original ones.

use std::borrow::Cow;

use bytes::Bytes;

use crate::input::blocks::block::Block;
use crate::input::bytes::dialect::Escape;
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::quoting::{QuoteFault, without_escapes};
use crate::input::csv::records::{CsvRecord, CsvRecords};
use crate::input::mapping::own_columns::OwnColumns;
use crate::input::mapping::own_part::{Overtaken, OwnPart, Texts};
use crate::input::mapping::withheld::{UnknownName, Withheld};

/// Splits a CSV record. custsync's columns come first, so that they are in place even in a row with
/// too few or too many cells.
pub(crate) fn of_record<'r>(raw: &'r [u8], layout: &CsvLayout) -> OwnPart<'r> {
    let OwnColumns { leading, overtaken } = layout.own;
    let escape = layout.dialect.escape;
    if leading == 0 && overtaken.is_none() && escape == Escape::None {
        return OwnPart::nothing(raw);
    }
    let block = Block::new(Bytes::copy_from_slice(raw), 1, 0);
    let mut records = CsvRecords::of(&block, layout.dialect);
    let Some(record) = records.next() else {
        return OwnPart::nothing(raw);
    };
    let is_in_line = |column: usize| column < leading || record.columns() == layout.names().len();
    let overtaken = match overtaken.filter(|column| is_in_line(*column)) {
        None => Overtaken::Read(Withheld::NOTHING),
        Some(column) => {
            let cell = record.unquoted().nth(column).unwrap_or_default();
            match std::str::from_utf8(&cell).map(Withheld::of_text) {
                Ok(Ok(withheld)) => Overtaken::Read(withheld),
                Ok(Err(UnknownName)) | Err(_) => {
                    Overtaken::Unread(Cow::Owned(String::from_utf8_lossy(&cell).into_owned()))
                }
            }
        }
    };
    let place = raw
        .get(record.place_of(0))
        .filter(|place| leading > 0 && !place.is_empty());
    let place = place.map(Cow::Borrowed);
    match escape {
        Escape::None => {
            let rest = Cow::Borrowed(
                raw.get(record.place_of(leading).start..)
                    .unwrap_or_default(),
            );
            OwnPart {
                place,
                overtaken,
                rest,
                texts: Texts::Good,
            }
        }
        Escape::Backslash => {
            let (rest, texts) = cells_without_escapes(&record, leading);
            OwnPart {
                place,
                overtaken,
                rest: Cow::Owned(rest),
                texts,
            }
        }
    }
}

/// Returns the cells from a column on, each in quotes. A file of failed rows has no escapes.
fn cells_without_escapes(record: &CsvRecord<'_, '_>, from: usize) -> (Vec<u8>, Texts) {
    let dialect = record.dialect();
    let raw_cells: Vec<_> = record.raw_cells().skip(from).collect();
    let texts = if raw_cells
        .iter()
        .any(|cell| QuoteFault::of(cell, dialect).is_some())
    {
        Texts::Marked
    } else {
        Texts::Good
    };
    let cells: Vec<_> = raw_cells
        .into_iter()
        .map(|cell| without_escapes(cell, dialect))
        .collect();
    (cells.join(&dialect.delimiter.byte()), texts)
}
