//! Whether text is an e-mail address: the mailbox of RFC 5321 §4.1.2, without display name and without address literal.

/// The longest local part, RFC 5321 §4.5.3.1.1.
const LOCAL_BYTES_MAX: usize = 64;
/// The longest domain, RFC 5321 §4.5.3.1.2.
const DOMAIN_BYTES_MAX: usize = 255;
/// The longest label of a domain, RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;

/// A well-formed address, and what is unusual about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Email {
    /// Nothing unusual.
    Usual,
    /// Its domain has one label, so it can only be delivered inside some network.
    DomainWithoutDot,
}

/// Reads an address; `None` where the text is none.
pub(super) fn parse(text: &str) -> Option<Email> {
    // The last @ divides: a quoted local part may hold others, a domain cannot.
    let (local, domain) = text.rsplit_once('@')?;
    (is_local_part(local) && is_domain(domain))
        .then(|| if domain.contains('.') { Email::Usual } else { Email::DomainWithoutDot })
}

fn is_local_part(local: &str) -> bool {
    if local.len() > LOCAL_BYTES_MAX {
        return false;
    }
    match local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => is_quoted_content(quoted),
        None => local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext)),
    }
}

/// `atext` of RFC 5322 §3.2.3, which RFC 5321 takes over.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// `QcontentSMTP`: printable ASCII, with `"` and `\` only behind a backslash.
fn is_quoted_content(content: &str) -> bool {
    let mut bytes = content.bytes();
    while let Some(byte) = bytes.next() {
        let printable = match byte {
            b'\\' => bytes.next().is_some_and(|escaped| (b' '..=b'~').contains(&escaped)),
            b'"' => false,
            other => (b' '..=b'~').contains(&other),
        };
        if !printable {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    domain.len() <= DOMAIN_BYTES_MAX && domain.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    bytes.len() <= LABEL_BYTES_MAX
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn not_addresses() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
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
            &long_local,
            &long_label,
        ] {
            check(text, None);
        }
    }
}
