//! The shared strings of a workbook: most cells with text refer to one. They have to be held in
//! memory, so they are packed closely, and their size is limited.

use crate::input::error::InputFault;

/// The most memory that the shared strings may take.
const TABLE_BYTES_MAX: usize = 256 << 20;
/// The size of a page. Strings are packed into pages, so that the table grows without being copied.
const PAGE_BYTES: usize = 1 << 20;
/// The longest text. A cell holds at most 32,767 characters.
pub(crate) const TEXT_BYTES_MAX: usize = 256 << 10;

/// The number of strings whose ends are kept together, for the same reason.
const ENDS: usize = 1 << 16;

/// The shared strings of a workbook.
#[derive(Debug, Default)]
pub(crate) struct SharedStrings {
    pages: Vec<String>,
    /// The end of each string: the size of all pages before its own, and its end there.
    ends: Vec<Vec<u32>>,
}

impl SharedStrings {
    /// Adds a string, within the limit.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), InputFault> {
        self.push(text);
        if self.bytes() > TABLE_BYTES_MAX {
            return Err(InputFault::WorkbookTexts {
                bytes_max: TABLE_BYTES_MAX,
            });
        }
        Ok(())
    }

    fn push(&mut self, text: &str) {
        let has_room = self
            .pages
            .last()
            .is_some_and(|page| page.len() + text.len() <= PAGE_BYTES);
        if !has_room {
            self.pages.push(String::with_capacity(PAGE_BYTES));
        }
        let before = (self.pages.len() - 1) * PAGE_BYTES;
        let Some(page) = self.pages.last_mut() else {
            return;
        };
        page.push_str(text);
        let end = u32::try_from(before + page.len()).expect("the table is far smaller than 4 GiB");
        if self.ends.last().is_none_or(|ends| ends.len() == ENDS) {
            self.ends.push(Vec::with_capacity(ENDS));
        }
        if let Some(ends) = self.ends.last_mut() {
            ends.push(end);
        }
    }

    /// Returns the string of this number.
    pub(crate) fn get(&self, index: usize) -> Option<&str> {
        let end = self.end(index)?;
        // A string that ends where a page does is on that page, or empty.
        let page = end.saturating_sub(1) / PAGE_BYTES;
        let before = index.checked_sub(1).and_then(|before| self.end(before));
        let start = before.unwrap_or(0).max(page * PAGE_BYTES);
        let first = page * PAGE_BYTES;
        self.pages.get(page)?.get(start - first..end - first)
    }

    fn end(&self, index: usize) -> Option<usize> {
        let end = *self.ends.get(index / ENDS)?.get(index % ENDS)?;
        usize::try_from(end).ok()
    }

    /// Returns the number of strings.
    pub(crate) fn len(&self) -> usize {
        let full = self.ends.len().saturating_sub(1) * ENDS;
        full + self.ends.last().map_or(0, Vec::len)
    }

    /// Returns the memory that the strings take.
    pub(crate) fn bytes(&self) -> usize {
        self.pages.len() * PAGE_BYTES + self.ends.len() * ENDS * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_texts_and_texts_that_fill_a_page_are_found() {
        let mut texts = SharedStrings::default();
        let page = "x".repeat(PAGE_BYTES);
        let all = ["", "", &page, "", &page, "y", "", &page, ""];
        for text in all {
            texts.push(text);
        }
        for (index, text) in all.into_iter().enumerate() {
            assert_eq!(texts.get(index).map(str::len), Some(text.len()), "{index}");
        }
        let before = texts.len();
        for _ in 0..2 * ENDS {
            texts.push("");
        }
        texts.push("z");
        assert_eq!(texts.len(), before + 2 * ENDS + 1);
        assert_eq!(texts.get(texts.len() - 1), Some("z"));
        assert_eq!(texts.get(before + ENDS), Some(""));
        assert_eq!(texts.get(texts.len()), None);
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
