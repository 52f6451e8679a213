//! Random numbers without a dependency: a seeded generator, so that the same seed draws the same
//! faults, and the token.

use std::hash::{BuildHasher, RandomState};

/// `SplitMix64`: one addition and one mix per number, good enough to draw faults, and reproducible
/// from its seed. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
/// (2014), and Vigna's `splitmix64.c`.
#[derive(Debug, Clone)]
pub(super) struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `bound - 1`, and 0 for a bound of 0. The modulo favours small numbers by
    /// less than `bound` in 2^64, which is negligible.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }
}

/// A bearer token of 128 random bits in hexadecimal, new at each call.
///
/// The bits come from the keys that the operating system gives to the standard library's hash maps.
/// That is no source for real credentials, but enough for a server that only this machine can
/// reach.
pub(crate) fn random_token() -> String {
    let [high, low] = [0, 1].map(|half: u8| RandomState::new().hash_one(half));
    format!("sandbox-{high:016x}{low:016x}")
}

#[cfg(test)]
mod tests {
    use super::{SplitMix64, random_token};

    #[test]
    fn numbers_are_those_of_the_reference_implementation() {
        let mut random = SplitMix64::new(1_234_567);
        let drawn = [random.next(), random.next(), random.next()];
        let reference = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(drawn, reference);
    }

    #[test]
    fn below_keeps_to_its_bound() {
        let mut random = SplitMix64::new(7);
        let mut seen = [false; 3];
        for _ in 0..100 {
            let drawn = usize::try_from(random.below(3)).unwrap();
            seen[drawn] = true;
        }
        assert_eq!(seen, [true; 3]);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(random_token(), random_token());
    }
}
