//! The records of a JSON block: lines, or elements of an array.

use memchr::memchr;

use crate::input::blocks::array::next_element;
use crate::input::blocks::block::Block;
use crate::input::bytes::format::Format;
use crate::input::bytes::lines::count_lines;

/// The records of a block: its lines that are not blank, or its elements.
pub(crate) struct JsonRecords<'b> {
    bytes: &'b [u8],
    framing: Framing,
    at: usize,
    line: u64,
}

/// The separation of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// A record is a line.
    Lines,
    /// A record is an element of an array.
    Array,
}

/// One record of a block.
pub(crate) struct JsonRecord<'b> {
    /// The bytes, without the line end.
    pub(crate) raw: &'b [u8],
    /// The line number of its start, from 1.
    pub(crate) line: u64,
    /// The start in the block.
    pub(crate) start: usize,
    /// The end in the block, after the line end.
    pub(crate) end: usize,
    pub(crate) ended: RecordEnd,
}

#[derive(Clone, Copy)]
pub(crate) enum RecordEnd {
    LineFeed,
    /// The input ends without a line end.
    EndOfInput,
    /// The element ends.
    Element,
}

impl RecordEnd {
    /// Returns the name of what ends, for messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            RecordEnd::LineFeed => "line",
            RecordEnd::EndOfInput => "input",
            RecordEnd::Element => "element",
        }
    }
}

impl<'b> JsonRecords<'b> {
    /// Returns the records of a block.
    pub(crate) fn of(block: &'b Block, framing: Framing) -> JsonRecords<'b> {
        JsonRecords {
            bytes: &block.bytes,
            framing,
            at: 0,
            line: block.first_line,
        }
    }

    #[inline]
    fn next_line(&mut self) -> Option<JsonRecord<'b>> {
        loop {
            let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
            let (raw, ended) = match memchr(b'\n', rest) {
                Some(length) => (rest.get(..length).unwrap_or(rest), RecordEnd::LineFeed),
                None => (rest, RecordEnd::EndOfInput),
            };
            let (line, start) = (self.line, self.at);
            self.line += 1;
            self.at += match ended {
                RecordEnd::LineFeed => raw.len() + 1,
                RecordEnd::EndOfInput | RecordEnd::Element => raw.len(),
            };
            let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
            if !is_blank(raw) {
                return Some(JsonRecord {
                    raw,
                    line,
                    start,
                    end: self.at,
                    ended,
                });
            }
        }
    }

    #[cold]
    fn next_element(&mut self) -> Option<JsonRecord<'b>> {
        let place = next_element(self.bytes, self.at)?;
        let lines_in =
            |bytes: Option<&[u8]>| count_lines(bytes.unwrap_or_default(), Format::JsonArray);
        let line = self.line + lines_in(self.bytes.get(self.at..place.start));
        let raw = self.bytes.get(place.clone()).unwrap_or_default();
        self.line = line + lines_in(Some(raw));
        self.at = place.end;
        Some(JsonRecord {
            raw,
            line,
            start: place.start,
            end: place.end,
            ended: RecordEnd::Element,
        })
    }
}

impl<'b> Iterator for JsonRecords<'b> {
    type Item = JsonRecord<'b>;

    #[inline]
    fn next(&mut self) -> Option<JsonRecord<'b>> {
        match self.framing {
            Framing::Lines => self.next_line(),
            Framing::Array => self.next_element(),
        }
    }
}

/// Whether bytes are only JSON white space (RFC 8259 §2).
pub(crate) fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}
