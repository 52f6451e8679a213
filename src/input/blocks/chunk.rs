//! Compares 64 bytes at once, with the widest instructions of the machine. The result is a bit
//! mask.

use fearless_simd::prelude::*;
use fearless_simd::{mask8x64, u8x64};

/// The number of bytes in a chunk: one for each bit of a word.
pub(crate) const CHUNK_BYTES: usize = 64;

/// Returns a mask with a bit for each matching byte of a chunk.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "what is inlined is built for the machine's instructions"
)]
pub(crate) fn bits<S: Simd>(
    simd: S,
    chunk: &[u8; CHUNK_BYTES],
    are_wanted: impl FnOnce(u8x64<S>) -> mask8x64<S>,
) -> u64 {
    are_wanted(u8x64::simd_from(simd, *chunk)).to_bitmask()
}
