//! Which bytes of a CSV text matter, 64 at a time: delimiters, line ends, and what stands in quotes. A record has so many short
//! cells that looking at one byte after the other, or searching each cell for its end, takes longer than checking what it says.

use wide::u8x32;

use super::format::Delimiter;
use super::places::{CHUNK_BYTES, bits};

/// What the bytes of a chunk are: a bit of a word for each, the first one's lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    /// Delimiters and line ends.
    ends: u64,
    /// CRs and LFs.
    line_ends: u64,
    /// CRs.
    returns: u64,
    /// What is inside of quotes, where delimiters and line ends belong to the cell.
    quoted: u64,
    /// Quotes that open a cell.
    pub(super) opening: u64,
    /// Whether a quote stands for itself: one of two, or one in a cell that it does not open.
    has_literal_quotes: bool,
}

/// What is kept of a chunk's marks until its records are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellMarks {
    /// What ends a cell.
    pub(super) cell_ends: u64,
    /// Line ends that belong to a cell; of a CRLF both bytes.
    pub(super) quoted_line_ends: u64,
    /// Whether a quote stands for itself.
    pub(super) has_literal_quotes: bool,
}

/// Marks the bytes of a text, from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    delimiter: u8x32,
    carry: Carry,
}

/// Where the next byte stands, in the form in which a chunk needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Carry {
    /// All ones inside of quotes.
    in_quotes: u64,
    /// One behind a quote that closes a cell's quotes.
    behind_quote: u64,
    /// One behind what ends a cell, where it is not in quotes.
    behind_end: u64,
}

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// At the start of a cell, where a quote opens it.
    CellStart,
    /// In a cell, outside of quotes, where a quote is a character like others.
    InCell,
    /// Inside of quotes.
    InQuotes,
    /// Behind a quote that closes the cell's quotes, unless the next byte is another one.
    BehindQuote,
}

impl Marks {
    /// What its records are read by.
    #[inline]
    pub(super) fn cells(&self) -> CellMarks {
        CellMarks {
            cell_ends: self.ends & !self.quoted,
            quoted_line_ends: self.line_ends & self.quoted,
            has_literal_quotes: self.has_literal_quotes,
        }
    }

    /// What ends a record: the CR and the LF of a CRLF both do, since none is between them.
    #[inline]
    pub(super) fn record_ends(&self) -> u64 {
        self.line_ends & !self.quoted
    }

    /// CRs without a LF behind them; the chunk's last byte may have one in the next chunk.
    #[inline]
    pub(super) fn lone_returns(&self) -> u64 {
        let feeds = self.line_ends & !self.returns;
        self.returns & !(feeds >> 1)
    }
}

impl Marker {
    /// Nothing is marked yet. A text starts with a record.
    pub(super) fn new(delimiter: Delimiter) -> Marker {
        Marker { delimiter: u8x32::splat(delimiter.byte()), carry: Carry::of(Place::CellStart) }
    }

    /// Marks the first chunk of what is left of the text.
    #[inline]
    pub(super) fn mark(&mut self, rest: &[u8]) -> Marks {
        match rest.first_chunk() {
            Some(chunk) => self.mark_chunk(chunk),
            None => self.mark_each(rest),
        }
    }

    /// The marks of a whole text.
    pub(super) fn mark_all(mut self, text: &[u8]) -> Vec<CellMarks> {
        text.chunks(CHUNK_BYTES).map(|chunk| self.mark(chunk).cells()).collect()
    }

    /// Whether the bytes up to here end inside of quotes.
    pub(super) fn is_in_quotes(&self) -> bool {
        self.carry.in_quotes != 0
    }

    /// Quotes come in pairs, so what is inside of them follows from how many come before; if only each that would open a pair
    /// stands where a quote opens a cell, or behind the one that it makes a pair of two with, as nearly all do.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is not asked of the marks need not be made")]
    fn mark_chunk(&mut self, chunk: &[u8; CHUNK_BYTES]) -> Marks {
        let (delimiter, [cr, lf, quote]) = (self.delimiter, [b'\r', b'\n', b'"'].map(u8x32::splat));
        let quotes = bits(chunk, |bytes| bytes.simd_eq(quote));
        let ends = bits(chunk, |bytes| bytes.simd_eq(delimiter) | bytes.simd_eq(cr) | bytes.simd_eq(lf));
        let line_ends = bits(chunk, |bytes| bytes.simd_eq(cr) | bytes.simd_eq(lf));
        let returns = bits(chunk, |bytes| bytes.simd_eq(cr));
        let Carry { in_quotes, behind_quote, behind_end } = self.carry;
        let quoted = parity(quotes) ^ in_quotes;
        let (pair_starts, pair_ends) = (quotes & quoted, quotes & !quoted);
        let behind_quotes = pair_ends << 1 | behind_quote;
        if pair_starts & !(behind_quotes | ends << 1 | behind_end) != 0 {
            return self.mark_each(chunk);
        }
        let last = CHUNK_BYTES - 1;
        self.carry = Carry {
            in_quotes: 0_u64.wrapping_sub(quoted >> last),
            behind_quote: pair_ends >> last,
            behind_end: ends >> last,
        };
        let opening = pair_starts & !behind_quotes;
        Marks { ends, line_ends, returns, quoted, opening, has_literal_quotes: opening != pair_starts }
    }

    /// The same, one byte after the other: the rule itself.
    #[cold]
    fn mark_each(&mut self, bytes: &[u8]) -> Marks {
        let (delimiter, mut place) = (self.delimiter.to_array()[0], self.carry.place());
        let mut marks = Marks::default();
        for (index, &byte) in bytes.iter().take(CHUNK_BYTES).enumerate() {
            let ends_cell = byte == delimiter || matches!(byte, b'\r' | b'\n');
            let set = |word: &mut u64, is_set: bool| *word |= u64::from(is_set) << index;
            set(&mut marks.ends, ends_cell);
            set(&mut marks.line_ends, matches!(byte, b'\r' | b'\n'));
            set(&mut marks.returns, byte == b'\r');
            set(&mut marks.opening, (place, byte) == (Place::CellStart, b'"'));
            place = match (place, byte) {
                (Place::InQuotes, b'"') => Place::BehindQuote,
                (Place::InQuotes, _) | (Place::CellStart, b'"') => Place::InQuotes,
                (Place::BehindQuote, b'"') => {
                    marks.has_literal_quotes = true;
                    Place::InQuotes
                }
                (Place::InCell, b'"') => {
                    marks.has_literal_quotes = true;
                    Place::InCell
                }
                (Place::CellStart | Place::InCell | Place::BehindQuote, _) if ends_cell => Place::CellStart,
                (Place::CellStart | Place::InCell | Place::BehindQuote, _) => Place::InCell,
            };
            set(&mut marks.quoted, place == Place::InQuotes);
        }
        self.carry = Carry::of(place);
        marks
    }
}

impl Carry {
    fn of(place: Place) -> Carry {
        Carry {
            in_quotes: if place == Place::InQuotes { u64::MAX } else { 0 },
            behind_quote: u64::from(place == Place::BehindQuote),
            behind_end: u64::from(place == Place::CellStart),
        }
    }

    fn place(self) -> Place {
        match self {
            Carry { in_quotes: 1.., .. } => Place::InQuotes,
            Carry { behind_quote: 1.., .. } => Place::BehindQuote,
            Carry { behind_end: 1.., .. } => Place::CellStart,
            Carry { .. } => Place::InCell,
        }
    }
}

/// For each bit, whether the ones up to it and with it are odd in number.
#[inline]
fn parity(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let usual = prop::sample::select(
            [&b","[..], b"\n", b"\r\n", b"\r", b"abc", b",\"a,\n\"", b",\"\"\"\",", b"\n\"\""].to_vec(),
        );
        let any = prop::sample::select([&b"\""[..], b"\"\"", b",", b"\n", b"a"].to_vec());
        let pieces = prop_oneof![9 => usual, 1 => any];
        prop::collection::vec(pieces, 0..200).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_chunk_at_once_is_marked_as_its_bytes_one_by_one(text in texts()) {
            let (mut at_once, mut each) = (Marker::new(Delimiter::COMMA), Marker::new(Delimiter::COMMA));
            for chunk in text.chunks(CHUNK_BYTES) {
                prop_assert_eq!(at_once.mark(chunk), each.mark_each(chunk), "{:?}", String::from_utf8_lossy(chunk));
                prop_assert_eq!(at_once.carry.place(), each.carry.place(), "{:?}", String::from_utf8_lossy(chunk));
            }
        }
    }

    #[test]
    fn quotes_open_a_cell_at_its_start_alone() {
        let check = |text: &str, quoted: &str, opening: u64, has_literal_quotes: bool, place: Place| {
            let mut marker = Marker::new(Delimiter::COMMA);
            let marks = marker.mark_each(text.as_bytes());
            let found: String =
                (0..text.len()).map(|index| if marks.quoted >> index & 1 == 1 { '^' } else { ' ' }).collect();
            assert_eq!((found.as_str(), marks.opening), (quoted, opening), "{text:?}");
            assert_eq!((marks.has_literal_quotes, marker.carry.place()), (has_literal_quotes, place), "{text:?}");
        };
        check("a,\"b\",", "  ^^  ", 0b100, false, Place::CellStart);
        check("\"a\"\"b", "^^ ^^", 1, true, Place::InQuotes);
        check("a\"b\",c", "      ", 0, true, Place::InCell);
        check("\"a\"b\",", "^^    ", 1, true, Place::CellStart);
        check("a\r\"\n\"", "  ^^ ", 0b100, false, Place::BehindQuote);
    }
}
