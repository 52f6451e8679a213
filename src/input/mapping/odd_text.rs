//! Detects blocks whose values have to be checked for odd characters. One check of a block costs
//! almost nothing; one check of each cell would not.

use memchr::{memchr, memchr3};

use crate::contract::has_odd_text;

/// The size below which a block is always checked closely.
const SMALL_BLOCK_BYTES: usize = 16 << 10;

/// U+007F, the only control character that no format uses and for which JSON has no escape (RFC
/// 8259 §7).
const DELETE: u8 = 0x7f;

/// Whether UTF-8 text contains characters for which its values have to be checked closely, other
/// than control characters below U+0020, which are found where the format is read.
///
/// UTF-8 that was decoded as another encoding is checked for wherever the text contains U+0080 to
/// U+00BF. A large block of such text does: `é`, `ü` and most other letters become a pair with one
/// of those.
pub(crate) fn holds_odd_text(block: &[u8]) -> bool {
    let may_hold_any =
        block.len() < SMALL_BLOCK_BYTES || memchr3(0xc2, 0xef, DELETE, block).is_some();
    may_hold_any && (has_odd_text(block) || memchr(DELETE, block).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_known_by_what_it_holds() {
        let check = |odd: &str, want: bool| {
            for usual in ["", &"1,Zo\u{eb},12 High Street\n".repeat(SMALL_BLOCK_BYTES)] {
                assert_eq!(
                    holds_odd_text(format!("{usual}2,{odd},\n").as_bytes()),
                    want,
                    "{odd:?}"
                );
            }
        };
        for odd in [
            "Zo\u{fffd}",
            "Zo\u{c3}\u{ab}",
            "a\u{85}b",
            "a\u{7f}",
            "don\u{c2}\u{b4}t",
        ] {
            check(odd, true);
        }
        for usual in ["Zo\u{eb}", "5 \u{b0}", "\u{ff11}", "\u{3000}", "\u{20ac}"] {
            check(usual, false);
        }
    }
}
