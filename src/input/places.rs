//! Where the bytes of JSON strings stand that matter: 64 are looked at at once, and remembered as bits, since the strings of an
//! object are so short that a search for each one's end from its start would spend its time on starting.

use wide::u8x32;

/// So many bytes are looked at at once: one bit of a word each.
pub(super) const CHUNK_BYTES: usize = 64;

/// Looks for what is not an ordinary character of a JSON string, from one place to the next: a quote, a backslash, or a control
/// character (RFC 8259 §7).
#[derive(Debug)]
pub(super) struct StringStops<'b> {
    bytes: &'b [u8],
    /// Where the chunk starts that was looked at.
    chunk: usize,
    /// A bit for each of its bytes that is one, the first one's lowest.
    found: u64,
}

impl<'b> StringStops<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> StringStops<'b> {
        let mut stops = StringStops { bytes, chunk: 0, found: 0 };
        stops.look_at(0);
        stops
    }

    /// The first one at `from` or behind it; the end where there is none. What was looked at already costs next to nothing, as
    /// long as `from` does not go back.
    #[inline]
    pub(super) fn next(&mut self, mut from: usize) -> usize {
        loop {
            if from >= self.bytes.len() {
                return self.bytes.len();
            }
            if from.wrapping_sub(self.chunk) >= CHUNK_BYTES {
                self.look_at(from);
            }
            let ahead = self.found >> (from - self.chunk);
            if ahead != 0 {
                return from + ahead.trailing_zeros() as usize;
            }
            from = self.chunk + CHUNK_BYTES;
        }
    }

    #[inline]
    fn look_at(&mut self, chunk: usize) {
        let rest = self.bytes.get(chunk..).unwrap_or_default();
        self.found = match rest.first_chunk() {
            Some(bytes) => bits(bytes, are_stops),
            None => bits_of_last(rest),
        };
        self.chunk = chunk;
    }
}

#[inline]
fn are_stops(bytes: u8x32) -> u8x32 {
    bytes.simd_eq(u8x32::splat(b'"')) | bytes.simd_eq(u8x32::splat(b'\\')) | bytes.simd_lt(u8x32::splat(b' '))
}

/// A bit for each byte of a chunk that `are_wanted` answers with all ones.
#[inline]
pub(super) fn bits(chunk: &[u8; CHUNK_BYTES], are_wanted: impl Fn(u8x32) -> u8x32) -> u64 {
    let (halves, _) = chunk.as_chunks();
    let bits = |half: &[u8; 32]| u64::from(are_wanted(u8x32::from(*half)).to_bitmask());
    match halves {
        [low, high] => bits(low) | bits(high) << 32,
        _ => unreachable!("64 bytes are twice 32"),
    }
}

/// The same for less than a chunk.
#[cold]
fn bits_of_last(rest: &[u8]) -> u64 {
    let mut padded = [0; CHUNK_BYTES];
    padded.iter_mut().zip(rest).for_each(|(padded, byte)| *padded = *byte);
    bits(&padded, are_stops) & !(u64::MAX << rest.len())
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
            let mut stops = StringStops::of(&bytes);
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
            let mut stops = StringStops::of(&bytes);
            for from in places {
                let behind = bytes.get(from..).unwrap_or_default();
                let want = behind.iter().position(|byte| is_stop(*byte)).map_or(bytes.len(), |place| from + place);
                prop_assert_eq!(stops.next(from), want);
            }
        }
    }
}
