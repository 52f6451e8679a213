//! Where the bytes that matter stand: 64 are looked at at once, and remembered as bits, since the cells of a row are so short
//! that a search for each from its start would spend its time on starting.

use wide::u8x32;

/// So many bytes are looked at at once: one bit of a word each.
const CHUNK_BYTES: usize = 64;

/// Which bytes are looked for.
pub(super) trait Wanted {
    /// All ones in the place of each byte that is.
    fn among(&self, bytes: u8x32) -> u8x32;
}

/// Quotes.
#[derive(Debug)]
pub(super) struct Quotes;

/// What ends a cell that is not quoted: the delimiter, CR and LF.
#[derive(Debug)]
pub(super) struct CellEnds {
    delimiter: u8x32,
}

/// What is not an ordinary character of a JSON string: a quote, a backslash, or a control character (RFC 8259 §7).
#[derive(Debug)]
pub(super) struct StringStops;

impl CellEnds {
    pub(super) fn of(delimiter: u8) -> CellEnds {
        CellEnds { delimiter: u8x32::splat(delimiter) }
    }
}

impl Wanted for Quotes {
    #[inline]
    fn among(&self, bytes: u8x32) -> u8x32 {
        bytes.simd_eq(u8x32::splat(b'"'))
    }
}

impl Wanted for CellEnds {
    #[inline]
    fn among(&self, bytes: u8x32) -> u8x32 {
        bytes.simd_eq(self.delimiter) | bytes.simd_eq(u8x32::splat(b'\n')) | bytes.simd_eq(u8x32::splat(b'\r'))
    }
}

impl Wanted for StringStops {
    #[inline]
    fn among(&self, bytes: u8x32) -> u8x32 {
        bytes.simd_eq(u8x32::splat(b'"')) | bytes.simd_eq(u8x32::splat(b'\\')) | bytes.simd_lt(u8x32::splat(b' '))
    }
}

/// Looks for bytes, from one place to the next.
#[derive(Debug)]
pub(super) struct Places<'b, W> {
    bytes: &'b [u8],
    wanted: W,
    /// Where the chunk starts that was looked at.
    chunk: usize,
    /// A bit for each of its bytes that is wanted, the first one's lowest.
    found: u64,
}

impl<'b, W: Wanted> Places<'b, W> {
    pub(super) fn of(bytes: &'b [u8], wanted: W) -> Places<'b, W> {
        let mut places = Places { bytes, wanted, chunk: 0, found: 0 };
        places.look_at(0);
        places
    }

    /// The first wanted byte at `from` or behind it; the end where there is none. What was looked at already costs next to
    /// nothing, as long as `from` does not go back.
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
            Some(bytes) => bits(&self.wanted, bytes),
            None => bits_of_last(&self.wanted, rest),
        };
        self.chunk = chunk;
    }
}

#[inline]
fn bits(wanted: &impl Wanted, bytes: &[u8; CHUNK_BYTES]) -> u64 {
    let (halves, _) = bytes.as_chunks();
    let bits = |half: &[u8; 32]| u64::from(wanted.among(u8x32::from(*half)).to_bitmask());
    match halves {
        [low, high] => bits(low) | bits(high) << 32,
        _ => unreachable!("64 bytes are twice 32"),
    }
}

/// The same for less than a chunk.
#[cold]
fn bits_of_last(wanted: &impl Wanted, rest: &[u8]) -> u64 {
    let mut padded = [0; CHUNK_BYTES];
    padded.iter_mut().zip(rest).for_each(|(padded, byte)| *padded = *byte);
    // What pads it is no byte that anybody could want.
    bits(wanted, &padded) & !(u64::MAX << rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all<W: Wanted>(bytes: &[u8], wanted: W) -> Vec<usize> {
        let mut places = Places::of(bytes, wanted);
        let mut found = Vec::new();
        let mut at = places.next(0);
        while at < bytes.len() {
            found.push(at);
            at = places.next(at + 1);
        }
        assert_eq!(places.next(at + 1), bytes.len(), "there is nothing behind the end");
        found
    }

    fn plainly(bytes: &[u8], is_wanted: impl Fn(u8) -> bool) -> Vec<usize> {
        (0..bytes.len()).filter(|at| is_wanted(bytes[*at])).collect()
    }

    proptest! {
        #[test]
        fn each_place_is_found_once(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\"\\\n\r,; \0\x1f".to_vec())], 0..300),
        ) {
            prop_assert_eq!(all(&bytes, Quotes), plainly(&bytes, |byte| byte == b'"'));
            prop_assert_eq!(all(&bytes, CellEnds::of(b';')), plainly(&bytes, |byte| b";\r\n".contains(&byte)));
            prop_assert_eq!(all(&bytes, StringStops), plainly(&bytes, |byte| byte < b' ' || b"\"\\".contains(&byte)));
        }

        #[test]
        fn places_can_be_jumped_over(
            bytes in prop::collection::vec(prop::sample::select(b"\"abc".to_vec()), 0..400),
            places in prop::collection::vec(0_usize..450, 0..20),
        ) {
            let mut quotes = Places::of(&bytes, Quotes);
            for from in places {
                let behind = bytes.get(from..).unwrap_or_default();
                let want = behind.iter().position(|byte| *byte == b'"').map_or(bytes.len(), |place| from + place);
                prop_assert_eq!(quotes.next(from), want);
            }
        }
    }
}
