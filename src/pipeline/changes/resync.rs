//! Rows that are sent although the state knows their requests.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The numbers of parts. With more, a customer's turn comes once in three years of nights.
const PARTS: RangeInclusive<u32> = 2..=1_000;

/// The rows that are sent again, beside those that have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resync {
    /// None.
    None,
    /// A part of the customers, which heals drift (`--resync-part`).
    Part {
        /// The part, from 0.
        index: u32,
        /// The number of parts.
        of: u32,
    },
    /// All (`--full-resync`).
    All,
}

/// One part of several, as in `1/30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartOf {
    /// The number of parts: 2 to 1,000.
    pub parts: NonZeroU32,
}

/// The reason for which a text is not a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a part: write 1/N, as in 1/30 for a thirtieth in each run, where N is {} to {}",
    PARTS.start(), PARTS.end()
)]
pub struct PartError {
    text: String,
}

impl FromStr for PartOf {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        let parts = text.strip_prefix("1/").and_then(|parts| parts.parse().ok());
        parts
            .filter(|parts: &NonZeroU32| PARTS.contains(&parts.get()))
            .map(|parts| PartOf { parts })
            .ok_or_else(|| PartError {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for PartOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1/{}", self.parts)
    }
}

impl Resync {
    /// Whether the rows of this customer are sent again.
    pub(crate) fn contains(self, customer: u64) -> bool {
        match self {
            Resync::None => false,
            Resync::Part { index, of } => part_of(customer, of) == index,
            Resync::All => true,
        }
    }
}

/// Returns the part that a customer belongs to. It stays the same in all versions: a state remembers
/// the next part.
fn part_of(customer: u64, parts: u32) -> u32 {
    // SplitMix64 (Steele, Lea, Flood 2014).
    let mut mixed = customer.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    u32::try_from(mixed % u64::from(parts.max(1))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_customer_is_in_one_part_and_parts_are_alike() {
        let sizes = [0, 1, 2].map(|index| {
            let part = Resync::Part { index, of: 3 };
            (1..=3_000).filter(|id| part.contains(*id)).count()
        });
        assert_eq!(sizes.iter().sum::<usize>(), 3_000);
        assert!(
            sizes.iter().all(|size| (900..1_100).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn parts_stay_the_same_in_all_versions() {
        let parts = [1, 2, 3, 1042, u64::MAX].map(|id| part_of(id, 30));
        assert_eq!(parts, [5, 10, 3, 25, 26]);
    }

    #[test]
    fn a_part_is_one_of_several() {
        let parts = |text: &str| text.parse().ok().map(|part: PartOf| part.parts.get());
        assert_eq!(
            ["1/2", "1/30", "1/1000"].map(parts),
            [Some(2), Some(30), Some(1_000)]
        );
        for text in ["1/1", "1/0", "2/30", "30", "1/1001", "1/", " 1/30"] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
