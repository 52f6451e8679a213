//! The texts of an XML workbook: its shared strings, and the escapes in them.

use std::borrow::Cow;
use std::io::Read;

use crate::input::error::InputFault;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::texts::{SharedStrings, TEXT_BYTES_MAX};
use crate::input::sheet::xml::{Node, Xml};

/// Reads the shared strings in the part of this name. A workbook may have none.
pub(super) fn read(package: &mut Package, name: &str) -> Result<SharedStrings, InputFault> {
    let mut texts = SharedStrings::default();
    let Some(mut xml) = package.part(name)? else {
        return Ok(texts);
    };
    let mut text = String::new();
    loop {
        match xml.next()? {
            Node::Start(element) if element.local_name().as_ref() == "si" => {
                text.clear();
                read_text(&mut xml, &mut text)?;
                texts.add(&decoded(&text))?;
            }
            Node::EndOfPart => return Ok(texts),
            Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => {}
        }
    }
}

/// Reads the text of a shared string or cell that has just begun: that of all its runs, without
/// formatting and without phonetic hints (`rPh`).
pub(super) fn read_text<R: Read>(xml: &mut Xml<R>, text: &mut String) -> Result<(), PartFault> {
    xml.text_of_runs(text, TEXT_BYTES_MAX)
}

/// Resolves the escapes of a text: `_x000D_` is a carriage return, `_x005F_` an underscore
/// (`ST_Xstring`, ECMA-376 part 1 §22.9.2.19). An escape that is no character is kept.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    if memchr::memmem::find(text.as_bytes(), b"_x").is_none() {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, escape) = rest.split_at(at);
        decoded.push_str(before);
        let (character, length) = character_of(escape).unwrap_or(('_', 1));
        decoded.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    decoded.push_str(rest);
    Cow::Owned(decoded)
}

/// Returns the character of the escape at the start of a text, or of two that form a surrogate
/// pair, and its length.
fn character_of(text: &str) -> Option<(char, usize)> {
    const LENGTH: usize = "_x0000_".len();
    let first = unit_of(text)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some((character, LENGTH));
    }
    let second = unit_of(text.get(LENGTH..)?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, 2 * LENGTH))
}

/// Returns the number in the escape at the start of a text.
fn unit_of(text: &str) -> Option<u16> {
    let digits = text
        .strip_prefix("_x")?
        .get(..4)
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    text.get(6..)?
        .starts_with('_')
        .then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        let check = |text: &str, want: &str| assert_eq!(decoded(text), want, "{text}");
        check("plain_text", "plain_text");
        check("a_x000D_\nb", "a\r\nb");
        check("_x000d_", "\r");
        check("_x005F_x000D_", "_x000D_");
        check("_xD83D__xDE00_!", "\u{1f600}!");
        check("_xD83D_", "_xD83D_");
        check(
            "_x00_ _x00zz_ _x0041 _x+041_ _X0041_",
            "_x00_ _x00zz_ _x0041 _x+041_ _X0041_",
        );
        check("__x0041__", "_A_");
        check("_x\u{e9}\u{e9}\u{e9}_", "_x\u{e9}\u{e9}\u{e9}_");
    }
}
