//! Splits an object of failed rows into custsync's member and the original ones.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::input::bytes::failed_rows::{KEY, ROW_COLUMN, behind_own_key, is_own};
use crate::input::mapping::columns::MappingRules;
use crate::input::mapping::own_columns::{OwnKey, Said, withheld_in_member};
use crate::input::mapping::own_part::{Overtaken, OwnPart, Texts};
use crate::input::mapping::withheld::{UnknownName, Withheld};
use crate::input::ndjson::members::Members;

/// Splits an object.
pub(crate) fn of_object<'r>(raw: &'r [u8], mapping: &MappingRules) -> OwnPart<'r> {
    if memchr::memmem::find(raw, KEY.as_bytes()).is_none() {
        return OwnPart::nothing(raw);
    }
    match of_first_member(raw) {
        Some(part) => part,
        None => of_members(raw, mapping).unwrap_or_else(|| OwnPart::nothing(raw)),
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
        ..OwnPart::nothing(raw)
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
