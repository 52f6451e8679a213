//! A failed row, split into the part that custsync wrote and the original row.

use std::borrow::Cow;

use crate::input::mapping::withheld::Withheld;

/// A failed row, split into custsync's part and the original row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPart<'r> {
    /// The row's place in the first input, as the bytes of its cell or as JSON. `None` if the row
    /// does not have it.
    pub place: Option<Cow<'r, [u8]>>,
    /// The names of what was withheld from the row before.
    pub overtaken: Overtaken<'r>,
    /// The row as it was in the first input, without custsync's part.
    pub rest: Cow<'r, [u8]>,
    /// Whether all texts of the row could be read.
    pub texts: Texts,
}

/// Whether the texts of a row can be written without the escapes of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// All can, or there are no escapes.
    Good,
    /// Some could not be read. They are now marked with a backslash after their quotes.
    Marked,
}

/// The names of what was withheld from a row before, as the row has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overtaken<'r> {
    /// The names were read.
    Read(Withheld),
    /// The names could not be read: the text of a cell, or JSON. It is kept so that a correction of
    /// it can be read.
    Unread(Cow<'r, str>),
}

impl OwnPart<'_> {
    /// Returns the part of a row in which custsync wrote nothing.
    pub(crate) fn nothing(raw: &[u8]) -> OwnPart<'_> {
        OwnPart {
            place: None,
            overtaken: Overtaken::Read(Withheld::NOTHING),
            rest: Cow::Borrowed(raw),
            texts: Texts::Good,
        }
    }
}
