//! Text of others made safe to show: nothing in it can move a terminal's cursor, change its colours or hide what follows.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The text with control characters and bidirectional overrides escaped.
pub fn safe(text: &str) -> String {
    safe_cut(text, usize::MAX)
}

/// The same for text of several lines, which stay apart.
pub fn safe_lines(text: &str) -> String {
    text.split('\n').map(safe).collect::<Vec<_>>().join("\n")
}

/// The same as [`safe`], cut to this many characters.
pub fn safe_cut(text: &str, characters_max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(characters_max));
    let mut characters = 0;
    for character in text.chars() {
        if characters >= characters_max {
            break;
        }
        if is_unsafe(character) {
            let escape = format!("\\u{{{:x}}}", u32::from(character));
            characters += escape.len();
            if characters <= characters_max {
                write!(shown, "{escape}").expect("writing to a String cannot fail");
            }
        } else {
            characters += 1;
            shown.push(character);
        }
    }
    shown
}

/// The name of a file, whole. Names that differ are shown otherwise: a byte that is not UTF-8 is `\xNN`, and a backslash of the
/// name itself is doubled.
pub fn safe_path(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        shown.push_str(&safe(chunk.valid().replace('\\', "\\\\").as_str()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a String cannot fail");
        }
    }
    shown
}

/// C0 and C1 controls, line and paragraph separators, and the bidirectional formatting characters (Unicode UAX #9 §2).
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, characters_max: usize, want: &str) {
        assert_eq!(safe_cut(text, characters_max), want, "{text:?}");
    }

    #[test]
    fn no_two_file_names_are_shown_alike() {
        let check = |name: &[u8], want: &str| {
            assert_eq!(safe_path(Path::new(std::ffi::OsStr::from_bytes(name))), want, "{name:?}");
        };
        check("dir/Jos\u{e9}, \u{65e5}.csv".as_bytes(), "dir/Jos\u{e9}, \u{65e5}.csv");
        check(b"caf\xe9.csv", "caf\\xe9.csv");
        check(b"caf\xe8.csv", "caf\\xe8.csv");
        check(b"caf\\xe9.csv", "caf\\\\xe9.csv");
        check(b"\xf0\x9f\x98", "\\xf0\\x9f\\x98");
        check(b"a\x1b[2J", "a\\u{1b}[2J");
        check(b"a\\u{1b}[2J", "a\\\\u{1b}[2J");
        check("\u{fffd}".as_bytes(), "\u{fffd}");
    }

    #[test]
    fn unsafe_characters_are_escaped_and_long_text_is_cut() {
        check("José, 日本", 99, "José, 日本");
        check("a\u{1b}[2Jb\nc\u{9b}d", 99, "a\\u{1b}[2Jb\\u{a}c\\u{9b}d");
        check("\u{202e}evil\u{2069}", 99, "\\u{202e}evil\\u{2069}");
        check("abcdef", 3, "abc");
        check("ab\u{1b}cd", 4, "ab");
        assert_eq!(safe_lines("a\n\u{1b}b\r\n"), "a\n\\u{1b}b\\u{d}\n");
    }
}
