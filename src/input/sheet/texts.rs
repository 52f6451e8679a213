//! A workbook's table of texts: most cells with text name one of its entries. It has to be held in memory, so it is held closely
//! packed, and its size is bounded.

use std::borrow::Cow;

use super::fault::PartFault;
use super::package::Package;
use super::xml::{Node, Xml};
use crate::input::error::InputFault;

/// The most memory that the table may take.
const TABLE_BYTES_MAX: usize = 256 << 20;
/// Texts are packed into pieces of memory of this size, so that the table grows without being copied.
const PAGE_BYTES: usize = 1 << 20;
/// The longest text. A cell holds at most 32,767 characters.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 10;

/// The texts of a workbook.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    pages: Vec<String>,
    /// The page on which a text is, and where it ends there.
    ends: Vec<(u32, u32)>,
}

impl Texts {
    /// Reads the table. There need not be one.
    pub(crate) fn read(package: &mut Package, name: &str) -> Result<Texts, InputFault> {
        let mut texts = Texts::default();
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

    /// The text of this number.
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

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * PAGE_BYTES + self.ends.len() * size_of::<(u32, u32)>()
    }
}

/// Reads the text of a table's entry or of a cell, which has just begun: that of all its runs, whatever they look like, without
/// the phonetic hints beside them (`rPh`), which are no part of it.
pub(crate) fn read_text<R: std::io::Read>(
    xml: &mut Xml<R>,
    text: &mut String,
) -> Result<(), PartFault> {
    xml.text_of_runs(text, TEXT_BYTES_MAX)
}

/// A text with its escapes resolved: `_x000D_` is a carriage return, `_x005F_` an underscore (`ST_Xstring`, ECMA-376 part 1
/// §22.9.2.19). What is no character is left as it is.
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

/// The character that a text begins with as an escape, or as two that are the halves of one, and how long that is.
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

/// The number of the escape that a text begins with.
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
        let mut texts = Texts::default();
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
