//! What custsync itself has written into a file of failed rows, found again when such a file is read: where a row stood in the
//! first input, and which of its fields later rows have set.
//!
//! Such a file is known by its beginning, whatever the settings say, and is read by its own layout: the settings of the layout
//! fit the first input.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::{BYTE_ORDER_MARK, Block};
use super::csv::{CsvRecord, CsvRecords};
use super::dialect::{Delimiter, Dialect, Escape, Quotes};
use super::format::Format;
use super::layout::{CsvLayout, Layout};
use super::mapping::{MappingRules, Target};
use super::members::Members;
use super::quoting::{QuoteFault, without_escapes};
use super::withheld::{UnknownName, Withheld};

/// Columns that custsync itself adds to failed rows start so.
const PREFIX: &str = "custsync_";
/// The first of them: the row's place in the first input.
const ROW_COLUMN: &str = "custsync_row";
/// The one that names the fields that later rows have set.
const OVERTAKEN_COLUMN: &str = "custsync_overtaken";
/// The member that custsync adds to failed NDJSON rows.
const KEY: &str = "custsync";

/// Whether an input holds its rows for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It is an input of the user's.
    First,
    /// custsync wrote it: it holds rows that ended badly in another run.
    FailedRows,
}

/// What becomes of fields that later rows of a customer have set (`--overtaken`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OvertakenRule {
    /// They are left out of the request: an older value never replaces a newer one.
    #[default]
    LeaveOut,
    /// They are sent all the same.
    Send,
}

/// The columns of a CSV input that custsync has added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct OwnColumns {
    /// So many stand in front, where the first of them names the row.
    pub(super) leading: usize,
    /// The column that names the overtaken fields, from 0. It counts wherever it stands.
    pub(super) overtaken: Option<usize>,
}

/// A failed row, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPart<'r> {
    /// Where it stood in the first input, in the bytes of its cell or as JSON; absent where the row does not say it.
    pub place: Option<Cow<'r, [u8]>>,
    /// What was withheld of it before.
    pub overtaken: Overtaken<'r>,
    /// The row as it was in the first input, without what custsync added.
    pub rest: Cow<'r, [u8]>,
    /// Whether all of its texts could be read.
    pub texts: Texts,
}

/// Whether the texts of a row can be written without the escapes of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// They can, or there are no escapes.
    Good,
    /// Some could not be read, and have a backslash behind their quotes now.
    Marked,
}

/// What was withheld of a row before, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overtaken<'r> {
    /// This.
    Read(Withheld),
    /// This cannot be read: the text of a cell, or JSON. It is kept, so that a correction of it can be read.
    Unread(Cow<'r, str>),
}

/// Whether custsync has given a column or key this name.
pub(super) fn is_own(name: &str) -> bool {
    name == KEY || name.starts_with(PREFIX)
}

/// Whether a file of failed rows begins so.
pub(super) fn is_failed_rows(head: &[u8]) -> bool {
    format_of(head, None).is_some()
}

/// The format of a file of failed rows that begins so, where the user says this of quotes; none where it is another input.
pub(super) fn format_of(head: &[u8], quotes: Option<Quotes>) -> Option<Format> {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let blank = head
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let head = head.get(blank..).unwrap_or_default();
    // A name of ours in quotes leaves no doubt about what quotes are.
    let quotes = if head.starts_with(b"\"") {
        Some(Quotes::On)
    } else {
        quotes
    };
    match delimiter_of(head) {
        Some(delimiter) => Some(Format::Csv(Dialect::of(delimiter, quotes, Escape::None))),
        None => begins_with_own_member(head).then_some(Format::Ndjson),
    }
}

/// What stands behind the first column's name. A spreadsheet may have put the name in quotes.
fn delimiter_of(head: &[u8]) -> Option<Delimiter> {
    let (name, quote) = match head.strip_prefix(b"\"") {
        Some(name) => (name, &b"\""[..]),
        None => (head, &b""[..]),
    };
    let behind = name
        .strip_prefix(ROW_COLUMN.as_bytes())?
        .strip_prefix(quote)?;
    Delimiter::new(char::from(*behind.first()?)).ok()
}

fn begins_with_own_member(head: &[u8]) -> bool {
    behind_own_key(head).is_some_and(|value| value.starts_with(b"{"))
}

/// What stands behind the own member's key, where an object begins with it.
fn behind_own_key(object: &[u8]) -> Option<&[u8]> {
    let key = object
        .trim_ascii_start()
        .strip_prefix(b"{")?
        .trim_ascii_start();
    let colon = key
        .strip_prefix(b"\"")?
        .strip_prefix(KEY.as_bytes())?
        .strip_prefix(b"\"")?
        .trim_ascii_start();
    Some(colon.strip_prefix(b":")?.trim_ascii_start())
}

impl OwnColumns {
    /// Those of a header with these names.
    pub(super) fn of(names: &[String], rules: &MappingRules) -> OwnColumns {
        let overtaken = names
            .iter()
            .position(|name| name == OVERTAKEN_COLUMN && names_overtaken(name, rules));
        OwnColumns {
            leading: leading(names.iter().map(String::as_bytes)),
            overtaken,
        }
    }
}

/// How many columns stand in front of a header with these names that custsync has added.
pub(super) fn leading<'n>(names: impl Iterator<Item = &'n [u8]>) -> usize {
    let mut names = names.peekable();
    match names.peek() {
        Some(first) if *first == ROW_COLUMN.as_bytes() => names
            .take_while(|name| name.starts_with(PREFIX.as_bytes()))
            .count(),
        Some(_) | None => 0,
    }
}

/// The number, from 1, by which users and messages know the column at this place, from 0, where so many of custsync's own stand in
/// front: a row's columns have the numbers that they had in the first input. Own columns have numbers among themselves.
pub(super) fn number_of_column(index: usize, own_columns: usize) -> usize {
    index.checked_sub(own_columns).unwrap_or(index) + 1
}

/// What a key of this name says, where custsync has written it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnKey {
    /// All that is said of a row.
    Member,
    /// The overtaken fields, in a text: a file of failed rows that was made a workbook has it.
    Overtaken,
}

impl OwnKey {
    /// The own key of this name.
    pub(super) fn of(name: &str, rules: &MappingRules) -> Option<OwnKey> {
        let key = match name {
            KEY => OwnKey::Member,
            OVERTAKEN_COLUMN => OwnKey::Overtaken,
            _ => return None,
        };
        names_overtaken(name, rules).then_some(key)
    }

    /// What its value withholds.
    pub(super) fn withheld(self, json: &str) -> Result<Withheld, UnknownName> {
        match self {
            OwnKey::Member => withheld_in_member(json),
            OwnKey::Overtaken => match serde_json::from_str::<Option<String>>(json) {
                Ok(text) => Withheld::of_text(&text.unwrap_or_default()),
                Err(_) => Err(UnknownName),
            },
        }
    }
}

/// Whether a column or key is custsync's own: the user may map one of this name to a field.
fn names_overtaken(name: &str, rules: &MappingRules) -> bool {
    match rules.named(name) {
        None | Some(Target::Ignored) => true,
        Some(Target::Id | Target::Field(_)) => false,
    }
}

/// What the own member withholds. One that is no object was not written by custsync, and says nothing.
fn withheld_in_member(json: &str) -> Result<Withheld, UnknownName> {
    let Some(names) = Said::of(json).and_then(|said| said.overtaken) else {
        return Ok(Withheld::NOTHING);
    };
    let names: Vec<Cow<'_, str>> =
        serde_json::from_str(names.get()).map_err(|_error| UnknownName)?;
    Withheld::of_names(names.iter().map(AsRef::as_ref))
}

/// What the own member says, as far as it is read again.
#[derive(Deserialize)]
struct Said<'j> {
    #[serde(default, borrow)]
    row: Option<&'j RawValue>,
    #[serde(default, borrow)]
    overtaken: Option<&'j RawValue>,
}

impl Said<'_> {
    fn of(json: &str) -> Option<Said<'_>> {
        serde_json::from_str(json).ok()
    }
}

/// Takes the bytes of a record apart into what custsync added and what was there before.
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

/// Own columns stand in front, so that they are in line in a row with too few or too many cells, too.
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

/// The cells from a column on, each in quotes: a file of failed rows knows no escapes.
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

/// The own member stands in front, as custsync writes it. What is behind it keeps its bytes, and need not be JSON.
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

/// Own members stand elsewhere, since another program has written the object anew; nothing where it is none.
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
