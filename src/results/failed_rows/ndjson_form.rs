//! Failed rows as NDJSON: custsync's member, then the row's members.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::remarks::Remarks;
use crate::input::{Overtaken, OwnPart};

/// custsync's own member of an NDJSON row.
#[derive(Serialize)]
struct OwnMember<'a> {
    row: &'a RawValue,
    outcome: &'a str,
    error: &'a str,
    overtaken: &'a [Value],
}

/// Inserts custsync's member in front of the object's own. A row that is not an object stays as it
/// is.
pub(super) fn line(remarks: &Remarks, own: &OwnPart<'_>) -> Vec<u8> {
    let Some(members) = own.rest.trim_ascii_start().strip_prefix(b"{") else {
        return on_one_line(own.rest.to_vec());
    };
    let place = own
        .place
        .as_deref()
        .and_then(json_text)
        .unwrap_or_else(|| json_of(&remarks.place));
    let mut names = match &own.overtaken {
        Overtaken::Read(_) => Vec::new(),
        Overtaken::Unread(json) => match serde_json::from_str(json) {
            Ok(Value::Array(names)) => names,
            Ok(other) => vec![other],
            Err(_) => Vec::new(),
        },
    };
    names.extend(remarks.withheld.names().map(Value::from));
    let said = OwnMember {
        row: &place,
        outcome: remarks.outcome,
        error: &remarks.error,
        overtaken: &names,
    };
    let said = serde_json::to_vec(&said).expect("texts, written to memory, cannot fail");
    let mut line = [b"{\"custsync\":", said.as_slice()].concat();
    if members.trim_ascii() != b"}" {
        line.push(b',');
    }
    line.extend_from_slice(members);
    on_one_line(line)
}

/// Returns a JSON value without line feeds, which an element of an array may have. A tab is white
/// space between tokens, too, and as invalid as a line feed within a string (RFC 8259 §7), so the
/// row is read as before.
fn on_one_line(mut json: Vec<u8>) -> Vec<u8> {
    for byte in json.iter_mut().filter(|byte| **byte == b'\n') {
        *byte = b'\t';
    }
    json
}

fn json_of(value: &impl Serialize) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("texts, written to memory, cannot fail")
}

/// Parses JSON from a row.
pub(super) fn json_text(bytes: &[u8]) -> Option<Box<RawValue>> {
    serde_json::from_slice(bytes).ok()
}
