//! Counts the physical lines of a text.

use memchr::memchr_iter;

use crate::input::bytes::dialect::Dialect;
use crate::input::bytes::first_visible;
use crate::input::bytes::format::Format;

/// How many lines end within `bytes`: of CSV at CR, LF and CRLF, of NDJSON at LF.
pub(crate) fn count_lines(bytes: &[u8], format: Format) -> u64 {
    let line_feeds = memchr_iter(b'\n', bytes).count();
    let lone_returns = match format {
        Format::Ndjson => 0,
        Format::Csv(_) => memchr_iter(b'\r', bytes)
            .filter(|at| bytes.get(at + 1) != Some(&b'\n'))
            .count(),
    };
    (line_feeds + lone_returns) as u64
}

/// The line that is reached behind the first bytes of an input.
pub(crate) fn line_behind(head: &[u8]) -> u64 {
    1 + count_lines(head, probable_format(head))
}

/// What an input probably is that could not be read as far as it takes to know.
fn probable_format(head: &[u8]) -> Format {
    match first_visible(head) {
        Some(b'{') => Format::Ndjson,
        _ => Format::Csv(Dialect::COMMA),
    }
}
