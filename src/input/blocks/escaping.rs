//! Which bytes of a CSV text a backslash escapes, one byte after the other.

use crate::input::bytes::dialect::Escape;

/// Whether the next byte is escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Escaping {
    /// It is not.
    #[default]
    No,
    /// A backslash stands before it.
    Next,
    /// An escaped CR does, with which a LF makes one line end.
    NextFeed,
}

impl Escaping {
    /// Takes in the next byte. Returns whether a backslash escapes it, or it is one that escapes the byte behind it.
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
