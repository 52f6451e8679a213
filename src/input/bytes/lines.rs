//! Counts the physical lines of a text.

use memchr::memchr_iter;

use crate::input::bytes::dialect::Dialect;
use crate::input::bytes::first_visible;
use crate::input::bytes::format::Format;

/// Counts the line ends in `bytes`: for CSV CR, LF and CRLF, for JSON LF.
pub(crate) fn count_lines(bytes: &[u8], format: Format) -> u64 {
    let line_feeds = memchr_iter(b'\n', bytes).count();
    let lone_returns = match format {
        Format::Ndjson | Format::JsonArray => 0,
        Format::Csv(_) => memchr_iter(b'\r', bytes)
            .filter(|at| bytes.get(at + 1) != Some(&b'\n'))
            .count(),
    };
    (line_feeds + lone_returns) as u64
}

/// Returns the number of the line after the first bytes of an input.
pub(crate) fn line_behind(head: &[u8]) -> u64 {
    1 + count_lines(head, probable_format(head))
}

/// Guesses the format of an input that could not be read far enough to detect it.
fn probable_format(head: &[u8]) -> Format {
    match first_visible(head) {
        Some(b'{' | b'[') => Format::Ndjson,
        _ => Format::Csv(Dialect::COMMA),
    }
}
