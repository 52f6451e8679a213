//! The cells of a row that was kept as JSON, with the types that they had in the sheet.
//!
//! JSON has no dates. [`DATE_MARK`] in front of a value says that its cell was one. Readers of JSON
//! ignore it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::contract::SheetFault;
use crate::input::bytes::failed_rows::{KEY, ROW_COLUMN};
use crate::input::mapping::columns::{MappingRules, number_in_name};
use crate::input::mapping::kept_value::{KeptColumn, KeptValue};
use crate::input::mapping::own_columns::OwnKey;
use crate::input::mapping::own_part::{Overtaken, OwnPart, Texts};
use crate::input::mapping::withheld::{UnknownName, Withheld};

use super::days::number_of;
use super::layout::{SheetLayout, is_own_column};

/// The byte between a key's colon and a value that was a date.
pub(crate) const DATE_MARK: u8 = b' ';
/// An empty cell as JSON.
const EMPTY: &str = "\"\"";
/// The spreadsheet error in place of a fault that no spreadsheet error has.
const OTHER_ERROR: &str = "#VALUE!";

/// A member of a row, as [`SheetRows`](super::source::SheetRows) writes it.
struct KeptMember<'r> {
    /// The name as JSON.
    key: &'r str,
    is_date: bool,
    json: &'r str,
    /// The key and the value.
    bytes: &'r [u8],
}

/// The members of a row, in order.
struct KeptMembers<'r> {
    /// The bytes behind the last member, from the comma on; at first the whole object.
    rest: &'r [u8],
}

/// A cell that is not empty and has no value.
#[derive(Deserialize)]
struct KeptFault<'r> {
    error: &'r str,
    #[serde(default)]
    number: Option<f64>,
    #[serde(default, borrow)]
    date: Option<Cow<'r, str>>,
}

/// Returns the columns of a sheet, without custsync's.
pub(crate) fn columns(layout: &SheetLayout) -> Vec<KeptColumn<'_>> {
    let columns = layout.columns.names.iter().enumerate();
    columns
        .filter(|(index, _)| !layout.is_own(*index))
        .map(|(index, name)| KeptColumn {
            name,
            is_text: layout.is_text(index),
        })
        .collect()
}

/// Returns the cells of a row from which custsync's part was removed, by ascending columns. Columns
/// are counted from 0, without custsync's. Empty cells are left out.
pub(crate) fn cells<'r>(row: &'r [u8], layout: &SheetLayout) -> Vec<(usize, KeptValue<'r>)> {
    let mut cells = Vec::new();
    let (mut column, mut own_columns) = (0, 0);
    for member in (KeptMembers { rest: row }) {
        // All columns with a name have a member; one without a name has it if it has a value.
        while column < layout.len() && !member.is_of(column, layout) {
            own_columns += usize::from(layout.is_own(column));
            column += 1;
        }
        if column >= layout.len()
            && let Some(number) = text_of(member.key).as_deref().and_then(number_in_name)
        {
            column = column.max(number - 1 + own_columns);
        }
        if let Some(value) = member.value() {
            cells.push((column.saturating_sub(own_columns), value));
        }
        column += 1;
    }
    cells
}

/// Splits a row into custsync's part and the original one.
pub(crate) fn own_part<'r>(row: &'r [u8], mapping: &MappingRules) -> OwnPart<'r> {
    if memchr::memmem::find(row, KEY.as_bytes()).is_none() {
        return OwnPart::nothing(row);
    }
    let (mut rest, mut place, mut unread) = (Vec::new(), None, None);
    let mut before = Withheld::NOTHING;
    for member in (KeptMembers { rest: row }) {
        let name = text_of(member.key).unwrap_or_default();
        if let Some(key) = OwnKey::of(&name, mapping) {
            match key.withheld(member.json) {
                Ok(withheld) => before = before.union(withheld),
                Err(UnknownName) => unread = Some(member.json),
            }
        }
        if !is_own_column(&name, mapping) {
            rest.push(if rest.is_empty() { b'{' } else { b',' });
            rest.extend_from_slice(member.bytes);
        } else if name == ROW_COLUMN && member.json != EMPTY {
            place = Some(Cow::Borrowed(member.json.as_bytes()));
        }
    }
    rest.extend_from_slice(if rest.is_empty() { b"{}" } else { b"}" });
    OwnPart {
        place,
        overtaken: unread.map_or(Overtaken::Read(before), |json| {
            Overtaken::Unread(Cow::Borrowed(json))
        }),
        rest: Cow::Owned(rest),
        texts: Texts::Good,
    }
}

impl<'r> KeptMember<'r> {
    /// Whether it is the member of the column at this place, from 0.
    fn is_of(&self, column: usize, layout: &SheetLayout) -> bool {
        match layout.key(column) {
            Some(key) => key == self.key,
            None => text_of(self.key).is_some_and(|name| name == layout.name_by_number(column)),
        }
    }

    /// Returns the value of its cell; `None` if the cell is empty.
    fn value(&self) -> Option<KeptValue<'r>> {
        let json = self.json;
        Some(match json.as_bytes().first()? {
            b'"' if json == EMPTY => return None,
            b'"' if self.is_date => date(text_of(json)?),
            b'"' => KeptValue::Text(text_of(json)?),
            b't' => KeptValue::Boolean(true),
            b'f' => KeptValue::Boolean(false),
            b'{' => serde_json::from_str::<KeptFault<'_>>(json).ok()?.value(),
            _ if self.is_date => KeptValue::Day(json.parse().ok()?),
            _ => KeptValue::Number(json),
        })
    }
}

impl<'r> KeptFault<'r> {
    /// Returns a value that is read as the same fault, or as another error if no cell that a
    /// spreadsheet program opens has this fault.
    fn value(self) -> KeptValue<'r> {
        if let Some(number) = self.number {
            return KeptValue::Day(number);
        }
        if let Some(text) = self.date {
            return date(text);
        }
        // Only the names of errors that a spreadsheet shows begin so.
        KeptValue::Error(match SheetFault::of_error(self.error) {
            SheetFault::Error(error) if error.starts_with('#') => error,
            SheetFault::Error(_)
            | SheetFault::NoResult
            | SheetFault::Date
            | SheetFault::NoDay
            | SheetFault::Duration
            | SheetFault::Unreadable => OTHER_ERROR,
        })
    }
}

impl<'r> Iterator for KeptMembers<'r> {
    type Item = KeptMember<'r>;

    fn next(&mut self) -> Option<KeptMember<'r>> {
        let start = self
            .rest
            .strip_prefix(b"{")
            .or_else(|| self.rest.strip_prefix(b","))?;
        let (key, behind) = json_value(start)?;
        let behind = behind.strip_prefix(b":")?;
        let marked = behind.strip_prefix(&[DATE_MARK]);
        let (json, behind) = json_value(marked.unwrap_or(behind))?;
        self.rest = behind;
        Some(KeptMember {
            key,
            is_date: marked.is_some(),
            json,
            bytes: start.get(..start.len() - behind.len())?,
        })
    }
}

/// Splits bytes behind the JSON value at their start.
fn json_value(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<&RawValue>();
    let json = values.next()?.ok()?;
    Some((json.get(), bytes.get(values.byte_offset()..)?))
}

/// Returns the text of a JSON string.
fn text_of(json: &str) -> Option<Cow<'_, str>> {
    let inside = json.strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        serde_json::from_str(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// Returns the value of a cell that was a date and is this text.
fn date(text: Cow<'_, str>) -> KeptValue<'_> {
    match number_of(&text) {
        Some(number) => KeptValue::Day(number),
        None => KeptValue::IsoDate(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::mapping::header;

    fn layout(names: &[&str]) -> SheetLayout {
        let mapping = MappingRules::new(&[], &["x".to_owned()]).expect("good rules");
        let names = csv::ByteRecord::from(names.to_vec());
        let columns = header::read(&names, 1, &mapping).expect("a good header");
        SheetLayout::new(columns, &mapping, "S".to_owned())
    }

    #[test]
    fn cells_keep_their_column_and_type() {
        let check = |names: &[&str], row: &str, want: &[(usize, KeptValue<'_>)]| {
            let found = cells(row.as_bytes(), &layout(names));
            assert_eq!(found, want, "{row}");
        };
        let text = |text: &'static str| KeptValue::Text(Cow::Borrowed(text));
        check(
            &["id", "", "date_of_birth", "x", "x", "job"],
            r#"{"id":1e15,"column 2":"b","date_of_birth": "1985-04-12T12:00:00Z","x": 31149.0,"x":"","job":"a\"\n","column 9":true}"#,
            &[
                (0, KeptValue::Number("1e15")),
                (1, text("b")),
                (2, KeptValue::Day(31149.5)),
                (3, KeptValue::Day(31149.0)),
                (5, text("a\"\n")),
                (8, KeptValue::Boolean(true)),
            ],
        );
        check(
            &["custsync_row", "custsync_x", "", "id", "custsync_y", "job"],
            r#"{"id":"1985-04-12","job": "1850-01-01","column 7":"c"}"#,
            &[
                (1, text("1985-04-12")),
                (2, KeptValue::IsoDate("1850-01-01".into())),
                (6, text("c")),
            ],
        );
        check(
            &["id", "job", "email", "address", "last_name", "first_name"],
            r##"{"id": {"error":"date","number":60.0},"job":{"error":"#N/A"},"email":{"error":"unreadable"},"address": {"error":"date","date":"1985-04-12"},"last_name": {"error":"no day","number":-1.0},"first_name":{"error":"an error"}}"##,
            &[
                (0, KeptValue::Day(60.0)),
                (1, KeptValue::Error("#N/A")),
                (2, KeptValue::Error(OTHER_ERROR)),
                (3, KeptValue::Day(31149.0)),
                (4, KeptValue::Day(-1.0)),
                (5, KeptValue::Error(OTHER_ERROR)),
            ],
        );
    }

    #[test]
    fn custsync_s_part_is_split_off() {
        let check = |row: &str, place: Option<&str>, overtaken: Overtaken<'_>, rest: &str| {
            let mapping = MappingRules::default();
            let part = own_part(row.as_bytes(), &mapping);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(part.place.as_deref().map(text).as_deref(), place, "{row}");
            assert_eq!(
                (part.overtaken, text(&part.rest).as_str()),
                (overtaken, rest)
            );
        };
        let nothing = || Overtaken::Read(Withheld::NOTHING);
        check(r#"{"id":1}"#, None, nothing(), r#"{"id":1}"#);
        check(
            r#"{"custsync_row":"a.xlsx:2","custsync_overtaken":"email, cut_off","id": "1985-04-12","job":"custsync"}"#,
            Some("\"a.xlsx:2\""),
            Overtaken::Read(Withheld::of_text("email cut_off").expect("known names")),
            r#"{"id": "1985-04-12","job":"custsync"}"#,
        );
        check(
            r#"{"id":1,"custsync_row":"","custsync_overtaken":"emial"}"#,
            None,
            Overtaken::Unread("\"emial\"".into()),
            r#"{"id":1}"#,
        );
    }
}
