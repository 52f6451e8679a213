//! The shared strings of a workbook: most cells with text refer to one. They have to be held in
//! memory, so they are packed closely, and their size is limited.

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

#[cfg(test)]
mod tests {
    use super::*;

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
