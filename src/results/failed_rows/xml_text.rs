//! Text in the XML of a workbook.

use std::fmt::Write as _;

/// The most characters of a cell, in units of UTF-16, that Excel opens.
const CELL_UNITS_MAX: usize = 32_767;

/// Appends the text of a cell or an attribute, with its escapes. A text that is too long for a cell
/// is cut.
///
/// A character that XML cannot hold, and a carriage return, which XML changes, is written as in
/// `_x000D_` (`ST_Xstring`, ECMA-376 part 1 §22.9.2.19). Text that looks like such an escape gets
/// one for its underscore.
pub(super) fn push_text(xml: &mut String, text: &str) {
    if text.len() <= CELL_UNITS_MAX && text.bytes().all(is_plain) {
        xml.push_str(text);
        return;
    }
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > CELL_UNITS_MAX {
            return;
        }
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' => xml.push_str("&#10;"),
            '\t' => xml.push_str("&#9;"),
            '_' if begins_with_escape(text.get(at..).unwrap_or_default()) => {
                push_escape(xml, '_');
            }
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => push_escape(xml, character),
            character => xml.push(character),
        }
    }
}

/// Whether a byte of text never needs an escape.
fn is_plain(byte: u8) -> bool {
    // The characters that XML cannot hold beyond ASCII begin with the last of these bytes.
    byte >= b' ' && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'_' | 0xef)
}

/// Whether a text is too long for a cell.
pub(super) fn is_too_long(text: &str) -> bool {
    text.len() > CELL_UNITS_MAX && text.encode_utf16().count() > CELL_UNITS_MAX
}

fn push_escape(xml: &mut String, character: char) {
    write!(xml, "_x{:04X}_", u32::from(character)).expect("memory can be written");
}

/// Whether text begins as an escape does. Its last underscore may come from the escape behind it.
fn begins_with_escape(text: &str) -> bool {
    let digits = text
        .strip_prefix("_x")
        .and_then(|behind| behind.as_bytes().get(..4));
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let check = |text: &str, want: &str| {
            let mut xml = String::new();
            push_text(&mut xml, text);
            assert_eq!(xml, want);
        };
        check("Zo\u{eb} <&>\"'", "Zo\u{eb} &lt;&amp;&gt;&quot;'");
        check("a\r\n\tb\u{1}\u{ffff}", "a_x000D_&#10;&#9;b_x0001__xFFFF_");
        check(
            "_x000D_ _x00_ a_x0041\u{1}",
            "_x005F_x000D_ _x00_ a_x005F_x0041_x0001_",
        );
        check(&"x".repeat(40_000), &"x".repeat(CELL_UNITS_MAX));
        check(
            &"\u{1f600}".repeat(20_000),
            &"\u{1f600}".repeat(CELL_UNITS_MAX / 2),
        );
    }
}
