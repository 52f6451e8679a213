//! The lines of an NDJSON block, and their ends.

use memchr::memchr;

use crate::input::blocks::block::Block;

/// The lines of a block that are not blank.
pub(crate) struct NdjsonLines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
}

/// One line of a block.
pub(crate) struct NdjsonLine<'b> {
    /// The bytes, without the line end.
    pub(crate) raw: &'b [u8],
    /// The line number, from 1.
    pub(crate) line: u64,
    /// The start in the block.
    pub(crate) start: usize,
    /// The end in the block, after the line end.
    pub(crate) end: usize,
    pub(crate) ended: LineEnd,
}

#[derive(Clone, Copy)]
pub(crate) enum LineEnd {
    LineFeed,
    /// The input ends without a line end.
    EndOfInput,
}

impl LineEnd {
    /// Returns the name of the end, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            LineEnd::LineFeed => "line",
            LineEnd::EndOfInput => "input",
        }
    }
}

impl<'b> NdjsonLines<'b> {
    /// Returns the lines of a block.
    pub(crate) fn of(block: &'b Block) -> NdjsonLines<'b> {
        NdjsonLines {
            bytes: &block.bytes,
            at: 0,
            line: block.first_line,
        }
    }
}

impl<'b> Iterator for NdjsonLines<'b> {
    type Item = NdjsonLine<'b>;

    fn next(&mut self) -> Option<NdjsonLine<'b>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let (raw, ended) = match memchr(b'\n', rest) {
                Some(length) => (rest.get(..length).unwrap_or(rest), LineEnd::LineFeed),
                None => (rest, LineEnd::EndOfInput),
            };
            let (line, start) = (self.line, self.at);
            self.line += 1;
            self.at += match ended {
                LineEnd::LineFeed => raw.len() + 1,
                LineEnd::EndOfInput => raw.len(),
            };
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            if !is_blank(raw) {
                return Some(NdjsonLine {
                    raw,
                    line,
                    start,
                    end: self.at,
                    ended,
                });
            }
        }
    }
}

/// Whether bytes are only JSON white space (RFC 8259 §2).
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
