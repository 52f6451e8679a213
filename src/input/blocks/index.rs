//! The structural index of a CSV text, as in simdjson: delimiters, line ends and quoted regions as
//! bits, 64 bytes at a time. Records have so many short cells that going byte by byte, or searching
//! each cell for its end, takes longer than checking the values.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch};

use crate::input::blocks::chunk::{CHUNK_BYTES, bits};
use crate::input::blocks::escaping::Escaping;
use crate::input::bytes::dialect::{Dialect, Escape, Quotes};

/// The kinds of the bytes of a chunk: a bit for each byte, the first one's lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ChunkIndex {
    /// Delimiters and line ends.
    ends: u64,
    /// CRs and LFs.
    line_ends: u64,
    /// CRs.
    returns: u64,
    /// Bytes inside quotes. Delimiters and line ends there belong to the cell.
    quoted: u64,
    /// Quotes that open a cell.
    pub(crate) opening: u64,
    /// Features of the cells.
    flags: Flags,
}

/// The ends of cells in a chunk, as in [`ChunkIndex`], and [`Flags::CONTROLS`] if it holds other
/// control characters.
struct Ends {
    any: u64,
    of_lines: u64,
    returns: u64,
    controls: u8,
}

/// Features of the cells of some chunks that need more than a cell's end to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Flags(u8);

/// The part of a chunk's index that is kept until its records are read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct CellIndex {
    /// Ends of cells.
    pub(crate) cell_ends: u64,
    /// Line ends within cells; both bytes of a CRLF.
    pub(crate) quoted_line_ends: u64,
    /// Features of the cells.
    pub(crate) flags: Flags,
}

/// Indexes the bytes of a text, from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Indexer {
    level: Level,
    dialect: Dialect,
    method: ChunkMethod,
    carry: Carry,
    /// Whether the last byte escapes the next one. If so, the rest of the carried state is that
    /// before both.
    escaping: Escaping,
}

/// The method for whole chunks, which depends on the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChunkMethod {
    /// 64 bytes at once, with quotes.
    Quoted,
    /// 64 bytes at once, without quotes.
    Unquoted,
    /// Byte by byte.
    EachByte,
}

/// The state before the next byte, as the bit masks need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Carry {
    /// All ones inside quotes.
    in_quotes: u64,
    /// One after a quote that closes a cell's quotes.
    behind_quote: u64,
    /// One after the end of a cell, outside quotes.
    behind_end: u64,
}

/// The state before the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ParserState {
    /// At the start of a cell. A quote opens it.
    CellStart,
    /// In a cell, outside quotes. A quote is an ordinary character.
    InCell,
    /// Inside quotes.
    InQuotes,
    /// After a quote that closes the cell's quotes, unless the next byte is a quote too.
    BehindQuote,
}

impl Flags {
    /// Text follows the quote that closes a cell.
    const BEHIND_QUOTES: u8 = 1;
    /// A quote is in a cell that it does not open, or at the start of one where it may be a
    /// character.
    const BARE_QUOTES: u8 = 2;
    /// A backslash escapes.
    const ESCAPES: u8 = 4;
    /// There are ASCII control characters other than tabs, line ends, the delimiter and U+007F.
    const CONTROLS: u8 = 8;
    /// Two quotes inside quotes mean one.
    const DOUBLED_QUOTES: u8 = 16;

    /// Adds the features of other chunks.
    #[inline]
    pub(crate) fn add(&mut self, flags: Flags) {
        self.0 |= flags.0;
    }

    /// Whether a cell may contain quotes that neither open nor close it.
    #[inline]
    pub(crate) fn has_inner_quotes(self) -> bool {
        self.0 & (Flags::DOUBLED_QUOTES | Flags::BEHIND_QUOTES | Flags::BARE_QUOTES) != 0
    }

    /// Whether a cell may contain a quote that does not open it.
    pub(crate) fn has_bare_quotes(self) -> bool {
        self.0 & Flags::BARE_QUOTES != 0
    }

    pub(crate) fn has_escapes(self) -> bool {
        self.0 & Flags::ESCAPES != 0
    }

    /// Whether a value may hold a control character.
    #[inline]
    pub(crate) fn have_controls(self) -> bool {
        self.0 & Flags::CONTROLS != 0
    }

    /// Whether all quotes are in their places, and there are no escapes.
    #[inline]
    pub(crate) fn are_usual(self) -> bool {
        self.0 & (Flags::BEHIND_QUOTES | Flags::BARE_QUOTES | Flags::ESCAPES) == 0
    }
}

impl ChunkIndex {
    /// Returns the part by which records are read.
    #[inline]
    pub(crate) fn cells(&self) -> CellIndex {
        CellIndex {
            cell_ends: self.ends & !self.quoted,
            quoted_line_ends: self.line_ends & self.quoted,
            flags: self.flags,
        }
    }

    /// Whether the chunk has CRs.
    #[inline]
    pub(crate) fn has_returns(&self) -> bool {
        self.returns != 0
    }

    /// Returns the CRs without a LF after them. The last byte's LF may be in the next chunk.
    #[inline]
    pub(crate) fn lone_returns(&self) -> u64 {
        let feeds = self.line_ends & !self.returns;
        self.returns & !(feeds >> 1)
    }
}

impl Indexer {
    /// Returns an indexer for a text that starts with a record.
    pub(crate) fn new(dialect: Dialect) -> Indexer {
        let method = match (dialect.escape, dialect.quotes) {
            (Escape::None, Quotes::On) => ChunkMethod::Quoted,
            (Escape::None, Quotes::Off | Quotes::InDoubt) => ChunkMethod::Unquoted,
            (Escape::Backslash, _) => ChunkMethod::EachByte,
        };
        Indexer {
            level: Level::new(),
            dialect,
            method,
            carry: Carry::of(ParserState::CellStart),
            escaping: Escaping::default(),
        }
    }

    /// Returns the dialect of the text.
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Returns the vector instructions that the machine has.
    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Indexes the first chunk of the rest of the text.
    pub(crate) fn index_chunk(&mut self, rest: &[u8]) -> ChunkIndex {
        dispatch!(self.level, simd => self.index_with(simd, rest))
    }

    /// Indexes the first chunk with these instructions.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what is inlined is built for the machine's instructions"
    )]
    pub(crate) fn index_with<S: Simd>(&mut self, simd: S, rest: &[u8]) -> ChunkIndex {
        match (rest.first_chunk(), self.method) {
            (Some(chunk), ChunkMethod::Quoted) => self.index_quoted_chunk(simd, chunk),
            (Some(chunk), ChunkMethod::Unquoted) => self.index_unquoted_chunk(simd, chunk),
            (None, ChunkMethod::Quoted | ChunkMethod::Unquoted) | (_, ChunkMethod::EachByte) => {
                self.index_each(rest)
            }
        }
    }

    /// Returns the index of a whole text.
    pub(crate) fn index_all(mut self, text: &[u8]) -> Vec<CellIndex> {
        let chunks = text.chunks(CHUNK_BYTES);
        dispatch!(self.level, simd => chunks.map(|chunk| self.index_with(simd, chunk).cells()).collect())
    }

    /// Whether the bytes so far end inside quotes.
    pub(crate) fn is_in_quotes(&self) -> bool {
        self.carry.in_quotes != 0
    }

    /// Indexes a chunk with quotes. A prefix XOR over the quote bits gives the quoted regions,
    /// provided that every opening quote is at the start of a cell or is the second of `""`.
    /// Otherwise the chunk is indexed byte by byte.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what is inlined is built for the machine's instructions"
    )]
    fn index_quoted_chunk<S: Simd>(&mut self, simd: S, chunk: &[u8; CHUNK_BYTES]) -> ChunkIndex {
        let quotes = bits(simd, chunk, |bytes| bytes.simd_eq(b'"'));
        let Ends {
            any: ends,
            of_lines: line_ends,
            returns,
            controls,
        } = self.ends(simd, chunk);
        let Carry {
            in_quotes,
            behind_quote,
            behind_end,
        } = self.carry;
        let quoted = parity(quotes) ^ in_quotes;
        let (pair_starts, pair_ends) = (quotes & quoted, quotes & !quoted);
        let behind_quotes = pair_ends << 1 | behind_quote;
        if pair_starts & !(behind_quotes | ends << 1 | behind_end) != 0 {
            return self.index_each(chunk);
        }
        let last = CHUNK_BYTES - 1;
        self.carry = Carry {
            in_quotes: 0_u64.wrapping_sub(quoted >> last),
            behind_quote: pair_ends >> last,
            behind_end: ends >> last,
        };
        let opening = pair_starts & !behind_quotes;
        let doubled = u8::from(behind_quotes & quotes != 0) * Flags::DOUBLED_QUOTES;
        let faults = u8::from(behind_quotes & !(ends | quotes) != 0) * Flags::BEHIND_QUOTES;
        let flags = Flags(doubled | faults | controls);
        ChunkIndex {
            ends,
            line_ends,
            returns,
            quoted,
            opening,
            flags,
        }
    }

    /// Indexes a chunk in which quotes are ordinary characters.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what is inlined is built for the machine's instructions"
    )]
    fn index_unquoted_chunk<S: Simd>(&mut self, simd: S, chunk: &[u8; CHUNK_BYTES]) -> ChunkIndex {
        let Ends {
            any: ends,
            of_lines: line_ends,
            returns,
            controls,
        } = self.ends(simd, chunk);
        let leading =
            bits(simd, chunk, |bytes| bytes.simd_eq(b'"')) & (ends << 1 | self.carry.behind_end);
        let is_bare = leading != 0 && self.dialect.quotes == Quotes::InDoubt;
        self.carry = Carry {
            in_quotes: 0,
            behind_quote: 0,
            behind_end: ends >> (CHUNK_BYTES - 1),
        };
        let flags = Flags((u8::from(is_bare) * Flags::BARE_QUOTES) | controls);
        ChunkIndex {
            ends,
            line_ends,
            returns,
            flags,
            ..ChunkIndex::default()
        }
    }

    /// Finds the bytes that end cells in a chunk, inside quotes or not.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what is inlined is built for the machine's instructions"
    )]
    fn ends<S: Simd>(&self, simd: S, chunk: &[u8; CHUNK_BYTES]) -> Ends {
        let delimiters = bits(simd, chunk, |bytes| {
            bytes.simd_eq(self.dialect.delimiter.byte())
        });
        let feeds = bits(simd, chunk, |bytes| bytes.simd_eq(b'\n'));
        let all_controls = bits(simd, chunk, |bytes| bytes.simd_lt(b' '));
        let (mut returns, mut controls) = (0, 0);
        // In most files, the only control characters are LFs.
        if all_controls != feeds {
            returns = bits(simd, chunk, |bytes| bytes.simd_eq(b'\r'));
            let tabs = bits(simd, chunk, |bytes| bytes.simd_eq(b'\t'));
            controls = u8::from(all_controls & !(feeds | returns | tabs | delimiters) != 0)
                * Flags::CONTROLS;
        }
        let line_ends = feeds | returns;
        Ends {
            any: delimiters | line_ends,
            of_lines: line_ends,
            returns,
            controls,
        }
    }

    /// Indexes bytes one by one. This is the definition of the index.
    #[cold]
    fn index_each(&mut self, bytes: &[u8]) -> ChunkIndex {
        let (delimiter, mut state) = (self.dialect.delimiter.byte(), self.carry.state());
        let mut marks = ChunkIndex::default();
        for (index, &byte) in bytes.iter().take(CHUNK_BYTES).enumerate() {
            let set = |word: &mut u64, is_set: bool| *word |= u64::from(is_set) << index;
            let is_line_end = matches!(byte, b'\r' | b'\n');
            set(&mut marks.line_ends, is_line_end);
            set(&mut marks.returns, byte == b'\r');
            if self.escaping.takes(byte, self.dialect.escape) {
                marks.flags.0 |= Flags::ESCAPES;
                state = if state == ParserState::InQuotes {
                    ParserState::InQuotes
                } else {
                    ParserState::InCell
                };
                // Neither ends the cell: an escaped line end belongs to it, as in quotes.
                set(
                    &mut marks.quoted,
                    state == ParserState::InQuotes || is_line_end,
                );
                continue;
            }
            let ends_cell = byte == delimiter || is_line_end;
            let is_control = byte < b' ' && !ends_cell && byte != b'\t';
            marks.flags.0 |= u8::from(is_control) * Flags::CONTROLS;
            set(&mut marks.ends, ends_cell);
            set(
                &mut marks.opening,
                self.dialect.has_quotes() && (state, byte) == (ParserState::CellStart, b'"'),
            );
            marks.flags.0 |= self.flags_of(state, byte, ends_cell);
            state = match (state, byte) {
                (state, b'"') if !self.dialect.has_quotes() => state.behind_character(),
                (ParserState::InQuotes, b'"') => ParserState::BehindQuote,
                (ParserState::InQuotes, _)
                | (ParserState::CellStart | ParserState::BehindQuote, b'"') => {
                    ParserState::InQuotes
                }
                (ParserState::CellStart | ParserState::InCell | ParserState::BehindQuote, _)
                    if ends_cell =>
                {
                    ParserState::CellStart
                }
                (ParserState::CellStart | ParserState::InCell | ParserState::BehindQuote, _) => {
                    ParserState::InCell
                }
            };
            set(&mut marks.quoted, state == ParserState::InQuotes);
        }
        self.carry = Carry::of(state);
        marks
    }

    /// Returns the features that a byte in this state gives its chunk.
    fn flags_of(&self, state: ParserState, byte: u8, ends_cell: bool) -> u8 {
        match (self.dialect.quotes, state, byte) {
            (Quotes::On, ParserState::BehindQuote, b'"') => Flags::DOUBLED_QUOTES,
            (Quotes::On, ParserState::BehindQuote, _) => {
                u8::from(!ends_cell) * Flags::BEHIND_QUOTES
            }
            (Quotes::On, ParserState::InCell, b'"')
            | (Quotes::InDoubt, ParserState::CellStart, b'"') => Flags::BARE_QUOTES,
            (Quotes::On | Quotes::Off | Quotes::InDoubt, _, _) => 0,
        }
    }
}

impl ParserState {
    /// Returns the state after a character that ends nothing.
    fn behind_character(self) -> ParserState {
        match self {
            ParserState::InQuotes => ParserState::InQuotes,
            ParserState::CellStart | ParserState::InCell | ParserState::BehindQuote => {
                ParserState::InCell
            }
        }
    }
}

impl Carry {
    fn of(state: ParserState) -> Carry {
        Carry {
            in_quotes: if state == ParserState::InQuotes {
                u64::MAX
            } else {
                0
            },
            behind_quote: u64::from(state == ParserState::BehindQuote),
            behind_end: u64::from(state == ParserState::CellStart),
        }
    }

    fn state(self) -> ParserState {
        match self {
            Carry { in_quotes: 1.., .. } => ParserState::InQuotes,
            Carry {
                behind_quote: 1.., ..
            } => ParserState::BehindQuote,
            Carry {
                behind_end: 1.., ..
            } => ParserState::CellStart,
            Carry { .. } => ParserState::InCell,
        }
    }
}

/// Sets each bit to the parity of the ones up to and including it.
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
            let indexer = Indexer::new(Dialect { quotes, ..Dialect::COMMA });
            let (mut at_once, mut each) = (indexer, indexer);
            for chunk in text.chunks(CHUNK_BYTES) {
                prop_assert_eq!(at_once.index_chunk(chunk), each.index_each(chunk), "{:?}", String::from_utf8_lossy(chunk));
                prop_assert_eq!(at_once.carry.state(), each.carry.state(), "{:?}", String::from_utf8_lossy(chunk));
            }
        }
    }

    const BARE: u8 = Flags::BARE_QUOTES;
    const BEHIND: u8 = Flags::BEHIND_QUOTES;
    const DOUBLED: u8 = Flags::DOUBLED_QUOTES;

    #[test]
    fn quotes_open_a_cell_at_its_start_alone() {
        let check = |text: &str, quoted: &str, opening: u64, flags: u8, state: ParserState| {
            let mut indexer = Indexer::new(Dialect::COMMA);
            let marks = indexer.index_each(text.as_bytes());
            assert_eq!(
                (shown(marks.quoted, text).as_str(), marks.opening),
                (quoted, opening),
                "{text:?}"
            );
            assert_eq!(
                (marks.flags, indexer.carry.state()),
                (Flags(flags), state),
                "{text:?}"
            );
        };
        check("a,\"b\",", "  ^^  ", 0b100, 0, ParserState::CellStart);
        check("\"a\"\"b", "^^ ^^", 1, DOUBLED, ParserState::InQuotes);
        check("a\"b\",c", "      ", 0, BARE, ParserState::InCell);
        check(
            "\"a\"b\",",
            "^^    ",
            1,
            BEHIND | BARE,
            ParserState::CellStart,
        );
        check("\"a\"b", "^^  ", 1, BEHIND, ParserState::InCell);
        check("a\r\"\n\"", "  ^^ ", 0b100, 0, ParserState::BehindQuote);
    }

    fn shown(bits: u64, text: &str) -> String {
        (0..text.len())
            .map(|index| if bits >> index & 1 == 1 { '^' } else { ' ' })
            .collect()
    }

    #[test]
    fn what_is_escaped_ends_nothing() {
        let check = |text: &str, cell_ends: &str, quoted_line_ends: &str, quotes: Quotes| {
            let mut indexer = Indexer::new(Dialect {
                quotes,
                escape: Escape::Backslash,
                ..Dialect::COMMA
            });
            let marks = indexer.index_chunk(text.as_bytes()).cells();
            assert_eq!(shown(marks.cell_ends, text), cell_ends, "{text:?}");
            assert_eq!(
                shown(marks.quoted_line_ends, text),
                quoted_line_ends,
                "{text:?}"
            );
        };
        check("a\\,b,c\n", "    ^ ^", "       ", Quotes::Off);
        check("a\\\\,b", "   ^ ", "     ", Quotes::Off);
        check("a\\\nb\n", "    ^", "  ^  ", Quotes::Off);
        check("a\\\r\nb\n", "     ^", "  ^^  ", Quotes::Off);
        check("a\\\r\rb", "   ^ ", "  ^  ", Quotes::Off);
        check("\"a\\\",b\",c", "       ^ ", "         ", Quotes::On);
        check("\"a\\\"\n\",c", "      ^ ", "    ^   ", Quotes::On);
        // Bytes that are not escaped keep their meaning.
        check("\"a\"\"b,\",c", "       ^ ", "         ", Quotes::On);
    }
}
