//! Where records end, found without reading fields: what blocks are cut by and lines are counted by.

use std::ops::Range;

use memchr::{memchr_iter, memrchr, memrchr2};

use super::format::{Delimiter, Format};
use super::places::{Places, Quotes};

/// Finds the end of the last whole record in a buffer that grows at its end.
///
/// A CSV record ends where the `csv` crate would end it: at a CR, LF or CRLF outside of quotes, where a quote opens a
/// field only as its first byte, `""` inside stands for one quote, and what follows a closing quote belongs to the
/// field. Everything is jumped over but quotes and the line ends next to them.
#[derive(Debug)]
pub(super) struct RecordEnds {
    format: Format,
    /// Everything before is decided.
    at: usize,
    /// The place of the opening quote, where `at` is inside a quoted field.
    open_quote: Option<usize>,
    /// Where the bytes outside of quotes start that are not searched for line ends yet.
    unquoted_from: usize,
    last: Option<usize>,
}

impl RecordEnds {
    /// Nothing is searched yet. The buffer's first byte is a record's first.
    pub(super) fn new(format: Format) -> RecordEnds {
        RecordEnds { format, at: 0, open_quote: None, unquoted_from: 0, last: None }
    }

    /// Takes in what was added to the buffer, and returns where its last whole record ends (behind the line end).
    pub(super) fn search(&mut self, buffer: &[u8]) -> Option<usize> {
        match self.format {
            Format::Ndjson => {
                if let Some(found) = memrchr(b'\n', from(buffer, self.at)) {
                    self.last = Some(self.at + found + 1);
                }
                self.at = buffer.len();
            }
            Format::Csv(delimiter) => self.search_csv(buffer, delimiter),
        }
        self.last
    }

    /// The place of the quote that is still open where the buffer is all there is.
    pub(super) fn unclosed_quote(&self, buffer: &[u8]) -> Option<usize> {
        // A quote as the last byte was left undecided: with nothing behind it, it closes its field.
        self.open_quote.filter(|_| self.at == buffer.len())
    }

    fn search_csv(&mut self, buffer: &[u8], delimiter: Delimiter) {
        let mut quotes = Places::of(buffer, Quotes);
        // Bytes outside of quotes. The last line end is all that is wanted, so they are searched from the last one on, at the
        // end, and most never.
        let mut unquoted: Vec<Range<usize>> = Vec::new();
        loop {
            let quote = quotes.next(self.at);
            if quote == buffer.len() {
                self.at = quote;
                break;
            }
            self.at = match (self.open_quote, buffer.get(quote + 1)) {
                (None, _) => {
                    if opens_field(buffer, quote, delimiter) {
                        unquoted.push(self.unquoted_from..quote);
                        self.open_quote = Some(quote);
                    }
                    quote + 1
                }
                (Some(_), Some(b'"')) => quote + 2,
                (Some(_), Some(_)) => {
                    self.open_quote = None;
                    self.unquoted_from = quote + 1;
                    quote + 1
                }
                (Some(_), None) => {
                    self.at = quote;
                    break;
                }
            };
        }
        if self.open_quote.is_none() {
            // A CR as the last byte may be the first half of a CRLF, which belongs together.
            let decided = if buffer.last() == Some(&b'\r') { buffer.len() - 1 } else { buffer.len() };
            unquoted.push(self.unquoted_from..decided);
            self.unquoted_from = decided;
        }
        let mut line_ends = unquoted.into_iter().rev().filter_map(|unquoted| {
            let found = memrchr2(b'\n', b'\r', buffer.get(unquoted.clone())?)?;
            Some(unquoted.start + found + 1)
        });
        self.last = line_ends.next().or(self.last);
    }
}

/// Whether a quote outside of quotes is the first byte of its field.
fn opens_field(buffer: &[u8], quote: usize, delimiter: Delimiter) -> bool {
    match quote.checked_sub(1).and_then(|before| buffer.get(before)) {
        None | Some(b'\n' | b'\r') => true,
        Some(&before) => before == delimiter.byte(),
    }
}

/// How many lines end within `bytes`: of CSV at CR, LF and CRLF, of NDJSON at LF.
pub(super) fn count_lines(bytes: &[u8], format: Format) -> u64 {
    let line_feeds = memchr_iter(b'\n', bytes).count();
    let lone_returns = match format {
        Format::Ndjson => 0,
        Format::Csv(_) => memchr_iter(b'\r', bytes).filter(|at| bytes.get(at + 1) != Some(&b'\n')).count(),
    };
    (line_feeds + lone_returns) as u64
}

fn from(buffer: &[u8], at: usize) -> &[u8] {
    buffer.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Format = Format::Csv(Delimiter::COMMA);

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
                assert_eq!(ends.unclosed_quote(text.as_bytes()), unclosed, "{text:?} in steps of {step}");
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
        check(Format::Csv(Delimiter::TAB), "a,\"\n\t\"\n", Some(4), Some(5));
        check(Format::Ndjson, "{\"a\":\"\n\r{", Some(7), None);
    }

    #[test]
    fn lines_are_counted_once() {
        let check = |text: &str, csv: u64, ndjson: u64| {
            assert_eq!(count_lines(text.as_bytes(), CSV), csv, "{text:?}");
            assert_eq!(count_lines(text.as_bytes(), Format::Ndjson), ndjson, "{text:?}");
        };
        check("", 0, 0);
        check("a\nb\n\n", 3, 3);
        check("a\r\nb\r\n", 2, 2);
        check("a\rb\r\r\n\n\r", 5, 2);
    }
}
