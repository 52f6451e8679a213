//! Characters and words in valid text that are rarely meant: the traces of a conversion. They are
//! counted as warnings.

use super::field::Field;
use super::warning::{Warning, Warnings};
use crate::text::trimmed;

/// The words that databases and programs write for null. Words that are also names of people count
/// only in the case that programs use.
const NULL_WORDS: [&str; 26] = [
    "NULL",
    "null",
    "Null",
    "(null)",
    "(NULL)",
    "[NULL]",
    "[null]",
    "<null>",
    "<NULL>",
    "\\N",
    "nan",
    "NaN",
    "NAN",
    "-nan",
    "NaT",
    "<NA>",
    "None",
    "none",
    "NONE",
    "nil",
    "NIL",
    "N/A",
    "n/a",
    "NA",
    "undefined",
    "(none)",
];

/// Adds the warnings about a text that keeps its field's rule.
pub(super) fn add_warnings(text: &str, field: Field, warnings: &mut Warnings) {
    let mut warn = |is_so: bool, warning: Warning| {
        if is_so {
            warnings.insert(warning, field);
        }
    };
    warn(is_null_word(text), Warning::NullWord);
    let visible = trimmed(text);
    warn(
        visible.starts_with('=') && visible.len() > 1,
        Warning::FormulaText,
    );
    if has_odd_characters(text.as_bytes()) {
        warn(has_mojibake(text.as_bytes()), Warning::Mojibake);
        warn(text.chars().any(is_odd_control), Warning::ControlCharacter);
    }
    warn(
        !field.takes_line_breaks() && has_line_break(text.as_bytes()),
        Warning::LineBreak,
    );
}

/// Whether text has more than one line.
pub(crate) fn has_line_break(text: &[u8]) -> bool {
    memchr::memchr2(b'\n', b'\r', text).is_some()
}

/// Whether text is a word for null, ignoring white space around it.
pub(super) fn is_null_word(text: &str) -> bool {
    NULL_WORDS.contains(&trimmed(text))
}

/// Whether UTF-8 text has characters that need a closer look: control characters (including line
/// breaks, which some fields do not expect), U+FFFD, and UTF-8 misread in another encoding.
pub(crate) fn has_odd_characters(text: &[u8]) -> bool {
    let is_usual = |byte: &u8| matches!(byte, b' '..=b'~');
    !text.iter().all(is_usual) && has_odd_character_among_others(text)
}

#[cold]
fn has_odd_character_among_others(text: &[u8]) -> bool {
    let is_odd_ascii = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    text.iter().any(is_odd_ascii) || has_odd_text(text)
}

/// Whether text outside ASCII has U+FFFD, control characters of Latin-1, or UTF-8 misread in
/// another encoding.
pub(crate) fn has_odd_text(text: &[u8]) -> bool {
    let mut leads = memchr::memchr2_iter(0xef, 0xc2, text).filter_map(|at| text.get(at..));
    leads.any(|rest| matches!(rest, [0xef, 0xbf, 0xbd, ..] | [0xc2, 0x80..=0x9f, ..]))
        || has_mojibake(text)
}

/// Whether UTF-8 has a pair of characters that comes from reading UTF-8 as Latin-1 or windows-1252,
/// and that no language writes.
pub(super) fn has_mojibake(text: &[u8]) -> bool {
    memchr::memchr_iter(0xc3, text)
        .filter_map(|at| text.get(at..))
        .any(starts_with_mojibake)
}

/// Whether UTF-8 that begins with a character from U+00C0 to U+00FF begins with such a pair.
fn starts_with_mojibake(text: &[u8]) -> bool {
    // Behind \u{c2} and \u{c3}: the second byte of a letter of the Latin alphabet …
    let is_latin = matches!(text, [0xc3, 0x82 | 0x83, 0xc2, ..])
        // … for which windows-1252 may have another letter or a punctuation mark.
        || matches!(text, [0xc3, 0x83, 0xc5, 0x92 | 0x93 | 0xa0 | 0xa1 | 0xb8 | 0xbd | 0xbe, ..])
        || matches!(text, [0xc3, 0x83, 0xc6, 0x92, ..] | [0xc3, 0x83, 0xcb, 0x86 | 0x9c, ..])
        || matches!(text, [0xc3, 0x83, 0xe2, 0x80 | 0x82 | 0x84, _, ..]);
    // The first characters for letters of Central and Eastern Europe, Greek and Cyrillic.
    let is_other_letter = matches!(text, [0xc3, 0x84 | 0x8e | 0x8f | 0x90, 0xc2, 0x80..=0x9f | 0xa1..=0xbf, ..] | [0xc3, 0x85, 0xc2, ..])
        || matches!(
            text,
            [
                0xc3,
                0x84 | 0x85,
                0xc5,
                0x92 | 0x93 | 0xa0 | 0xa1 | 0xb8 | 0xbd | 0xbe,
                ..
            ]
        )
        || matches!(
            text,
            [0xc3, 0x84 | 0x85, 0xe2, 0x80, 0x9a | 0x9e | 0xa1 | 0xba, ..]
        )
        || matches!(text, [0xc3, 0x84 | 0x85, 0xe2, 0x84, 0xa2, ..]);
    // Dashes, quotation marks and other characters of three bytes.
    let is_of_three_bytes = matches!(
        text,
        [0xc3, 0xa2, 0xe2, 0x82, 0xac, ..] | [0xc3, 0xa2, 0xc2, 0x80, ..]
    ) || matches!(text, [0xc3, 0xa0..=0xaf, 0xc2, _, 0xc2, ..]);
    is_latin || is_other_letter || is_of_three_bytes
}

fn is_odd_control(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the UTF-8 of `text` read as windows-1252, or as Latin-1 where windows-1252 has no
    /// character.
    fn misread(text: &str) -> [String; 2] {
        let (windows, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(text.as_bytes());
        [windows.into_owned(), text.bytes().map(char::from).collect()]
    }

    #[test]
    fn utf_8_that_was_read_otherwise_is_seen() {
        for word in [
            "Zo\u{eb}",
            "M\u{fc}hle",
            "Stra\u{df}e",
            "\u{d6}sterreich",
            "\u{c9}cole",
            "\u{e0} demi",
            "\u{c4}rztin",
            "\u{dc}bung",
            "don\u{2019}t",
            "\u{201c}x\u{201d}",
            "\u{142}\u{105}ka",
            "\u{160}koda",
            "\u{41f}\u{440}\u{438}",
            "\u{3b1}\u{3b2}",
            "\u{4e2d}\u{6587}",
        ] {
            for misread in misread(word) {
                assert!(
                    has_mojibake(misread.as_bytes()) && has_odd_characters(misread.as_bytes()),
                    "{word} {misread}"
                );
            }
            assert!(!has_odd_characters(word.as_bytes()), "{word}");
        }
        for word in [
            "S\u{c3}O JO\u{c3}O",
            "\u{c2}ngela",
            "p\u{e2}t\u{e9}",
            "\u{c5}ngstr\u{f6}m",
            "5\u{20ac}",
            "\u{c4}\u{2026}",
            "\u{201e}\u{c4}\u{201c}",
            "d\u{2019}\u{c2}ge",
            "Nu\u{f1}ez 3\u{ba}",
            "20 \u{b0}C",
            "\u{d0}\u{f3}r",
        ] {
            assert!(!has_mojibake(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn each_oddity_is_reported_with_its_field() {
        let check = |field: Field, text: &str, want: &[Warning]| {
            let mut warnings = Warnings::default();
            add_warnings(text, field, &mut warnings);
            let found: Vec<_> = warnings
                .iter()
                .map(|(of, warning)| (of == field, warning))
                .collect();
            let want: Vec<_> = want.iter().map(|warning| (true, *warning)).collect();
            assert_eq!(found, want, "{field} {text:?}");
        };
        for word in NULL_WORDS {
            check(Field::Job, word, &[Warning::NullWord]);
        }
        for word in ["NULL ", " NULL", "\u{a0}N/A\u{a0}", "null\u{200b}"] {
            check(Field::FirstName, word, &[Warning::NullWord]);
        }
        for word in ["Nora", "Nan", "Nil", "Na", "nulls", "Annul", "N"] {
            check(Field::FirstName, word, &[]);
        }
        check(Field::PhoneNumber, "=\"0160\"", &[Warning::FormulaText]);
        check(Field::PhoneNumber, " =1+1", &[Warning::FormulaText]);
        check(Field::Job, "=", &[]);
        check(Field::Job, "Zo\u{c3}\u{ab}", &[Warning::Mojibake]);
        for text in ["a\u{1}b", "a\u{7f}", "a\u{85}b", "\u{9b}x"] {
            check(Field::Job, text, &[Warning::ControlCharacter]);
        }
        check(Field::Job, "a\tb", &[]);
        check(Field::Address, "a\r\nb", &[]);
        check(Field::PhoneNumber, "0160\n11", &[Warning::LineBreak]);
        check(Field::FirstName, "a\rb", &[Warning::LineBreak]);
    }
}
