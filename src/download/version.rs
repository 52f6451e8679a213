//! The version of a file, as far as a server tells it apart from other versions (RFC 9110 §8.8).

use std::time::{Duration, SystemTime};

use httpdate::parse_http_date;

use crate::api::FileHead;

/// The time by which a file must be older than the answer, so that the second of its last change
/// tells its versions apart (RFC 9110 §8.8.2.2).
const AGE_MIN: Duration = Duration::from_secs(1);

/// The version of a file. Each part is missing if the server does not send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    etag: Option<EntityTag>,
    modified: Option<Modified>,
    bytes: Option<u64>,
}

/// An entity tag (RFC 9110 §8.8.3).
#[derive(Debug, Clone, PartialEq, Eq)]
struct EntityTag {
    /// The tag in its quotes, without the mark of a weak one.
    quoted: String,
    is_strong: bool,
}

/// The time of the last change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Modified {
    text: String,
    is_strong: bool,
}

/// A version by which two files can be proven to be the same, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrongVersion {
    etag: String,
    bytes: Option<u64>,
}

impl Version {
    /// Returns the version of a file of this length, if it is known.
    pub(super) fn of(head: &FileHead, bytes: Option<u64>) -> Version {
        Version {
            etag: head.etag.as_deref().map(EntityTag::of),
            modified: head.last_modified.as_deref().map(|text| Modified {
                text: text.to_owned(),
                is_strong: is_strong(text, head.date.as_deref()),
            }),
            bytes,
        }
    }

    /// Returns the length of the whole file.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Returns the validator for asking for a part of this very version, if there is one.
    pub(super) fn if_range(&self) -> Option<&str> {
        match &self.etag {
            Some(etag) => etag.is_strong.then_some(etag.quoted.as_str()),
            None => (self.modified.as_ref())
                .filter(|modified| modified.is_strong)
                .map(|modified| modified.text.as_str()),
        }
    }

    /// Whether the other answer was about another version. Weak tags are compared too: a server
    /// that compresses on the way makes a strong one weak, and keeps the text.
    pub(super) fn differs_from(&self, other: &Version) -> bool {
        let other_tag = match (&self.etag, &other.etag) {
            (Some(one), Some(other)) => Some(one.quoted != other.quoted),
            (Some(_), None) | (None, _) => None,
        };
        let other_time = match (&self.modified, &other.modified) {
            (Some(one), Some(other)) => one.text != other.text,
            (Some(_), None) | (None, _) => false,
        };
        let other_length = match (self.bytes, other.bytes) {
            (Some(one), Some(other)) => one != other,
            (Some(_), None) | (None, _) => false,
        };
        other_length || other_tag.unwrap_or(other_time)
    }

    /// Whether the other answer has the validator that a part was asked for with.
    pub(super) fn is_confirmed_by(&self, other: &Version) -> bool {
        self.if_range().is_some() && self.if_range() == other.if_range()
    }

    /// Returns the version, if two files that have it are the same.
    pub(super) fn strong(&self) -> Option<StrongVersion> {
        let etag = self.etag.as_ref().filter(|etag| etag.is_strong)?;
        Some(StrongVersion {
            etag: etag.quoted.clone(),
            bytes: self.bytes,
        })
    }
}

impl EntityTag {
    fn of(text: &str) -> EntityTag {
        let (quoted, is_weak) = match text.strip_prefix("W/") {
            Some(quoted) => (quoted, true),
            None => (text, false),
        };
        let is_quoted = quoted.len() >= 2 && quoted.starts_with('"') && quoted.ends_with('"');
        EntityTag {
            quoted: quoted.to_owned(),
            is_strong: is_quoted && !is_weak,
        }
    }
}

/// Whether the time of the last change tells versions apart: the file did not change in the second
/// of the answer.
fn is_strong(modified: &str, date: Option<&str>) -> bool {
    let time = |text: &str| -> Option<SystemTime> { parse_http_date(text).ok() };
    let age = date
        .and_then(time)
        .zip(time(modified))
        .and_then(|(date, modified)| date.duration_since(modified).ok());
    age.is_some_and(|age| age >= AGE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: &str = "Sun, 29 Nov 2026 12:00:00 GMT";
    const LATER: &str = "Sun, 29 Nov 2026 12:00:01 GMT";

    fn version(etag: Option<&str>, modified: Option<&str>, bytes: Option<u64>) -> Version {
        let head = FileHead {
            etag: etag.map(str::to_owned),
            last_modified: modified.map(str::to_owned),
            date: Some(LATER.to_owned()),
            ..FileHead::default()
        };
        Version::of(&head, bytes)
    }

    #[test]
    fn only_a_strong_validator_asks_for_a_part() {
        let check = |etag: Option<&str>, modified: Option<&str>, want: Option<&str>| {
            assert_eq!(version(etag, modified, None).if_range(), want);
        };
        check(Some("\"a\""), Some(NOON), Some("\"a\""));
        check(Some("W/\"a\""), None, None);
        // The time would be of another kind than the tag that the server has.
        check(Some("W/\"a\""), Some(NOON), None);
        check(Some("a"), None, None);
        check(None, Some(NOON), Some(NOON));
        check(None, Some(LATER), None);
        check(None, Some("yesterday"), None);
        check(None, None, None);
    }

    #[test]
    fn another_version_is_noticed_by_any_part_of_it() {
        let first = version(Some("\"a\""), Some(NOON), Some(9));
        let check = |other: &Version, differs: bool| {
            assert_eq!(first.differs_from(other), differs, "{other:?}");
        };
        check(&first, false);
        check(&version(Some("\"b\""), Some(NOON), Some(9)), true);
        check(&version(Some("\"a\""), Some(NOON), Some(8)), true);
        check(&version(None, Some(LATER), Some(9)), true);
        // A tag says more than a time.
        check(&version(Some("\"a\""), Some(LATER), Some(9)), false);
        check(&version(Some("W/\"a\""), None, None), false);
        check(&version(None, None, None), false);
    }

    #[test]
    fn a_strong_tag_and_the_length_prove_a_version() {
        let strong = |etag, bytes| version(etag, None, bytes).strong();
        assert_eq!(
            strong(Some("\"a\""), Some(9)),
            strong(Some("\"a\""), Some(9))
        );
        assert_ne!(
            strong(Some("\"a\""), Some(9)),
            strong(Some("\"b\""), Some(9))
        );
        assert_ne!(
            strong(Some("\"a\""), Some(9)),
            strong(Some("\"a\""), Some(8))
        );
        assert_eq!(strong(Some("W/\"a\""), Some(9)), None);
        assert_eq!(strong(None, Some(9)), None);
    }
}
