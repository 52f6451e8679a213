//! Finds the ends of records without reading fields, to cut blocks and to count lines.

use fearless_simd::{Simd, dispatch};
use memchr::{memchr_iter, memrchr};

use crate::input::blocks::array::{ArrayEnds, ArrayFault, next_element};
use crate::input::blocks::chunk::CHUNK_BYTES;
use crate::input::blocks::index::{CellIndex, ChunkIndex, Indexer};
use crate::input::bytes::dialect::Dialect;
use crate::input::bytes::format::Format;
use crate::input::bytes::from;
use crate::input::bytes::lines::count_lines;

/// Finds the end of the last whole record in a buffer that grows at its end.
#[derive(Debug)]
pub(crate) enum RecordEnds {
    /// A CSV record ends where the `csv` crate ends it: at a CR, LF or CRLF that is outside quotes
    /// and not escaped.
    Csv(CsvEnds),
    /// A line is a record.
    Ndjson {
        /// All bytes before this one have been searched.
        at: usize,
        last: Option<usize>,
    },
    /// An element of the array is a record.
    JsonArray(ArrayEnds),
}

/// A fault in the structure of a text, which no record is to blame for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FramingFault {
    /// A quote that is not closed.
    OpenQuote,
    /// A fault between the elements of an array.
    Array(ArrayFault),
}

/// The state of the search for record ends in CSV.
#[derive(Debug)]
pub(crate) struct CsvEnds {
    /// All bytes before this one have been indexed.
    at: usize,
    indexer: Indexer,
    /// The index, one entry for each chunk.
    cells: Vec<CellIndex>,
    /// The end of the last whole record, after the line end.
    last_end: Option<usize>,
    /// Whether a CR may not be part of a CRLF.
    has_lone_returns: bool,
    /// Whether the buffer ends inside quotes.
    ends_in_quotes: bool,
}

impl RecordEnds {
    /// Returns a search that starts at the first byte of a text. Of an array, the opening bracket
    /// has been replaced by a space.
    pub(crate) fn new(format: Format) -> RecordEnds {
        match format {
            Format::Ndjson => RecordEnds::Ndjson { at: 0, last: None },
            Format::JsonArray => RecordEnds::JsonArray(ArrayEnds::new()),
            Format::Csv(dialect) => RecordEnds::Csv(CsvEnds::new(dialect)),
        }
    }

    /// Returns a search that starts at the last end that this one has found.
    pub(crate) fn behind_last(&self, format: Format) -> RecordEnds {
        match self {
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } => RecordEnds::new(format),
            RecordEnds::JsonArray(ends) => RecordEnds::JsonArray(ends.behind()),
        }
    }

    /// Returns a search that starts where this one has started.
    pub(crate) fn restarted(&self, format: Format) -> RecordEnds {
        match self {
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } => RecordEnds::new(format),
            RecordEnds::JsonArray(ends) => RecordEnds::JsonArray(ends.restarted()),
        }
    }

    /// Searches the bytes that were added to the buffer. Returns the end of its last whole record,
    /// after the line end.
    pub(crate) fn search(&mut self, buffer: &[u8]) -> Option<usize> {
        match self {
            RecordEnds::Csv(ends) => ends.search(buffer),
            RecordEnds::Ndjson { at, last } => {
                if let Some(found) = memrchr(b'\n', from(buffer, *at)) {
                    *last = Some(*at + found + 1);
                }
                *at = buffer.len();
                *last
            }
            RecordEnds::JsonArray(ends) => ends.search(buffer),
        }
    }

    /// Returns the position of the quote that is still open at the end of the buffer that was
    /// searched.
    pub(crate) fn unclosed_quote(&self, buffer: &[u8]) -> Option<usize> {
        match self {
            RecordEnds::Csv(ends) => ends.unclosed_quote(buffer),
            RecordEnds::Ndjson { .. } | RecordEnds::JsonArray(_) => None,
        }
    }

    /// Returns the fault that nothing behind the buffer can mend, and its position.
    pub(crate) fn fault(&self) -> Option<(usize, FramingFault)> {
        match self {
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } => None,
            RecordEnds::JsonArray(ends) => ends
                .fault()
                .map(|(at, fault)| (at, FramingFault::Array(fault))),
        }
    }

    /// Returns the fault of an input that ends with the buffer that was searched, and its position.
    pub(crate) fn fault_at_end(&self, buffer: &[u8]) -> Option<(usize, FramingFault)> {
        match self {
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } => self
                .unclosed_quote(buffer)
                .map(|quote| (quote, FramingFault::OpenQuote)),
            RecordEnds::JsonArray(ends) => ends
                .fault_at_end()
                .map(|(at, fault)| (at, FramingFault::Array(fault))),
        }
    }

    /// Returns the index of the buffer's cells, chunk by chunk.
    pub(crate) fn into_cell_index(self) -> Vec<CellIndex> {
        match self {
            RecordEnds::Csv(ends) => ends.cells,
            RecordEnds::Ndjson { .. } | RecordEnds::JsonArray(_) => Vec::new(),
        }
    }

    /// Returns the end of every `count`th line of these records, or element of an array, in the
    /// buffer that was searched. Line ends within a cell do not count.
    #[cold]
    pub(crate) fn ends_by(&self, count: usize, records: &[u8]) -> Vec<usize> {
        match self {
            RecordEnds::Csv(ends) => ends
                .line_ends(records)
                .skip(count - 1)
                .step_by(count)
                .collect(),
            RecordEnds::Ndjson { .. } => memchr_iter(b'\n', records)
                .map(|at| at + 1)
                .skip(count - 1)
                .step_by(count)
                .collect(),
            RecordEnds::JsonArray(_) => {
                let mut at = 0;
                let ends = std::iter::from_fn(|| {
                    at = next_element(records, at)?.end;
                    Some(at)
                });
                ends.skip(count - 1).step_by(count).collect()
            }
        }
    }

    /// Returns the number of records that were found, or a larger number: `lines` is that of their
    /// lines.
    pub(crate) fn records_at_most(&self, lines: u64) -> u64 {
        match self {
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } => lines,
            RecordEnds::JsonArray(ends) => ends.elements(),
        }
    }

    /// Counts the line ends within the records that were found.
    pub(crate) fn count_lines(&self, records: &[u8]) -> u64 {
        match self {
            RecordEnds::Csv(CsvEnds {
                has_lone_returns: true,
                ..
            }) => count_lines(records, Format::Csv(Dialect::COMMA)),
            // A CRLF is counted by its LF.
            RecordEnds::Csv(_) | RecordEnds::Ndjson { .. } | RecordEnds::JsonArray(_) => {
                count_lines(records, Format::Ndjson)
            }
        }
    }
}

impl CsvEnds {
    fn new(dialect: Dialect) -> CsvEnds {
        CsvEnds {
            at: 0,
            indexer: Indexer::new(dialect),
            cells: Vec::new(),
            last_end: None,
            has_lone_returns: false,
            ends_in_quotes: false,
        }
    }

    fn search(&mut self, buffer: &[u8]) -> Option<usize> {
        let searched = self.at / CHUNK_BYTES;
        self.cells.truncate(searched);
        self.cells
            .reserve(buffer.len().div_ceil(CHUNK_BYTES) - self.cells.len());
        dispatch!(self.indexer.level(), simd => self.take_chunks(simd, buffer));
        // An incomplete chunk is indexed again when it has grown.
        let rest = from(buffer, self.at);
        let mut indexer = self.indexer;
        let marks = indexer.index_chunk(rest);
        self.cells.push(marks.cells());
        self.has_lone_returns |= has_lone_returns(&marks, None);
        self.ends_in_quotes = indexer.is_in_quotes();
        self.last_end = self.last_end_from(searched, buffer).or(self.last_end);
        self.last_end
    }

    /// Returns the end of the last record in the chunks from this one on. A CR as the last byte may
    /// be the first half of a CRLF, which must not be split.
    fn last_end_from(&self, chunk: usize, buffer: &[u8]) -> Option<usize> {
        let chunks = self.cells.iter().enumerate().skip(chunk).rev();
        let cell_ends = chunks.flat_map(|(chunk, marks)| {
            let mut ahead = marks.cell_ends;
            std::iter::from_fn(move || {
                let bit = ahead.checked_ilog2()?;
                ahead &= !(1 << bit);
                Some(chunk * CHUNK_BYTES + bit as usize)
            })
        });
        let mut record_ends = cell_ends.filter(|at| match buffer.get(*at) {
            Some(b'\n') => true,
            Some(b'\r') => at + 1 < buffer.len(),
            Some(_) | None => false,
        });
        record_ends.next().map(|at| at + 1)
    }

    /// Returns the last quote that opens a cell, if the buffer ends inside quotes.
    fn unclosed_quote(&self, buffer: &[u8]) -> Option<usize> {
        if !self.ends_in_quotes {
            return None;
        }
        let start = self.last_end.unwrap_or(0);
        let mut indexer = Indexer::new(self.indexer.dialect());
        let chunks = from(buffer, start).chunks(CHUNK_BYTES);
        let opening = chunks.map(|chunk| indexer.index_chunk(chunk).opening);
        let last = (opening.enumerate()).filter_map(|(chunk, opening)| {
            let bit = opening.checked_ilog2()?;
            Some(start + chunk * CHUNK_BYTES + bit as usize)
        });
        last.last()
    }

    /// Returns the line ends of these records: after a CR, LF or CRLF that ends a cell.
    fn line_ends<'a>(&'a self, records: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let cell_ends = self.cells.iter().zip(0..).flat_map(|(marks, chunk)| {
            (0..CHUNK_BYTES)
                .filter(|bit| marks.cell_ends >> bit & 1 == 1)
                .map(move |bit| chunk * CHUNK_BYTES + bit)
        });
        let line_ends = cell_ends.filter(|&at| match records.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => records.get(at + 1) != Some(&b'\n'),
            Some(_) | None => false,
        });
        line_ends.map(|at| at + 1)
    }

    /// Indexes all chunks but the last one.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what is inlined is built for the machine's instructions"
    )]
    fn take_chunks<S: Simd>(&mut self, simd: S, buffer: &[u8]) {
        let rest = from(buffer, self.at);
        let chunks = rest.len().saturating_sub(1) / CHUNK_BYTES;
        let marked = self.cells.len();
        self.cells.resize(marked + chunks, CellIndex::default());
        // Local copies, so that they stay in registers.
        let (mut at, mut has_lone) = (self.at, self.has_lone_returns);
        for cells in self.cells.iter_mut().skip(marked) {
            let rest = from(buffer, at);
            let marks = self.indexer.index_with(simd, rest);
            *cells = marks.cells();
            has_lone |= has_lone_returns(&marks, rest.get(CHUNK_BYTES));
            at += CHUNK_BYTES;
        }
        (self.at, self.has_lone_returns) = (at, has_lone);
    }
}

/// Whether a chunk has a CR that may not be part of a CRLF.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "what is inlined is built for the machine's instructions"
)]
fn has_lone_returns(marks: &ChunkIndex, byte_behind: Option<&u8>) -> bool {
    if !marks.has_returns() {
        return false;
    }
    let lone_returns = marks.lone_returns();
    lone_returns != 0 && (lone_returns << 1 != 0 || byte_behind != Some(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::bytes::dialect::{Delimiter, Escape, Quotes};

    const CSV: Format = Format::Csv(Dialect::COMMA);

    #[test]
    fn the_last_record_end_is_found_however_the_bytes_arrive() {
        let check = |format: Format, text: &str, want: Option<usize>, unclosed: Option<usize>| {
            for step in 1..=text.len() {
                let mut ends = RecordEnds::new(format);
                let mut last = None;
                for until in (step..text.len()).step_by(step).chain([text.len()]) {
                    last = ends.search(&text.as_bytes()[..until]);
                }
                assert_eq!(last, want, "{text:?} in steps of {step}");
                assert_eq!(
                    ends.unclosed_quote(text.as_bytes()),
                    unclosed,
                    "{text:?} in steps of {step}"
                );
            }
        };
        check(CSV, "a,b", None, None);
        check(CSV, "a,b\nc", Some(4), None);
        check(CSV, "a\rb\r", Some(2), None);
        check(CSV, "a\r\nb\r", Some(3), None);
        check(CSV, "a\r\r\n", Some(4), None);
        check(CSV, "a,\"b\n\"\nc", Some(7), None);
        check(CSV, "a\n\"b\n", Some(2), Some(2));
        check(CSV, "a\n\"b\n\"", Some(2), None);
        check(CSV, "a\n\"b\"\"\n", Some(2), Some(2));
        check(CSV, "a\n\"b\"\"\n\"\"\"\nc", Some(11), None);
        check(CSV, "a b\"\nc", Some(5), None);
        check(CSV, "\"a\"b\"\nc", Some(6), None);
        check(CSV, "\"a\" \"b\n,\"\n", Some(7), Some(8));
        let tab = Dialect::quoted(Delimiter::TAB);
        check(Format::Csv(tab), "a,\"\n\t\"\n", Some(4), Some(5));
        let off = Dialect {
            quotes: Quotes::Off,
            ..tab
        };
        check(Format::Csv(off), "a\t\"\n\"b\nc", Some(7), None);
        let escaped = Dialect {
            escape: Escape::Backslash,
            ..tab
        };
        check(Format::Csv(escaped), "a\\\nb\n", Some(5), None);
        check(Format::Csv(escaped), "a\\\r\nb\nc\\\n", Some(6), None);
        check(Format::Csv(escaped), "\"a\\\"\n\"\nb", Some(7), None);
        check(Format::Ndjson, "{\"a\":\"\n\r{", Some(7), None);
    }

    #[test]
    fn lines_that_end_in_cells_are_none() {
        let check = |format: Format, text: &str, count: usize, want: &[usize]| {
            let mut ends = RecordEnds::new(format);
            ends.search(text.as_bytes());
            assert_eq!(
                ends.ends_by(count, text.as_bytes()),
                want,
                "{text:?}, each {count}"
            );
        };
        check(CSV, "a\nb\n\nc", 1, &[2, 4, 5]);
        check(CSV, "a\nb\n\nc", 2, &[4]);
        check(CSV, "a\r\nb\r\r\n", 1, &[3, 5, 7]);
        check(CSV, "\"a\n\r\n\",b\nc\n", 1, &[9, 11]);
        check(Format::Ndjson, "{\r\n\n}\n", 1, &[3, 4, 6]);
        let long = "abcdefg\n".repeat(40);
        check(CSV, &long, 16, &[128, 256]);
        check(Format::Ndjson, &long, 16, &[128, 256]);
    }

    #[test]
    fn lines_are_counted_once() {
        let check = |text: &str, csv: u64, ndjson: u64| {
            assert_eq!(count_lines(text.as_bytes(), CSV), csv, "{text:?}");
            assert_eq!(
                count_lines(text.as_bytes(), Format::Ndjson),
                ndjson,
                "{text:?}"
            );
        };
        check("", 0, 0);
        check("a\nb\n\n", 3, 3);
        check("a\r\nb\r\n", 2, 2);
        check("a\rb\r\r\n\n\r", 5, 2);
    }
}
