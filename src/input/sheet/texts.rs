//! The shared strings of a workbook: most cells with text refer to one. They have to be held in
//! memory, so they are packed closely, and their size is limited.

use std::borrow::Cow;

use super::fault::PartFault;
use super::package::Package;
use super::xml::{Node, Xml};
use crate::input::error::InputFault;

/// The most memory that the shared strings may take.
const TABLE_BYTES_MAX: usize = 256 << 20;
/// The size of a page. Strings are packed into pages, so that the table grows without being copied.
const PAGE_BYTES: usize = 1 << 20;
/// The longest text. A cell holds at most 32,767 characters.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 10;

/// The shared strings of a workbook.
#[derive(Debug, Default)]
pub(crate) struct SharedStrings {
    pages: Vec<String>,
    /// The page of each string, and its end there.
    ends: Vec<(u32, u32)>,
}

impl SharedStrings {
    /// Reads the shared strings. A workbook may have none.
    pub(crate) fn read(package: &mut Package, name: &str) -> Result<SharedStrings, InputFault> {
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
                    texts.push(&decoded(&text));
                    if texts.bytes() > TABLE_BYTES_MAX {
                        return Err(InputFault::WorkbookTexts {
                            bytes_max: TABLE_BYTES_MAX,
                        });
                    }
                }
                Node::EndOfPart => return Ok(texts),
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => {}
            }
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        let has_room = self
            .pages
            .last()
            .is_some_and(|page| page.len() + text.len() <= PAGE_BYTES);
        if !has_room {
            self.pages.push(String::with_capacity(PAGE_BYTES));
        }
        let place = u32::try_from(self.pages.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(1);
        if let Some(page) = self.pages.last_mut() {
            page.push_str(text);
            self.ends
                .push((place, u32::try_from(page.len()).unwrap_or(u32::MAX)));
        }
    }

    /// Returns the string of this number.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let (place, end) = *self.ends.get(index)?;
        let before = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        let start = before
            .filter(|(before, _)| *before == place)
            .map_or(0, |(_, end)| *end);
        let page = self.pages.get(usize::try_from(place).ok()?)?;
        page.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Returns the number of strings.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the memory that the strings take.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * PAGE_BYTES + self.ends.len() * size_of::<(u32, u32)>()
    }
}

/// Reads the text of a shared string or cell that has just begun: that of all its runs, without
/// formatting and without phonetic hints (`rPh`).
pub(crate) fn read_text<R: std::io::Read>(
    xml: &mut Xml<R>,
    text: &mut String,
) -> Result<(), PartFault> {
    xml.text_of_runs(text, TEXT_BYTES_MAX)
}

/// Resolves the escapes of a text: `_x000D_` is a carriage return, `_x005F_` an underscore
/// (`ST_Xstring`, ECMA-376 part 1 §22.9.2.19). An escape that is no character is kept.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
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

    #[test]
    fn texts_are_found_by_their_number_over_all_pages() {
        let mut texts = SharedStrings::default();
        let long = "x".repeat(PAGE_BYTES * 2 / 3);
        let all = ["a", "", &long, "b", &long, "", "c"];
        for text in all {
            texts.push(text);
        }
        for (index, text) in all.into_iter().enumerate() {
            assert_eq!(texts.get(index), Some(text), "{index}");
        }
        assert_eq!((texts.get(all.len()), texts.len()), (None, all.len()));
    }
}
