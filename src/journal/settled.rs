//! The part of an entry that a checkpoint needs, read without parsing the rest. A continued run
//! reads millions of entries before its first request.

use std::sync::LazyLock;

use memchr::memmem;
use serde::Deserialize;

use super::entry::{Outcome, hex};
use super::entry_line::{EntryHead, LineRest};
use super::line;
use crate::contract::FieldSet;

/// The key of [`Entry::overtaken`](super::Entry::overtaken). In a string, each of its quotes would
/// have a backslash before it.
const OVERTAKEN_KEY: &[u8] = b"\"overtaken\":";
/// The begin of the keys of [`Entry::echo`](super::Entry::echo),
/// [`Entry::echo_spelling`](super::Entry::echo_spelling) and
/// [`Entry::echo_next_day`](super::Entry::echo_next_day).
static ECHO_KEYS: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b",\"echo"));

/// The row, customer, outcome and hash of an entry. Its field sets are read on demand, since most
/// are never needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settled<'a> {
    /// See [`Entry::row`](super::Entry::row).
    pub(crate) row: u64,
    /// See [`Entry::id`](super::Entry::id).
    pub(super) id: Option<u64>,
    /// See [`Entry::outcome`](super::Entry::outcome).
    pub(super) outcome: Outcome,
    /// See [`Entry::hash`](super::Entry::hash).
    pub(super) hash: u64,
    line: &'a [u8],
}

impl<'a> Settled<'a> {
    /// Reads an entry's line, whose checksum has been verified.
    pub(super) fn read(line: &'a [u8]) -> serde_json::Result<Settled<'a>> {
        match Settled::read_as_written(line) {
            Some(settled) => Ok(settled),
            None => Settled::read_any(line),
        }
    }

    /// See [`Entry::fields`](super::Entry::fields).
    pub(super) fn fields(&self) -> serde_json::Result<FieldSet> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default)]
            fields: FieldSet,
        }
        serde_json::from_slice(self.line).map(|Members { fields }| fields)
    }

    /// See [`Entry::overtaken`](super::Entry::overtaken).
    pub(super) fn overtaken(&self) -> serde_json::Result<FieldSet> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default)]
            overtaken: FieldSet,
        }
        if memmem::find(self.line, OVERTAKEN_KEY).is_none() {
            return Ok(FieldSet::EMPTY);
        }
        serde_json::from_slice(self.line).map(|Members { overtaken }| overtaken)
    }

    /// Whether the answer shows a field in another way than it was sent.
    pub(super) fn has_echo(&self) -> bool {
        ECHO_KEYS.find(self.line).is_some()
    }

    /// Returns the fields that the answer shows with another value than was sent.
    pub(super) fn echo(&self) -> serde_json::Result<FieldSet> {
        #[derive(Deserialize)]
        struct Members {
            #[serde(default)]
            echo: FieldSet,
        }
        serde_json::from_slice(self.line).map(|Members { echo }| echo)
    }

    /// Reads the members in the order in which an entry is written: from the start up to the
    /// outcome, and the hashes, which have a fixed length, from the end. `None` for a line in
    /// another order.
    fn read_as_written(line: &'a [u8]) -> Option<Settled<'a>> {
        let EntryHead {
            row, id, outcome, ..
        } = LineRest(line).head()?;
        // Quotes in a string are escaped, so this cannot be part of the API's own words.
        let before_crc = line.get(..line.len().checked_sub(line::SEAL_BYTES)?)?;
        let (before_request, _) =
            hash_behind(before_crc, b",\"request\":\"").unwrap_or((before_crc, 0));
        let (_, hash) = hash_behind(before_request, b",\"hash\":\"")?;
        Some(Settled {
            row,
            id,
            outcome,
            hash,
            line,
        })
    }

    /// Reads the members in any order, beside members that a later version may have added.
    #[cold]
    fn read_any(line: &'a [u8]) -> serde_json::Result<Settled<'a>> {
        #[derive(Deserialize)]
        struct Members {
            row: u64,
            #[serde(default)]
            id: Option<u64>,
            outcome: Outcome,
            #[serde(with = "hex")]
            hash: u64,
        }
        let Members {
            row,
            id,
            outcome,
            hash,
        } = serde_json::from_slice(line)?;
        Ok(Settled {
            row,
            id,
            outcome,
            hash,
            line,
        })
    }
}

/// Splits a hash, with its key and quotes, off the end of the text.
fn hash_behind<'a>(text: &'a [u8], key: &[u8]) -> Option<(&'a [u8], u64)> {
    let text = text.strip_suffix(b"\"")?;
    let (before, digits) = text.split_at_checked(text.len().checked_sub(line::HASH_DIGITS)?)?;
    let hash = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((before.strip_suffix(key)?, hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Field;
    use crate::journal::{Entry, EntryError};

    fn entries() -> Vec<Entry<'static>> {
        let fields = [Field::Email, Field::Job].into_iter().collect();
        let text = r#","hash":"00000000000000ff","request":"00000000000000ee","outcome":"failed","#;
        let error = EntryError {
            field: "email".into(),
            code: None,
            message: text.into(),
        };
        let full = |row, outcome| Entry {
            file: Some(3),
            id: Some(u64::MAX),
            message: Some(text.into()),
            error: Some(text.into()),
            errors: vec![error.clone()],
            fields,
            overtaken: fields,
            echo: fields,
            hash: u64::MAX - 1,
            request: Some(7),
            ..Entry::of_row(row, outcome)
        };
        let plain = Outcome::ALL.map(|outcome| Entry::of_row(17, outcome));
        plain
            .into_iter()
            .chain(Outcome::ALL.map(|outcome| full(1 << 50, outcome)))
            .collect()
    }

    #[test]
    fn both_ways_to_read_an_entry_agree() {
        for entry in entries() {
            let line = entry.line();
            let settled = Settled::read_as_written(&line).expect("a line as it is written");
            assert_eq!(
                settled,
                Settled::read_any(&line).expect("an entry"),
                "{entry:?}"
            );
            let Settled {
                row,
                id,
                outcome,
                hash,
                ..
            } = settled;
            assert_eq!(
                (row, id, outcome, hash),
                (entry.row, entry.id, entry.outcome, entry.hash),
                "{entry:?}"
            );
            assert_eq!(settled.fields().expect("a field set"), entry.fields);
            assert_eq!(settled.overtaken().expect("a field set"), entry.overtaken);
            assert_eq!(settled.has_echo(), !entry.echo.is_empty());
        }
    }

    #[test]
    fn each_member_about_the_echo_is_noticed_and_no_text_is_taken_for_one() {
        let fields = [Field::Email].into_iter().collect();
        let plain = || Entry::of_row(17, Outcome::Updated);
        let check = |entry: Entry<'_>, want: bool| {
            let line = entry.line();
            let settled = Settled::read(&line).expect("an entry");
            assert_eq!(settled.has_echo(), want, "{entry:?}");
        };
        let echo = Entry {
            echo: fields,
            ..plain()
        };
        check(echo, true);
        let spelling = Entry {
            echo_spelling: fields,
            ..plain()
        };
        check(spelling, true);
        let next_day = Entry {
            echo_next_day: true,
            ..plain()
        };
        check(next_day, true);
        let text = Entry {
            message: Some(r#","echo":["email"],"#.into()),
            ..plain()
        };
        check(text, false);
        let text = Entry {
            message: Some("echo".into()),
            error: Some(",".into()),
            ..plain()
        };
        check(text, false);
    }

    #[test]
    fn a_line_that_a_later_version_wrote_is_read_member_by_member() {
        let entry = Entry {
            id: Some(7),
            ..Entry::of_row(17, Outcome::Updated)
        };
        let line = String::from_utf8(entry.line()).expect("JSON is UTF-8");
        for (from, to, outcome) in [
            ("{\"row\"", "{\"new\":[1,{}],\"row\"", Outcome::Updated),
            (",\"crc\"", ",\"new\":\"hash\",\"crc\"", Outcome::Updated),
            ("\"updated\"", "\"archived\"", Outcome::Other),
        ] {
            let line = line.replace(from, to);
            let settled = Settled::read(line.as_bytes()).expect("an entry");
            assert_eq!(
                (settled.row, settled.id, settled.outcome, settled.hash),
                (17, Some(7), outcome, entry.hash)
            );
        }
        assert!(Settled::read(br#"{"row":17}"#).is_err());
    }
}
