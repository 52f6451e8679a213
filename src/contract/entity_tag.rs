//! Entity tags: names of the state of a customer, by which an update leaves only if the customer is
//! still as it was read (RFC 9110 §8.8.3, §13.1.1).

/// The longest tag that is sent back. Tags are hashes or version numbers, and servers limit the
/// length of a header.
const BYTES_MAX: usize = 1024;

/// A strong entity tag, with its quotes.
///
/// `If-Match` compares strongly, so a weak tag (`W/"…"`) would never match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(Box<[u8]>);

impl EntityTag {
    /// Returns the tag in the value of an `ETag` header, if it is a strong one.
    pub(crate) fn strong(value: &[u8]) -> Option<EntityTag> {
        let inner = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        // etagc = %x21 / %x23-7E / obs-text
        let is_good = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
        (value.len() <= BYTES_MAX && inner.iter().all(is_good)).then(|| EntityTag(value.into()))
    }

    /// Returns the bytes of the header's value.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_strong_tag_is_one() {
        let longest = format!("\"{}\"", "a".repeat(BYTES_MAX - 2));
        let long = format!("\"{}\"", "a".repeat(BYTES_MAX - 1));
        for (value, is_strong) in [
            (&b"\"7-1\""[..], true),
            (b"\"\"", true),
            (b"\"a,b!#\x80\xff\"", true),
            (longest.as_bytes(), true),
            (b"W/\"7-1\"", false),
            (b"w/\"7-1\"", false),
            (b"7-1", false),
            (b"\"", false),
            (b"", false),
            (b"\"a b\"", false),
            (b"\"a\", \"b\"", false),
            (b"\"a\"b\"", false),
            (long.as_bytes(), false),
        ] {
            let tag = EntityTag::strong(value);
            assert_eq!(tag.is_some(), is_strong, "{value:?}");
            assert!(tag.is_none_or(|tag| tag.as_bytes() == value));
        }
    }
}
