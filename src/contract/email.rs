//! Recognises e-mail addresses: the mailbox of RFC 5321 §4.1.2, without display name and address
//! literal.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x32};

/// The longest local part, RFC 5321 §4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// The longest domain, RFC 5321 §4.5.3.1.2.
const DOMAIN_BYTES_MAX: usize = 255;
/// The longest label of a domain, RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;

/// A well-formed address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Email {
    /// An address without anything unusual.
    Usual,
    /// An address whose domain has a single label, so that only a local network can deliver to it.
    DomainWithoutDot,
}

/// The class of a byte in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A letter or digit, allowed anywhere.
    Alphanumeric,
    Hyphen,
    Dot,
    /// The other characters of `atext` (RFC 5322 §3.2.3, used by RFC 5321), allowed in a local
    /// part.
    Atext,
    Other,
}

/// The class of each byte.
#[expect(
    clippy::indexing_slicing,
    reason = "there is a place for each byte, and the compiler runs this"
)]
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut rest: &[u8] = b"!#$%&'*+/=?^_`{|}~";
    while let [byte, behind @ ..] = rest {
        classes[*byte as usize] = Class::Atext;
        rest = behind;
    }
    let mut byte = 0;
    while byte < 128_u8 {
        if byte.is_ascii_alphanumeric() {
            classes[byte as usize] = Class::Alphanumeric;
        }
        byte += 1;
    }
    classes[b'-' as usize] = Class::Hyphen;
    classes[b'.' as usize] = Class::Dot;
    classes
};

fn class(byte: u8) -> Class {
    *CLASSES
        .get(usize::from(byte))
        .expect("each byte has a class")
}

/// Reads an address; `None` if the text is not one.
#[inline]
pub(super) fn parse(text: &str) -> Option<Email> {
    if is_plain(text.as_bytes()) {
        Some(Email::Usual)
    } else {
        parse_any(text)
    }
}

/// The number of bytes checked at once.
const PLAIN_BYTES_MAX: usize = 32;

/// Whether text is an address as most people have: short, with only letters, digits and a few
/// characters between them, and with a dot in its domain. All bytes are checked at once, with one
/// bit of a word for each.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    // One address is too short for wider instructions than every machine has.
    dispatch!(Level::baseline(), simd => is_plain_with(simd, text))
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "what is inlined is built for the given instructions"
)]
fn is_plain_with<S: Simd>(simd: S, text: &[u8]) -> bool {
    let mut padded = [0; PLAIN_BYTES_MAX];
    match padded.get_mut(..text.len()) {
        Some(start) => start.copy_from_slice(text),
        None => return false,
    }
    let bytes = u8x32::simd_from(simd, padded);
    let among = |from: u8, to: u8| (bytes - from).simd_le(to - from);
    let equal = |byte: u8| bytes.simd_eq(byte).to_bitmask();
    let alphanumeric = (among(b'a', b'z') | among(b'A', b'Z') | among(b'0', b'9')).to_bitmask();
    let (at, dots, hyphens, others) = (
        equal(b'@'),
        equal(b'.'),
        equal(b'-'),
        equal(b'_') | equal(b'+'),
    );

    let all = (1 << text.len()) - 1;
    let local = at.wrapping_sub(1) & all;
    let domain = all & !local & !at;
    // The ends of the local part and the domain, and the neighbours of dots.
    let ends = 1 | at << 1 | at >> 1 | (all & !(all >> 1));
    let beside_dots = dots << 1 | dots >> 1;
    at.is_power_of_two()
        && local & !(alphanumeric | dots | hyphens | others) == 0
        && domain & !(alphanumeric | dots | hyphens) == 0
        && ends & (at | dots) == 0
        && beside_dots & dots == 0
        && (ends | beside_dots) & hyphens & domain == 0
        && dots & domain != 0
}

fn parse_any(text: &str) -> Option<Email> {
    let bytes = text.as_bytes();
    let is_at = |byte: &u8| *byte == b'@';
    let (local, at_and_domain) = match bytes.first() {
        // A quoted local part may hold `@`; a domain cannot, so the last one divides.
        Some(b'"') => bytes.split_at_checked(bytes.iter().rposition(is_at)?)?,
        _ => bytes.split_at_checked(bytes.iter().position(is_at)?)?,
    };
    let domain = at_and_domain.strip_prefix(b"@")?;
    if is_local_part(local) {
        parse_domain(domain)
    } else {
        None
    }
}

fn is_local_part(local: &[u8]) -> bool {
    if local.len() > LOCAL_BYTES_MAX {
        return false;
    }
    match local
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""))
    {
        Some(quoted) => is_quoted_content(quoted),
        None => is_dot_string(local),
    }
}

/// `Dot-string`: atoms of one or more `atext`, separated by dots.
fn is_dot_string(local: &[u8]) -> bool {
    let is_text = local.iter().all(|byte| class(*byte) != Class::Other);
    is_text
        && !local.starts_with(b".")
        && !local.ends_with(b".")
        && !local.is_empty()
        && !has_two_dots(local)
}

fn has_two_dots(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"..")
}

/// `QcontentSMTP`: printable ASCII, with `"` and `\` only behind a backslash.
fn is_quoted_content(content: &[u8]) -> bool {
    let mut bytes = content.iter();
    while let Some(byte) = bytes.next() {
        let printable = match byte {
            b'\\' => bytes
                .next()
                .is_some_and(|escaped| (b' '..=b'~').contains(escaped)),
            b'"' => false,
            other => (b' '..=b'~').contains(other),
        };
        if !printable {
            return false;
        }
    }
    true
}

/// `Domain`: labels of letters, digits and inner hyphens, separated by dots.
fn parse_domain(domain: &[u8]) -> Option<Email> {
    if domain.len() > DOMAIN_BYTES_MAX {
        return None;
    }
    let mut email = Email::DomainWithoutDot;
    let (mut before, mut label_bytes) = (Class::Dot, 0);
    for byte in domain {
        let class = class(*byte);
        match (before, class) {
            (_, Class::Alphanumeric) | (Class::Alphanumeric | Class::Hyphen, Class::Hyphen) => {
                label_bytes += 1;
            }
            (Class::Alphanumeric, Class::Dot) => {
                email = Email::Usual;
                label_bytes = 0;
            }
            _ => return None,
        }
        if label_bytes > LABEL_BYTES_MAX {
            return None;
        }
        before = class;
    }
    (before == Class::Alphanumeric).then_some(email)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_address_is_one(text in "[a-bA0_+.-]{0,4}@?[a-b0.-]{0,5}@?[a-b0_.-]{0,4}|[ -~]{0,40}") {
            prop_assert!(!is_plain(text.as_bytes()) || parse_any(&text) == Some(Email::Usual), "{}", text);
        }

        #[test]
        fn most_addresses_are_plain(text in "[a-zA-Z0-9]{1,7}([._+-][a-zA-Z0-9]{1,7})?@([a-z0-9]{1,4}(-[a-z0-9])?\\.)[a-z]{2,7}") {
            prop_assert!(is_plain(text.as_bytes()), "{}", text);
        }
    }

    fn check(text: &str, want: Option<Email>) {
        assert_eq!(parse(text), want, "{text:?}");
    }

    #[test]
    fn addresses() {
        for text in [
            "jsmith@example.com",
            "o'neil+tag@sub.example.co",
            "a.b.c@x-y.org",
            "\"quoted local\"@example.com",
            "\"with \\\" and @\"@example.com",
            "1@2.3",
        ] {
            check(text, Some(Email::Usual));
        }
        check("root@localhost", Some(Email::DomainWithoutDot));
        let longest_label = "b".repeat(LABEL_BYTES_MAX);
        let longest_domain = [longest_label.as_str(); 4].join(".");
        assert_eq!(longest_domain.len(), DOMAIN_BYTES_MAX);
        let longest_local = "a".repeat(LOCAL_BYTES_MAX);
        check(
            &format!("{longest_local}@{longest_domain}"),
            Some(Email::Usual),
        );
    }

    #[test]
    fn not_addresses() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long_domain = format!("a@{}b", "b.".repeat(DOMAIN_BYTES_MAX / 2 + 1));
        for text in [
            "",
            "@",
            "a@",
            "@example.com",
            "plain",
            "a b@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@example..com",
            "a@-example.com",
            "a@example-.com",
            "a@example.com.",
            "John <j@example.com>",
            "a@[127.0.0.1]",
            "josé@example.com",
            "a@exämple.com",
            "\"open@example.com",
            "\"bad\\\"@example.com",
            "a@exa_mple.com",
            "\"a\"b\"@example.com",
            ".@b.c",
            "a@.",
            "a@b.-",
            "a@-.c",
            "a@b.-.c",
            &long_local,
            &long_label,
            &long_domain,
        ] {
            check(text, None);
        }
    }
}
