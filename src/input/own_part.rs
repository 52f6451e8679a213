//! Splits a failed row into the part that custsync wrote and the original row.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::input::blocks::block::Block;
use crate::input::bytes::dialect::Escape;
use crate::input::bytes::failed_rows::{KEY, ROW_COLUMN, behind_own_key, is_own};
use crate::input::csv::layout::CsvLayout;
use crate::input::csv::quoting::{QuoteFault, without_escapes};
use crate::input::csv::records::{CsvRecord, CsvRecords};
use crate::input::layout::Layout;
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::own_columns::{OwnColumns, OwnKey, Said, withheld_in_member};
use crate::input::mapping::withheld::{UnknownName, Withheld};
use crate::input::ndjson::members::Members;

/// A failed row, split into custsync's part and the original row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPart<'r> {
    /// The row's place in the first input, as the bytes of its cell or as JSON. `None` if the row
    /// does not have it.
    pub place: Option<Cow<'r, [u8]>>,
    /// The names of what was withheld from the row before.
    pub overtaken: Overtaken<'r>,
    /// The row as it was in the first input, without custsync's part.
    pub rest: Cow<'r, [u8]>,
    /// Whether all texts of the row could be read.
    pub texts: Texts,
}

/// Whether the texts of a row can be written without the escapes of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// All can, or there are no escapes.
    Good,
    /// Some could not be read. They are now marked with a backslash after their quotes.
    Marked,
}

/// The names of what was withheld from a row before, as the row has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overtaken<'r> {
    /// The names were read.
    Read(Withheld),
    /// The names could not be read: the text of a cell, or JSON. It is kept so that a correction of
    /// it can be read.
    Unread(Cow<'r, str>),
}

/// Splits the bytes of a record into custsync's part and the original row.
pub fn own_part<'r>(raw: &'r [u8], layout: &Layout) -> OwnPart<'r> {
    match layout {
        Layout::Csv(csv) => of_csv(raw, csv),
        Layout::Ndjson(ndjson) => of_object(raw, ndjson.mapping()),
    }
}

fn nothing_own(raw: &[u8]) -> OwnPart<'_> {
    OwnPart {
        place: None,
        overtaken: Overtaken::Read(Withheld::NOTHING),
        rest: Cow::Borrowed(raw),
        texts: Texts::Good,
    }
}

/// Splits a CSV record. custsync's columns come first, so that they are in place even in a row with
/// too few or too many cells.
fn of_csv<'r>(raw: &'r [u8], layout: &CsvLayout) -> OwnPart<'r> {
    let OwnColumns { leading, overtaken } = layout.own;
    let escape = layout.dialect.escape;
    if leading == 0 && overtaken.is_none() && escape == Escape::None {
        return nothing_own(raw);
    }
    let block = Block::new(Bytes::copy_from_slice(raw), 1, 0);
    let mut records = CsvRecords::of(&block, layout.dialect);
    let Some(record) = records.next() else {
        return nothing_own(raw);
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

fn of_object<'r>(raw: &'r [u8], mapping: &MappingRules) -> OwnPart<'r> {
    if memchr::memmem::find(raw, KEY.as_bytes()).is_none() {
        return nothing_own(raw);
    }
    match of_first_member(raw) {
        Some(part) => part,
        None => of_members(raw, mapping).unwrap_or_else(|| nothing_own(raw)),
    }
}

/// Splits an object whose first member is custsync's, as it writes it. The bytes after it are kept,
/// and need not be JSON.
fn of_first_member(raw: &[u8]) -> Option<OwnPart<'_>> {
    let value = behind_own_key(raw)?;
    let mut values = serde_json::Deserializer::from_slice(value).into_iter::<&RawValue>();
    let json = values.next()?.ok()?;
    let behind = value.get(values.byte_offset()..)?.trim_ascii_start();
    let said = Said::of(json.get())?;
    let members = behind.strip_prefix(b",").unwrap_or(behind);
    let rest = [b"{", members].concat();
    let overtaken = match withheld_in_member(json.get()) {
        Ok(withheld) => Overtaken::Read(withheld),
        Err(UnknownName) => Overtaken::Unread(Cow::Borrowed(
            said.overtaken.map(RawValue::get).unwrap_or_default(),
        )),
    };
    Some(OwnPart {
        place: json_of(said.row),
        overtaken,
        rest: Cow::Owned(rest),
        texts: Texts::Good,
    })
}

fn json_of(json: Option<&RawValue>) -> Option<Cow<'_, [u8]>> {
    json.map(|json| Cow::Borrowed(json.get().as_bytes()))
}

/// Splits an object whose own members are elsewhere, because another program rewrote it. `None` if
/// it has none.
fn of_members<'r>(raw: &'r [u8], mapping: &MappingRules) -> Option<OwnPart<'r>> {
    let Members(members) = serde_json::from_slice(raw).ok()?;
    let mut part = OwnPart {
        rest: Cow::Owned(b"{".to_vec()),
        ..nothing_own(raw)
    };
    let mut before = Withheld::NOTHING;
    for (name, value) in &members {
        let json = value.get();
        if let Some(key) = OwnKey::of(name, mapping) {
            match key.withheld(json) {
                Ok(withheld) => before = before.union(withheld),
                Err(UnknownName) => part.overtaken = Overtaken::Unread(Cow::Owned(json.to_owned())),
            }
        }
        let row = Said::of(json)
            .filter(|_| name == KEY)
            .and_then(|said| said.row.map(RawValue::get));
        if let Some(place) = row.or_else(|| Some(json).filter(|_| name == ROW_COLUMN)) {
            part.place = Some(Cow::Owned(place.as_bytes().to_vec()));
        }
        if !is_own(name) || mapping.named(name).is_some() {
            let rest = part.rest.to_mut();
            if rest.len() > 1 {
                rest.push(b',');
            }
            rest.extend_from_slice(
                serde_json::to_string(name)
                    .expect("a text serialises")
                    .as_bytes(),
            );
            rest.push(b':');
            rest.extend_from_slice(json.as_bytes());
        }
    }
    part.rest.to_mut().push(b'}');
    if let Overtaken::Read(withheld) = &mut part.overtaken {
        *withheld = before;
    }
    Some(part)
}
