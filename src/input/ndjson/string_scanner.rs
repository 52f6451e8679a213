//! Finds the bytes that end or escape a JSON string, 64 at a time, as a bit mask. One `memchr` per
//! string would cost more in set-up than in searching.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, mask8x64, u8x64};

use crate::input::blocks::chunk::{CHUNK_BYTES, bits};

/// The number of chunks that are searched together: enough to pay for the choice of instructions,
/// few enough to stay in the nearest cache until they are read.
const WINDOW_CHUNKS: usize = 32;

/// Finds the bytes that are not ordinary characters of a JSON string: quotes, backslashes and
/// control characters (RFC 8259 §7).
#[derive(Debug)]
pub(crate) struct StringScanner<'b> {
    bytes: &'b [u8],
    level: Level,
    /// The start of the window that was searched.
    window: usize,
    /// A word for each chunk of the window, with a bit for each byte found, the first one's lowest.
    found: [u64; WINDOW_CHUNKS],
}

impl<'b> StringScanner<'b> {
    pub(crate) fn of(bytes: &'b [u8]) -> StringScanner<'b> {
        let mut stops = StringScanner {
            bytes,
            level: Level::new(),
            window: 0,
            found: [0; WINDOW_CHUNKS],
        };
        stops.look_from(0);
        stops
    }

    /// Returns the first such byte at `from` or after it, or the end if there is none. A search in
    /// the current window costs almost nothing, as long as `from` does not go back.
    #[inline]
    pub(crate) fn next(&mut self, mut from: usize) -> usize {
        loop {
            let place = from.wrapping_sub(self.window);
            match self.found.get(place / CHUNK_BYTES) {
                Some(found) => {
                    let ahead = found >> (place % CHUNK_BYTES);
                    if ahead != 0 {
                        return from + ahead.trailing_zeros() as usize;
                    }
                    from += CHUNK_BYTES - place % CHUNK_BYTES;
                }
                None if from < self.bytes.len() => self.look_from(from),
                None => return self.bytes.len(),
            }
        }
    }

    #[inline(never)]
    fn look_from(&mut self, window: usize) {
        self.window = window;
        let rest = self.bytes.get(window..).unwrap_or_default();
        dispatch!(self.level, simd => look_for_stops(simd, rest, &mut self.found));
        // The end of the block stops any search.
        if let Some(found) = self.found.get_mut(rest.len() / CHUNK_BYTES) {
            *found |= 1 << (rest.len() % CHUNK_BYTES);
        }
    }
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "what is inlined is built for the machine's instructions"
)]
fn look_for_stops<S: Simd>(simd: S, bytes: &[u8], found: &mut [u64; WINDOW_CHUNKS]) {
    let (chunks, rest) = bytes.as_chunks();
    let mut last = [b' '; CHUNK_BYTES];
    last.iter_mut()
        .zip(rest)
        .for_each(|(last, byte)| *last = *byte);
    for (found, chunk) in found.iter_mut().zip(chunks.iter().chain([&last])) {
        *found = bits(simd, chunk, |bytes| are_stops(bytes));
    }
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "what is inlined is built for the machine's instructions"
)]
fn are_stops<S: Simd>(bytes: u8x64<S>) -> mask8x64<S> {
    bytes.simd_eq(b'"') | bytes.simd_eq(b'\\') | bytes.simd_lt(b' ')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_stop(byte: u8) -> bool {
        byte < b' ' || b"\"\\".contains(&byte)
    }

    proptest! {
        #[test]
        fn each_stop_is_found_once(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\"\\\n\r,; \0\x1f".to_vec())], 0..300),
        ) {
            let mut stops = StringScanner::of(&bytes);
            let mut found = Vec::new();
            let mut at = stops.next(0);
            while at < bytes.len() {
                found.push(at);
                at = stops.next(at + 1);
            }
            prop_assert_eq!(stops.next(at + 1), bytes.len(), "there is nothing behind the end");
            prop_assert_eq!(found, (0..bytes.len()).filter(|at| is_stop(bytes[*at])).collect::<Vec<_>>());
        }

        #[test]
        fn stops_can_be_jumped_over(
            bytes in prop::collection::vec(prop::sample::select(b"\"abc".to_vec()), 0..400),
            places in prop::collection::vec(0_usize..450, 0..20),
        ) {
            let mut stops = StringScanner::of(&bytes);
            for from in places {
                let behind = bytes.get(from..).unwrap_or_default();
                let want = behind.iter().position(|byte| is_stop(*byte)).map_or(bytes.len(), |place| from + place);
                prop_assert_eq!(stops.next(from), want);
            }
        }
    }
}
