//! 64 bytes at once, with the widest instructions that the machine has, as the bits of a word.

use fearless_simd::prelude::*;
use fearless_simd::{mask8x64, u8x64};

/// So many bytes are looked at at once: one bit of a word each.
pub(crate) const CHUNK_BYTES: usize = 64;

/// A bit for each byte of a chunk that is wanted.
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
