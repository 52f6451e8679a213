//! The entry of one record, and its outcome.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::FieldSet;

/// The outcome of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// An answer proves that the API applied it.
    Updated,
    /// The API has these values already; nothing was sent.
    Unchanged,
    /// The record breaks the contract and was never sent.
    Invalid,
    /// The API rejected it.
    Rejected,
    /// The customer was changed elsewhere in the meantime; nothing was sent.
    Conflict,
    /// Every attempt failed.
    Failed,
    /// The record was not sent: later rows of its customer had set all of its fields, or the user
    /// wants only the last row of each customer.
    Superseded,
    /// The record belongs to another shard.
    Elsewhere,
    /// An outcome that only a later version knows.
    #[serde(other)]
    Other,
}

impl Outcome {
    /// Every outcome, in the order of the enum.
    pub const ALL: [Outcome; 9] = [
        Outcome::Updated,
        Outcome::Unchanged,
        Outcome::Invalid,
        Outcome::Rejected,
        Outcome::Conflict,
        Outcome::Failed,
        Outcome::Superseded,
        Outcome::Elsewhere,
        Outcome::Other,
    ];

    /// Whether the row is among the failed rows.
    pub fn is_bad(self) -> bool {
        match self {
            Outcome::Invalid | Outcome::Rejected | Outcome::Conflict | Outcome::Failed => true,
            Outcome::Updated
            | Outcome::Unchanged
            | Outcome::Superseded
            | Outcome::Elsewhere
            | Outcome::Other => false,
        }
    }

    /// Whether the API has the values of the row's fields from then on.
    pub fn sets_fields(self) -> bool {
        matches!(self, Outcome::Updated | Outcome::Unchanged)
    }

    /// Whether the user has to look at the row: it ended badly, or with an outcome that only a
    /// later version knows.
    pub fn needs_attention(self) -> bool {
        self.is_bad() || self == Outcome::Other
    }

    /// The name as written in results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Updated => "updated",
            Outcome::Unchanged => "unchanged",
            Outcome::Invalid => "invalid",
            Outcome::Rejected => "rejected",
            Outcome::Conflict => "conflict",
            Outcome::Failed => "failed",
            Outcome::Superseded => "superseded",
            Outcome::Elsewhere => "elsewhere",
            Outcome::Other => "other",
        }
    }
}

/// One line of the journal after its header.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Entry<'a> {
    /// The record's number, counted from 1 over all inputs, without headers.
    pub row: u64,
    /// The line of its file on which it starts, counted from 1.
    pub line: u64,
    /// Its file, counted from 1; absent if there is one input.
    #[serde(default)]
    pub file: Option<u32>,
    /// The customer, if the record names one.
    #[serde(default)]
    pub id: Option<u64>,
    /// The outcome.
    pub outcome: Outcome,
    /// The status of the answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// The reason why the last attempt failed.
    #[serde(default, borrow)]
    pub cause: Option<Cow<'a, str>>,
    /// Whether the last attempt may have been applied although it failed.
    #[serde(default)]
    pub ambiguous: bool,
    /// The number of requests sent.
    #[serde(default)]
    pub attempts: Option<u32>,
    /// The duration of the last request in milliseconds.
    #[serde(default)]
    pub ms: Option<u64>,
    /// The API's machine code.
    #[serde(default, borrow)]
    pub error: Option<Cow<'a, str>>,
    /// The API's text.
    #[serde(default, borrow)]
    pub message: Option<Cow<'a, str>>,
    /// The errors by field.
    #[serde(default, borrow)]
    pub errors: Vec<EntryError<'a>>,
    /// The fields that its request set or would have set; none if there was no request.
    #[serde(default)]
    pub fields: FieldSet,
    /// The fields that later rows of its customer had set before it ended.
    #[serde(default)]
    pub overtaken: FieldSet,
    /// The fields that the answer shows with another value than was sent.
    #[serde(default)]
    pub echo: FieldSet,
    /// The fields that the answer shows in another spelling.
    #[serde(default)]
    pub echo_spelling: FieldSet,
    /// Whether the answer shows a `date_of_birth` that is one day off.
    #[serde(default)]
    pub echo_next_day: bool,
    /// The time of the change as the API shows it; only with `--unless-changed-since`.
    #[serde(default, with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
    /// The time when it ended.
    #[serde(with = "milliseconds")]
    pub at: Timestamp,
    /// The hash of the record's bytes, see [`RunKey::record_hash`](super::RunKey::record_hash).
    #[serde(with = "hex")]
    pub hash: u64,
    /// The hash of the row's whole request, see
    /// [`RunKey::request_hash`](super::RunKey::request_hash); absent if the row breaks the
    /// contract.
    #[serde(default, with = "optional_hex")]
    pub request: Option<u64>,
}

/// One error of a record, found by the contract or by the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryError<'a> {
    /// The field.
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    /// The contract's code; absent if the API found the error.
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    pub code: Option<Cow<'a, str>>,
    /// The rule, or the API's text.
    #[serde(borrow)]
    pub message: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// Creates an entry without optional members.
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
            fields: FieldSet::EMPTY,
            overtaken: FieldSet::EMPTY,
            echo: FieldSet::EMPTY,
            echo_spelling: FieldSet::EMPTY,
            echo_next_day: false,
            updated_at: None,
            at,
            hash,
            request: None,
        }
    }

    /// Returns the entry with owned texts.
    pub fn into_owned(self) -> Entry<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        let errors = self.errors.into_iter().map(|error| EntryError {
            field: owned(error.field),
            code: error.code.map(owned),
            message: owned(error.message),
        });
        Entry {
            cause: self.cause.map(owned),
            error: self.error.map(owned),
            message: self.message.map(owned),
            errors: errors.collect(),
            ..self
        }
    }
}

#[cfg(test)]
impl Entry<'static> {
    /// Creates an entry of this row without optional members, for tests.
    pub(crate) fn of_row(row: u64, outcome: Outcome) -> Entry<'static> {
        Entry::new(row, row + 1, outcome, Timestamp::UNIX_EPOCH, row * 31)
    }
}

#[cfg(test)]
impl Entry<'_> {
    /// Returns the entry's line without its line end.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        self.encode(&mut line);
        line.pop();
        line
    }
}

/// Serialises hashes as 16 hexadecimal digits: not every JSON reader keeps integers of 64 bits.
pub(super) mod hex {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::journal::line::{HASH_DIGITS, hex_digits};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands fields over by reference"
    )]
    pub(in crate::journal) fn serialize<S: Serializer>(
        hash: &u64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let digits = hex_digits::<HASH_DIGITS>(*hash);
        serializer.serialize_str(std::str::from_utf8(&digits).expect("digits are ASCII"))
    }

    pub(in crate::journal) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u64, D::Error> {
        let digits = <&str>::deserialize(deserializer)?;
        u64::from_str_radix(digits, 16).map_err(serde::de::Error::custom)
    }
}

/// Reads an optional hash.
mod optional_hex {
    use serde::Deserializer;

    use super::hex;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        hex::deserialize(deserializer).map(Some)
    }
}

/// Serialises times as RFC 3339 with milliseconds.
pub(crate) mod milliseconds {
    use jiff::Timestamp;
    use jiff::fmt::temporal::DateTimePrinter;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::journal) const PRINTER: DateTimePrinter =
        DateTimePrinter::new().precision(Some(3));

    pub(crate) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&PRINTER.timestamp_to_string(at))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        <&str>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Serialises an optional time.
#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
pub(super) mod optional_milliseconds {
    use jiff::Timestamp;
    use serde::{Deserializer, Serializer};

    use super::milliseconds;

    pub(in crate::journal) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => milliseconds::serialize(at, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::journal) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        milliseconds::deserialize(deserializer).map(Some)
    }
}

/// Reads an optional time with all of its digits.
mod optional_instant {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;

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
        let echo = Entry {
            echo: [Field::DateOfBirth].into_iter().collect(),
            echo_spelling: [Field::Email].into_iter().collect(),
            echo_next_day: true,
            updated_at: Some("2026-11-23T09:18:04.123456Z".parse().expect("a good time")),
            ..entry()
        };
        for entry in [entry(), full, echo] {
            let line = encoded(&entry);
            assert_eq!(
                serde_json::from_str::<Entry<'_>>(&line).expect("an entry"),
                entry
            );
        }
    }
}
