//! Checks of addresses: which belong to this machine, and which texts only a lenient parser takes
//! for a URL.

use url::{Host, Url};

use crate::text::is_unsafe;

/// Whether the URL's host is this machine's loopback interface.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The part of a text, with an article, that does not belong in the URL of a server. The parser of
/// URLs silently drops or rewrites such a part (WHATWG URL §4.4), and requests would go to an
/// address that the user did not write.
pub(crate) fn foreign_part(text: &str) -> Option<&'static str> {
    let character = text.chars().find_map(|character| match character {
        '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some("a line break"),
        '\t' => Some("a tab"),
        '\\' => Some("a backslash"),
        _ if character.is_control() => Some("a control character"),
        _ if character.is_whitespace() => Some("a space"),
        _ if is_unsafe(character) => Some("an invisible character"),
        _ => None,
    });
    let is_step = |part: &str| {
        matches!(
            part.to_ascii_lowercase().replace("%2e", ".").as_str(),
            "." | ".."
        )
    };
    let mut parts = text.split(['?', '#']).next().unwrap_or_default().split('/');
    character.or_else(|| {
        parts
            .any(is_step)
            .then_some("a part of the path that is `.` or `..`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_would_change_without_a_word_is_found() {
        let check =
            |text: &str, want: Option<&str>| assert_eq!(foreign_part(text), want, "{text:?}");
        check("https://a.example:1/v2.0/..a/x%20y?b=../c#.", None);
        check("https://m\u{fc}nchen.example/\u{e4}", None);
        check("https://a.example/api\r\nX: y", Some("a line break"));
        check("https://a.example/api\n", Some("a line break"));
        check("\thttps://a.example", Some("a tab"));
        check("https://a.ex\0ample", Some("a control character"));
        check(" https://a.example", Some("a space"));
        check("https://a.example/a b", Some("a space"));
        check("https://a.example\u{a0}", Some("a space"));
        check("https://a.exam\u{200e}ple", Some("an invisible character"));
        check("https:\\\\a.example", Some("a backslash"));
        for step in ["../v2", "./v2", "%2E%2e/v2", "v2/.."] {
            check(
                &format!("https://a.example/{step}"),
                Some("a part of the path that is `.` or `..`"),
            );
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let check = |text: &str, want: bool| {
            assert_eq!(is_loopback(&Url::parse(text).unwrap()), want, "{text}");
        };
        for (text, want) in [
            ("http://localhost", true),
            ("http://LOCALHOST:1", true),
            ("http://api.localhost", true),
            ("http://127.0.0.1", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:80", true),
            ("http://128.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://[::2]", false),
            ("http://localhost.example", false),
            ("http://notlocalhost", false),
        ] {
            check(text, want);
        }
    }
}
