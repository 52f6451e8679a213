//! Tracks which bytes of a CSV text a backslash escapes, byte by byte.

use crate::input::bytes::dialect::Escape;

/// Whether the next byte is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Escaping {
    /// It is not.
    #[default]
    No,
    /// A backslash precedes it.
    Next,
    /// An escaped CR precedes it; a LF belongs to the same line end.
    NextFeed,
}

impl Escaping {
    /// Advances by one byte. Returns whether the byte is escaped, or is the backslash that escapes
    /// the next one.
    pub(crate) fn takes(&mut self, byte: u8, escape: Escape) -> bool {
        if escape == Escape::None {
            return false;
        }
        let (is_escaped, next) = match (*self, byte) {
            (Escaping::Next, b'\r') => (true, Escaping::NextFeed),
            (Escaping::Next, _) | (Escaping::NextFeed, b'\n') => (true, Escaping::No),
            (Escaping::No | Escaping::NextFeed, b'\\') => (true, Escaping::Next),
            (Escaping::No | Escaping::NextFeed, _) => (false, Escaping::No),
        };
        *self = next;
        is_escaped
    }
}
