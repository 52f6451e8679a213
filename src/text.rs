//! Makes foreign text safe to show. Nothing in it can move a terminal's cursor, change colours,
//! hide what follows, or look like another text. All text that is shown goes through here, so that
//! a character has one spelling everywhere.
//!
//! Characters that do not show what they are get escaped. These are Unicode's general categories Cc
//! (C0, C1, DEL), Cf (zero-width spaces and joiners, bidirectional controls, byte order marks, soft
//! hyphens, tags), Zl, Zp, Zs except the space itself, and Co, which looks different in each font;
//! the property `Default_Ignorable_Code_Point`; and noncharacters. The tables are those of ICU4X in
//! the crate `icu_properties` (Unicode 17 since its version 2.2).

use jiff::Timestamp;
use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{
    CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed,
};
use indicatif::HumanCount;

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> =
    CodePointMapData::<GeneralCategory>::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> =
    CodePointSetData::new::<DefaultIgnorableCodePoint>();

/// The number of characters shown of a name.
const NAME_CHARACTERS_MAX: usize = 64;

/// Escapes every character that does not show what it is.
pub(crate) fn safe(text: &str) -> String {
    safe_cut(text, usize::MAX)
}

/// Escapes text of several lines and keeps its line ends.
pub(crate) fn safe_lines(text: &str) -> Cow<'_, str> {
    if text
        .chars()
        .all(|character| character == '\n' || !is_unsafe(character))
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.split('\n').map(safe).collect::<Vec<_>>().join("\n"))
}

/// Escapes text as [`safe`] does, and cuts it to this many characters.
pub(crate) fn safe_cut(text: &str, characters_max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(characters_max));
    let mut characters = 0;
    for character in text.chars() {
        if characters >= characters_max {
            break;
        }
        if is_unsafe(character) {
            let escape = escape(character);
            characters += escape.len();
            if characters <= characters_max {
                shown.push_str(&escape);
            }
        } else {
            characters += 1;
            shown.push(character);
        }
    }
    shown
}

/// Escapes text as [`safe`] does. Text that is longer than this is cut and ends with an ellipsis.
pub(crate) fn safe_ellipsis(text: &str, characters_max: usize) -> String {
    let shown = safe_cut(text, characters_max);
    if shown == safe(text) {
        shown
    } else {
        format!("{shown}…")
    }
}

/// Escapes the name of a column, a key or a sheet. A long name is cut and ends with an ellipsis.
pub(crate) fn safe_name(name: &str) -> String {
    safe_ellipsis(name, NAME_CHARACTERS_MAX)
}

/// Escapes a path without cutting it. Different paths look different: a byte that is not UTF-8
/// becomes `\xNN`, and a backslash of the path is doubled.
pub(crate) fn safe_path(path: &Path) -> String {
    let mut shown = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        shown.push_str(&safe(chunk.valid().replace('\\', "\\\\").as_str()));
        for byte in chunk.invalid() {
            write!(shown, "\\x{byte:02x}").expect("writing to a String cannot fail");
        }
    }
    shown
}

/// Quotes a word for a POSIX shell. A word that cannot be printed, such as a file name that is not
/// UTF-8, becomes a `printf`.
pub(crate) fn shell_word(word: &OsStr) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if safe(text) == text => format!("'{}'", text.replace('\'', "'\\''")),
        Some(_) | None => {
            let bytes = word.as_bytes().iter().map(|byte| match byte {
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'-'
                | b'_'
                | b'.'
                | b'/'
                | b'='
                | b',' => char::from(*byte).to_string(),
                byte => format!("\\{byte:03o}"),
            });
            format!("\"$(printf '{}')\"", bytes.collect::<String>())
        }
    }
}

/// Returns an error and its causes in one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Returns a message without the numbers that the standard library adds to errors of the system:
/// `Permission denied (os error 13)` says the same in words.
pub(crate) fn without_os_errors(message: &str) -> Cow<'_, str> {
    const BEFORE: &str = " (os error ";
    let mut parts = message.split(BEFORE);
    let first = parts.next().unwrap_or_default();
    let mut shown = Cow::Borrowed(first);
    for part in parts {
        let shown = shown.to_mut();
        match part.split_once(')') {
            Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                shown.push_str(rest);
            }
            Some(_) | None => {
                shown.push_str(BEFORE);
                shown.push_str(part);
            }
        }
    }
    shown
}

/// Returns a time in UTC, to the second.
pub(crate) fn utc_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Escapes the same characters in JSON by JSON's rules (RFC 8259 §7), so that its meaning stays.
/// Line ends between values are kept.
pub(crate) fn safe_json(json: &str) -> Cow<'_, str> {
    if json
        .chars()
        .all(|character| character == '\n' || !is_unsafe(character))
    {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !is_unsafe(character) {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("writing to a String cannot fail");
            }
        }
    }
    Cow::Owned(shown)
}

/// Returns `\t`, `\n`, `\r` or `\u{…}`.
fn escape(character: char) -> String {
    match character {
        '\t' | '\n' | '\r' => character.escape_default().collect(),
        other => other.escape_unicode().collect(),
    }
}

/// Whether a character does not show what it is.
pub(crate) fn is_unsafe(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_control()
    } else {
        is_unsafe_beyond_ascii(character)
    }
}

fn is_unsafe_beyond_ascii(character: char) -> bool {
    match CATEGORIES.get(character) {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator
        | GeneralCategory::SpaceSeparator
        | GeneralCategory::PrivateUse => true,
        _ => IGNORABLE.contains(character) || is_noncharacter(character),
    }
}

/// Whether a character is one of the noncharacters (Unicode §23.7): the last two of each plane, and
/// 32 in a row.
fn is_noncharacter(character: char) -> bool {
    let code = u32::from(character);
    code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code)
}

/// Whether a character of category Cf is invisible. Those that enclose digits or join signs are
/// visible.
pub(crate) fn is_invisible(character: char) -> bool {
    !character.is_ascii()
        && CATEGORIES.get(character) == GeneralCategory::Format
        && IGNORABLE.contains(character)
}

/// Removes white space and invisible characters around text. Tags are kept, since a flag may end
/// with them.
pub(crate) fn trimmed(text: &str) -> &str {
    let is_tag = |character: char| matches!(character, '\u{e0000}'..='\u{e007f}');
    text.trim_matches(|character: char| {
        character.is_whitespace() || (is_invisible(character) && !is_tag(character))
    })
}

/// Normalises a name to NFC, in which names are compared: `ö` may be one character or two.
pub(crate) fn nfc(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        Cow::Borrowed(name)
    } else {
        ComposingNormalizerBorrowed::new_nfc().normalize(name)
    }
}

/// Whether two names are equal in NFC.
pub(crate) fn is_same_name(one: &str, other: &str) -> bool {
    one == other || (!one.is_ascii() && !other.is_ascii() && nfc(one) == nfc(other))
}

/// Formats a count with commas between thousands. The result is a text, because a `HumanCount`
/// ignores the width that columns need.
pub(crate) fn grouped(count: u64) -> String {
    HumanCount(count).to_string()
}

/// Formats a count with its noun, whose plural ends in `s`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, characters_max: usize, want: &str) {
        assert_eq!(safe_cut(text, characters_max), want, "{text:?}");
    }

    #[test]
    fn no_two_file_names_are_shown_alike() {
        let check = |name: &[u8], want: &str| {
            assert_eq!(
                safe_path(Path::new(std::ffi::OsStr::from_bytes(name))),
                want,
                "{name:?}"
            );
        };
        check(
            "dir/Jos\u{e9}, \u{65e5}.csv".as_bytes(),
            "dir/Jos\u{e9}, \u{65e5}.csv",
        );
        check(b"caf\xe9.csv", "caf\\xe9.csv");
        check(b"caf\xe8.csv", "caf\\xe8.csv");
        check(b"caf\\xe9.csv", "caf\\\\xe9.csv");
        check(b"\xf0\x9f\x98", "\\xf0\\x9f\\x98");
        check(b"a\x1b[2J", "a\\u{1b}[2J");
        check(b"a\\u{1b}[2J", "a\\\\u{1b}[2J");
        check("a\u{200b}\u{a0}b.csv".as_bytes(), "a\\u{200b}\\u{a0}b.csv");
        check("\u{fffd}".as_bytes(), "\u{fffd}");
    }

    #[test]
    fn a_shell_reads_a_word_as_it_was_typed() {
        let check = |word: &[u8], want: &str| {
            assert_eq!(shell_word(OsStr::from_bytes(word)), want, "{word:?}");
        };
        check(b"customers.csv", "customers.csv");
        check(b"", "''");
        check(b"it's 5 %.csv", "'it'\\''s 5 %.csv'");
        check("caf\u{e9}.csv".as_bytes(), "'caf\u{e9}.csv'");
        check(
            b"caf\xe9 '%\\.csv",
            "\"$(printf 'caf\\351\\040\\047\\045\\134.csv')\"",
        );
        check(b"a\x1bb", "\"$(printf 'a\\033b')\"");
    }

    #[test]
    fn unsafe_characters_are_escaped_and_long_text_is_cut() {
        check("José, 日本", 99, "José, 日本");
        check("a\u{1b}[2Jb\nc\u{9b}d", 99, "a\\u{1b}[2Jb\\nc\\u{9b}d");
        check("\u{202e}evil\u{2069}", 99, "\\u{202e}evil\\u{2069}");
        check("abcdef", 3, "abc");
        check("ab\u{1b}cd", 4, "ab");
        assert_eq!(safe_lines("a\n\u{1b}b\r\n"), "a\n\\u{1b}b\\r\n");
    }

    #[test]
    fn names_are_escaped_and_cut() {
        let check = |name: &str, want: &str| assert_eq!(safe_name(name), want, "{name:?}");
        check("e-mail ✉", "e-mail ✉");
        check("a\u{1b}[31m\n", "a\\u{1b}[31m\\n");
        check("\u{202e}live", "\\u{202e}live");
        check(&"é".repeat(64), &"é".repeat(64));
        check(&"é".repeat(65), &format!("{}…", "é".repeat(64)));
    }

    #[test]
    fn what_cannot_be_seen_is_unsafe_and_what_can_be_is_not() {
        let hidden = "\t\n\r\u{0}\u{7f}\u{85}\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{2003}\u{200b}\u{200c}\u{200d}\
            \u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2060}\u{2064}\u{2066}\u{2069}\u{206f}\u{3000}\u{3164}\
            \u{e000}\u{fdd0}\u{fe0f}\u{feff}\u{fff9}\u{fffe}\u{ffff}\u{1d173}\u{e0001}\u{e0041}\u{f0000}\u{10ffff}";
        for character in hidden.chars() {
            assert!(is_unsafe(character), "U+{:04X}", u32::from(character));
        }
        for character in " ~aé日😀e\u{301}\u{378}\u{fffd}".chars() {
            assert!(!is_unsafe(character), "U+{:04X}", u32::from(character));
        }
    }

    #[test]
    fn the_ends_of_text_are_trimmed_of_invisible_characters() {
        let check = |text: &str, want: &str| assert_eq!(trimmed(text), want, "{text:?}");
        check("\u{feff}102", "102");
        check(" \u{200b}\u{a0}a\u{200b}b\u{202c} ", "a\u{200b}b");
        check("\u{200b}", "");
        check("Zo\u{eb}", "Zo\u{eb}");
        // The flag of England ends with tags, and a sign in front of digits is visible.
        let flag = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        check(flag, flag);
        check("\u{600}12", "\u{600}12");
    }

    #[test]
    fn a_name_is_the_same_in_one_character_or_in_two() {
        assert!(is_same_name("Gr\u{f6}\u{df}e", "Gro\u{308}\u{df}e"));
        assert!(!is_same_name("Gr\u{f6}\u{df}e", "Gro\u{df}e"));
        assert!(!is_same_name("\u{212a}\u{131}", "k\u{131}"));
        assert_eq!(nfc("Gro\u{308}\u{df}e"), "Gr\u{f6}\u{df}e");
    }

    #[test]
    fn thousands_are_separated() {
        for (count, want) in [
            (0, "0"),
            (999, "999"),
            (1204, "1,204"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(grouped(count), want);
        }
    }

    proptest! {
        #[test]
        fn whatever_a_text_holds_it_is_shown_safely(text: String, code in any::<[char; 8]>()) {
            let text = text + &String::from_iter(code);
            prop_assert!(!safe(&text).contains(is_unsafe), "{text:?}");
            prop_assert!(!safe_name(&text).contains(is_unsafe), "{text:?}");
            prop_assert!(!safe_lines(&text).replace('\n', "").contains(is_unsafe), "{text:?}");
            prop_assert!(!safe_path(Path::new(&text)).contains(is_unsafe), "{text:?}");
            let json = serde_json::to_string(&text).expect("a text serialises");
            let shown = safe_json(&json);
            prop_assert!(!shown.contains(is_unsafe), "{text:?}");
            prop_assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), text);
        }
    }

    #[test]
    fn numbers_of_the_system_s_errors_are_left_out() {
        let check = |message: &str, want: &str| {
            assert_eq!(without_os_errors(message), want, "{message}");
        };
        check("no error", "no error");
        check("a: Permission denied (os error 13)", "a: Permission denied");
        check(
            "a: No such file (os error 2); b: (os error 5): c",
            "a: No such file; b:: c",
        );
        check("a (os error x) b", "a (os error x) b");
        check("a (os error 2", "a (os error 2");
    }
}
