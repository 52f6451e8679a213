//! Which bytes of a CSV text matter, 64 at a time: delimiters, line ends, and what stands in quotes. A record has so many short
//! cells that looking at one byte after the other, or searching each cell for its end, takes longer than checking what it says.

use wide::u8x32;

use super::dialect::{Dialect, Escape, Quotes};
use super::escaping::Escaping;
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
    /// What its cells have to be looked at for.
    flags: Flags,
}

/// What ends cells in a chunk, by [`Marks`]'s words, and [`Flags::CONTROLS`] where it holds others.
struct Ends {
    any: u64,
    of_lines: u64,
    returns: u64,
    controls: u8,
}

/// What the cells of some chunks have to be looked at for, more closely than where they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags(u8);

/// What is kept of a chunk's marks until its records are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CellMarks {
    /// What ends a cell.
    pub(super) cell_ends: u64,
    /// Line ends that belong to a cell; of a CRLF both bytes.
    pub(super) quoted_line_ends: u64,
    /// What its cells have to be looked at for.
    pub(super) flags: Flags,
}

/// Marks the bytes of a text, from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Marker {
    delimiter: u8x32,
    dialect: Dialect,
    pace: Pace,
    carry: Carry,
    /// Whether the byte before escapes the next one. The other parts of what is carried are then those before both.
    escaping: Escaping,
}

/// How a whole chunk of a dialect is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// At once, with quotes.
    Quoted,
    /// At once, without.
    Unquoted,
    /// One byte after the other.
    EachByte,
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

impl Flags {
    /// A quote or a text follows a quote that closes a cell's quotes: the one is one of two, the other a fault.
    const BEHIND_QUOTES: u8 = 1;
    /// A quote stands in a cell that it does not open, or at the start of one where it may be a character.
    const BARE_QUOTES: u8 = 2;
    /// A backslash escapes.
    const ESCAPES: u8 = 4;
    /// There are control characters of ASCII other than tabs, line ends, the delimiter and U+007F.
    const CONTROLS: u8 = 8;

    /// Adds what other chunks have to be looked at for.
    #[inline]
    pub(super) fn add(&mut self, flags: Flags) {
        self.0 |= flags.0;
    }

    /// Whether a quote may stand for itself.
    pub(super) fn has_literal_quotes(self) -> bool {
        self.0 & (Flags::BEHIND_QUOTES | Flags::BARE_QUOTES) != 0
    }

    /// Whether a quote may stand in a cell that it does not open.
    pub(super) fn has_bare_quotes(self) -> bool {
        self.0 & Flags::BARE_QUOTES != 0
    }

    pub(super) fn has_escapes(self) -> bool {
        self.0 & Flags::ESCAPES != 0
    }

    /// Whether a value may hold a control character.
    #[inline]
    pub(super) fn have_controls(self) -> bool {
        self.0 & Flags::CONTROLS != 0
    }

    /// Whether each cell is what stands in it or in its quotes, control characters included.
    #[inline]
    pub(super) fn are_none(self) -> bool {
        self.0 & !Flags::CONTROLS == 0
    }
}

impl Marks {
    /// What its records are read by.
    #[inline]
    pub(super) fn cells(&self) -> CellMarks {
        CellMarks {
            cell_ends: self.ends & !self.quoted,
            quoted_line_ends: self.line_ends & self.quoted,
            flags: self.flags,
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
    pub(super) fn new(dialect: Dialect) -> Marker {
        let delimiter = u8x32::splat(dialect.delimiter.byte());
        let pace = match (dialect.escape, dialect.quotes) {
            (Escape::None, Quotes::On) => Pace::Quoted,
            (Escape::None, Quotes::Off | Quotes::InDoubt) => Pace::Unquoted,
            (Escape::Backslash, _) => Pace::EachByte,
        };
        Marker { delimiter, dialect, pace, carry: Carry::of(Place::CellStart), escaping: Escaping::default() }
    }

    /// Marks the first chunk of what is left of the text.
    pub(super) fn mark(&mut self, rest: &[u8]) -> Marks {
        match (rest.first_chunk(), self.pace) {
            (Some(chunk), Pace::Quoted) => self.mark_chunk(chunk),
            (Some(chunk), Pace::Unquoted) => self.mark_unquoted_chunk(chunk),
            (None, Pace::Quoted | Pace::Unquoted) | (_, Pace::EachByte) => self.mark_each(rest),
        }
    }

    /// Whether [`mark_quoted`](Marker::mark_quoted) marks its text.
    pub(super) fn is_quoted(&self) -> bool {
        self.pace == Pace::Quoted
    }

    /// Marks the first chunk of what is left of a text as nearly all are: with quotes and without escapes.
    #[inline]
    pub(super) fn mark_quoted(&mut self, rest: &[u8]) -> Marks {
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
        let quote = u8x32::splat(b'"');
        let quotes = bits(chunk, |bytes| bytes.simd_eq(quote));
        let Ends { any: ends, of_lines: line_ends, returns, controls } = self.ends(chunk);
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
        let flags = Flags((u8::from(behind_quotes & !ends != 0) * Flags::BEHIND_QUOTES) | controls);
        Marks { ends, line_ends, returns, quoted, opening, flags }
    }

    /// The same, where quotes are characters.
    #[inline(never)]
    fn mark_unquoted_chunk(&mut self, chunk: &[u8; CHUNK_BYTES]) -> Marks {
        let quote = u8x32::splat(b'"');
        let Ends { any: ends, of_lines: line_ends, returns, controls } = self.ends(chunk);
        let leading = bits(chunk, |bytes| bytes.simd_eq(quote)) & (ends << 1 | self.carry.behind_end);
        let is_bare = leading != 0 && self.dialect.quotes == Quotes::InDoubt;
        self.carry = Carry { in_quotes: 0, behind_quote: 0, behind_end: ends >> (CHUNK_BYTES - 1) };
        let flags = Flags((u8::from(is_bare) * Flags::BARE_QUOTES) | controls);
        Marks { ends, line_ends, returns, flags, ..Marks::default() }
    }

    /// What ends cells in a chunk, whether in quotes or not.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is not asked of it need not be made")]
    fn ends(&self, chunk: &[u8; CHUNK_BYTES]) -> Ends {
        let (delimiter, [lf, last_control]) = (self.delimiter, [b'\n', b' ' - 1].map(u8x32::splat));
        let delimiters = bits(chunk, |bytes| bytes.simd_eq(delimiter));
        let feeds = bits(chunk, |bytes| bytes.simd_eq(lf));
        let controls = bits(chunk, |bytes| bytes.min(last_control).simd_eq(bytes)) & !feeds;
        // In most files the only control characters are LFs.
        let returns = if controls == 0 { 0 } else { bits(chunk, |bytes| bytes.simd_eq(u8x32::splat(b'\r'))) };
        let has_controls = controls != returns && has_others(controls & !returns & !delimiters, chunk);
        let line_ends = feeds | returns;
        Ends {
            any: delimiters | line_ends,
            of_lines: line_ends,
            returns,
            controls: u8::from(has_controls) * Flags::CONTROLS,
        }
    }

    /// The same, one byte after the other: the rule itself.
    #[cold]
    fn mark_each(&mut self, bytes: &[u8]) -> Marks {
        let (delimiter, mut place) = (self.dialect.delimiter.byte(), self.carry.place());
        let mut marks = Marks::default();
        for (index, &byte) in bytes.iter().take(CHUNK_BYTES).enumerate() {
            let set = |word: &mut u64, is_set: bool| *word |= u64::from(is_set) << index;
            let is_line_end = matches!(byte, b'\r' | b'\n');
            set(&mut marks.line_ends, is_line_end);
            set(&mut marks.returns, byte == b'\r');
            if self.escaping.takes(byte, self.dialect.escape) {
                marks.flags.0 |= Flags::ESCAPES;
                place = if place == Place::InQuotes { Place::InQuotes } else { Place::InCell };
                // Neither ends the cell: a line end belongs to it as in quotes.
                set(&mut marks.quoted, place == Place::InQuotes || is_line_end);
                continue;
            }
            let ends_cell = byte == delimiter || is_line_end;
            let is_control = byte < b' ' && !ends_cell && byte != b'\t';
            marks.flags.0 |= u8::from(is_control) * Flags::CONTROLS;
            set(&mut marks.ends, ends_cell);
            set(&mut marks.opening, self.dialect.has_quotes() && (place, byte) == (Place::CellStart, b'"'));
            marks.flags.0 |= self.flags_of(place, byte, ends_cell);
            place = match (place, byte) {
                (place, b'"') if !self.dialect.has_quotes() => place.behind_character(),
                (Place::InQuotes, b'"') => Place::BehindQuote,
                (Place::InQuotes, _) | (Place::CellStart | Place::BehindQuote, b'"') => Place::InQuotes,
                (Place::CellStart | Place::InCell | Place::BehindQuote, _) if ends_cell => Place::CellStart,
                (Place::CellStart | Place::InCell | Place::BehindQuote, _) => Place::InCell,
            };
            set(&mut marks.quoted, place == Place::InQuotes);
        }
        self.carry = Carry::of(place);
        marks
    }

    /// What a byte at this place makes its chunk be looked at for.
    fn flags_of(&self, place: Place, byte: u8, ends_cell: bool) -> u8 {
        match (self.dialect.quotes, place, byte) {
            (Quotes::On, Place::BehindQuote, _) => u8::from(!ends_cell) * Flags::BEHIND_QUOTES,
            (Quotes::On, Place::InCell, b'"') | (Quotes::InDoubt, Place::CellStart, b'"') => Flags::BARE_QUOTES,
            (Quotes::On | Quotes::Off | Quotes::InDoubt, _, _) => 0,
        }
    }
}

impl Place {
    /// The place behind a character that ends nothing.
    fn behind_character(self) -> Place {
        match self {
            Place::InQuotes => Place::InQuotes,
            Place::CellStart | Place::InCell | Place::BehindQuote => Place::InCell,
        }
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

/// Whether some of these control characters are no tabs.
#[cold]
fn has_others(controls: u64, chunk: &[u8; CHUNK_BYTES]) -> bool {
    controls & !bits(chunk, |bytes| bytes.simd_eq(u8x32::splat(b'\t'))) != 0
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
            [
                &b","[..],
                b"\n",
                b"\r\n",
                b"\r",
                b"abc",
                b"\t",
                b"\xc3\xab",
                b"\x01",
                b",\"a,\n\"",
                b",\"\"\"\",",
                b"\n\"\"",
            ]
            .to_vec(),
        );
        let any = prop::sample::select([&b"\""[..], b"\"\"", b",", b"\n", b"a"].to_vec());
        let pieces = prop_oneof![9 => usual, 1 => any];
        prop::collection::vec(pieces, 0..200).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn a_chunk_at_once_is_marked_as_its_bytes_one_by_one(text in texts(), quotes in 0_usize..3) {
            let quotes = [Quotes::On, Quotes::Off, Quotes::InDoubt][quotes];
            let marker = Marker::new(Dialect { quotes, ..Dialect::COMMA });
            let (mut at_once, mut each) = (marker, marker);
            for chunk in text.chunks(CHUNK_BYTES) {
                prop_assert_eq!(at_once.mark(chunk), each.mark_each(chunk), "{:?}", String::from_utf8_lossy(chunk));
                prop_assert_eq!(at_once.carry.place(), each.carry.place(), "{:?}", String::from_utf8_lossy(chunk));
            }
        }
    }

    const BARE: u8 = Flags::BARE_QUOTES;
    const BEHIND: u8 = Flags::BEHIND_QUOTES;

    #[test]
    fn quotes_open_a_cell_at_its_start_alone() {
        let check = |text: &str, quoted: &str, opening: u64, flags: u8, place: Place| {
            let mut marker = Marker::new(Dialect::COMMA);
            let marks = marker.mark_each(text.as_bytes());
            assert_eq!((shown(marks.quoted, text).as_str(), marks.opening), (quoted, opening), "{text:?}");
            assert_eq!((marks.flags, marker.carry.place()), (Flags(flags), place), "{text:?}");
        };
        check("a,\"b\",", "  ^^  ", 0b100, 0, Place::CellStart);
        check("\"a\"\"b", "^^ ^^", 1, BEHIND, Place::InQuotes);
        check("a\"b\",c", "      ", 0, BARE, Place::InCell);
        check("\"a\"b\",", "^^    ", 1, BEHIND | BARE, Place::CellStart);
        check("\"a\"b", "^^  ", 1, BEHIND, Place::InCell);
        check("a\r\"\n\"", "  ^^ ", 0b100, 0, Place::BehindQuote);
    }

    fn shown(bits: u64, text: &str) -> String {
        (0..text.len()).map(|index| if bits >> index & 1 == 1 { '^' } else { ' ' }).collect()
    }

    #[test]
    fn what_is_escaped_ends_nothing() {
        let check = |text: &str, cell_ends: &str, quoted_line_ends: &str, quotes: Quotes| {
            let mut marker = Marker::new(Dialect { quotes, escape: Escape::Backslash, ..Dialect::COMMA });
            let marks = marker.mark(text.as_bytes()).cells();
            assert_eq!(shown(marks.cell_ends, text), cell_ends, "{text:?}");
            assert_eq!(shown(marks.quoted_line_ends, text), quoted_line_ends, "{text:?}");
        };
        check("a\\,b,c\n", "    ^ ^", "       ", Quotes::Off);
        check("a\\\\,b", "   ^ ", "     ", Quotes::Off);
        check("a\\\nb\n", "    ^", "  ^  ", Quotes::Off);
        check("a\\\r\nb\n", "     ^", "  ^^  ", Quotes::Off);
        check("a\\\r\rb", "   ^ ", "  ^  ", Quotes::Off);
        check("\"a\\\",b\",c", "       ^ ", "         ", Quotes::On);
        check("\"a\\\"\n\",c", "      ^ ", "    ^   ", Quotes::On);
        // What is not escaped is as ever.
        check("\"a\"\"b,\",c", "       ^ ", "         ", Quotes::On);
    }
}
