//! What became of one record.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::line;

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// An answer proves that the API applied it.
    Updated,
    /// It breaks the contract and was never sent.
    Invalid,
    /// The API refuses it.
    Rejected,
    /// Every attempt failed.
    Failed,
    /// It failed or was rejected, and before it was sent again a later row of its customer was updated: sending it would undo
    /// that. Or the user wants the last row of each customer alone, and it is an earlier one.
    Superseded,
}

impl Outcome {
    /// Every outcome, in the order of the enum.
    pub const ALL: [Outcome; 5] =
        [Outcome::Updated, Outcome::Invalid, Outcome::Rejected, Outcome::Failed, Outcome::Superseded];

    /// The name as it stands in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Updated => "updated",
            Outcome::Invalid => "invalid",
            Outcome::Rejected => "rejected",
            Outcome::Failed => "failed",
            Outcome::Superseded => "superseded",
        }
    }
}

/// One line of the journal after its header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry<'a> {
    /// The record, counted from 1 over all inputs; headers are not counted.
    pub row: u64,
    /// The physical line of its file on which it starts, from 1.
    pub line: u64,
    /// Its file, from 1; absent where there is one input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<u32>,
    /// The customer, where the record names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// The answer's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub cause: Option<Cow<'a, str>>,
    /// The last attempt may have been applied all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ambiguous: bool,
    /// Requests sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How long the last one took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// The API's machine code.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub error: Option<Cow<'a, str>>,
    /// The API's text.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub message: Option<Cow<'a, str>>,
    /// What is wrong, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty", borrow)]
    pub errors: Vec<EntryError<'a>>,
    /// When it ended.
    #[serde(with = "milliseconds")]
    pub at: Timestamp,
    /// The hash of the record's bytes, see [`hash_of`].
    #[serde(with = "hex")]
    pub hash: u64,
}

/// One error of a record, by the contract or by the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryError<'a> {
    /// The field.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    /// The contract's code; absent where the API found the error.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub code: Option<Cow<'a, str>>,
    /// The rule, or the API's text.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// An entry with nothing more to say.
    pub fn new(row: u64, line: u64, outcome: Outcome, at: Timestamp, hash: u64) -> Entry<'a> {
        Entry {
            row,
            line,
            file: None,
            id: None,
            outcome,
            status: None,
            cause: None,
            ambiguous: false,
            attempts: None,
            ms: None,
            error: None,
            message: None,
            errors: Vec::new(),
            at,
            hash,
        }
    }

    /// Appends the entry as a line, with its checksum.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let start = buffer.len();
        serde_json::to_writer(&mut *buffer, self).expect("an entry, written to memory, cannot fail");
        line::seal(buffer, start);
    }
}

#[cfg(test)]
impl Entry<'static> {
    /// An entry of this row with nothing more to say, for tests.
    pub(crate) fn of_row(row: u64, outcome: Outcome) -> Entry<'static> {
        Entry::new(row, row + 1, outcome, Timestamp::UNIX_EPOCH, row * 31)
    }
}

/// A stable 64-bit hash of a record's bytes without its line end.
pub fn hash_of(record: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(record)
}

/// Hashes as 16 hexadecimal digits: JSON numbers of 64 bits are not safe in every reader.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
pub(super) mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::journal::line::hex_digits;

    pub(in crate::journal) fn serialize<S: Serializer>(hash: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = hex_digits::<16>(*hash);
        serializer.serialize_str(std::str::from_utf8(&digits).expect("digits are ASCII"))
    }

    pub(in crate::journal) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let digits = <&str>::deserialize(deserializer)?;
        u64::from_str_radix(digits, 16).map_err(serde::de::Error::custom)
    }
}

/// Times in RFC 3339, to the millisecond.
pub(crate) mod milliseconds {
    use jiff::Timestamp;
    use jiff::fmt::temporal::DateTimePrinter;
    use serde::{Deserialize, Deserializer, Serializer};

    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

    pub(crate) fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&PRINTER.timestamp_to_string(at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        <&str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry<'static> {
        Entry {
            id: Some(1042),
            status: Some(200),
            attempts: Some(1),
            ms: Some(41),
            at: "2026-11-23T09:18:04.113Z".parse().expect("a good time"),
            hash: 0x9f3c,
            ..Entry::of_row(17, Outcome::Updated)
        }
    }

    fn encoded(entry: &Entry<'_>) -> String {
        let mut line = Vec::new();
        entry.encode(&mut line);
        String::from_utf8(line).expect("JSON is UTF-8")
    }

    #[test]
    fn a_line_reads_as_documented() {
        let want = concat!(
            r#"{"row":17,"line":18,"id":1042,"outcome":"updated","status":200,"attempts":1,"ms":41,"#,
            r#""at":"2026-11-23T09:18:04.113Z","hash":"0000000000009f3c","crc":""#
        );
        let line = encoded(&entry());
        assert!(line.starts_with(want), "{line}");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let error = |code: Option<&'static str>| EntryError {
            field: "email".into(),
            code: code.map(Cow::Borrowed),
            message: "is \"not\"\n an address".into(),
        };
        let full = Entry {
            file: Some(2),
            outcome: Outcome::Failed,
            cause: Some("timeout".into()),
            ambiguous: true,
            error: Some("x".into()),
            message: Some("é\u{1}".into()),
            errors: vec![error(Some("format")), error(None)],
            ..entry()
        };
        for entry in [entry(), full] {
            let line = encoded(&entry);
            assert_eq!(serde_json::from_str::<Entry<'_>>(&line).expect("an entry"), entry);
        }
    }

    #[test]
    fn the_hash_is_stable() {
        // Written down once: a journal must be readable by every later version.
        assert_eq!(hash_of(b""), 0x0338_dc4b_e2ce_cdae);
        assert_eq!(hash_of(b"1,Ann,Lee"), 0x17a8_81d4_43be_5c1a);
    }
}
