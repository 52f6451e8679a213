//! The entry of one customer, its value in the file, and the counts over all entries.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// The lowest bit of a value: the customer is absent.
const ABSENT: u64 = 1;

/// 63 bits of the hash of a request, see [`RunKey::request_hash`](crate::journal::RunKey).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestHash(NonZeroU64);

impl From<u64> for RequestHash {
    /// Drops the lowest bit. The one hash that would then be zero becomes 1, since zero means that
    /// nothing is known.
    fn from(hash: u64) -> RequestHash {
        RequestHash(NonZeroU64::new(hash >> 1).unwrap_or(NonZeroU64::MIN))
    }
}

/// The request that the API last acknowledged for a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Not known: something was sent whose outcome is not.
    Unknown,
    /// The request of this hash.
    Request(RequestHash),
}

/// The entry of one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateEntry {
    /// The request that was last acknowledged.
    pub known: Known,
    /// Whether the last export lacked the customer.
    pub is_absent: bool,
}

/// The value of an entry in the file: 63 bits of the request's hash, or zero if it is unknown, and
/// below them a bit that says that the customer is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value(pub(super) u64);

impl Value {
    /// The value of a customer who is present and of whom nothing is known.
    pub(super) const UNKNOWN: Value = Value(0);

    /// Returns the value of a customer who is present.
    pub(super) fn of(known: Known) -> Value {
        match known {
            Known::Unknown => Value::UNKNOWN,
            Known::Request(RequestHash(hash)) => Value(hash.get() << 1),
        }
    }

    /// Returns the value with the mark of an absent customer.
    pub(super) fn absent(self) -> Value {
        Value(self.0 | ABSENT)
    }

    /// Returns the value without the mark of an absent customer.
    pub(super) fn present(self) -> Value {
        Value(self.0 & !ABSENT)
    }

    /// Returns the entry that it stands for.
    pub(super) fn entry(self) -> StateEntry {
        StateEntry {
            known: NonZeroU64::new(self.0 >> 1)
                .map_or(Known::Unknown, |hash| Known::Request(RequestHash(hash))),
            is_absent: self.0 & ABSENT != 0,
        }
    }
}

/// Counts over all entries, and the sum of their fingerprints. They are kept beside the entries, so
/// that a lost or altered entry is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Figures {
    /// The number of entries.
    pub(super) customers: u64,
    /// The number of those of whom nothing is known.
    pub(super) unknown: u64,
    /// The number of those who are absent.
    pub(super) absent: u64,
    /// The sum of their fingerprints, without its overflow.
    sum: u64,
}

impl Figures {
    /// Counts an entry.
    pub(super) fn add(&mut self, id: u64, value: Value) {
        let entry = value.entry();
        self.customers += 1;
        self.unknown += u64::from(entry.known == Known::Unknown);
        self.absent += u64::from(entry.is_absent);
        self.sum = self.sum.wrapping_add(fingerprint(id, value));
    }

    /// Takes back the count of an entry.
    pub(super) fn remove(&mut self, id: u64, value: Value) {
        let entry = value.entry();
        self.customers -= 1;
        self.unknown -= u64::from(entry.known == Known::Unknown);
        self.absent -= u64::from(entry.is_absent);
        self.sum = self.sum.wrapping_sub(fingerprint(id, value));
    }
}

/// Mixes the bits of an entry, by the finaliser of `SplitMix64` over both numbers in turn.
fn fingerprint(id: u64, value: Value) -> u64 {
    mixed(mixed(id.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ value.0)
}

fn mixed(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_entry_again_and_no_hash_is_unknown() {
        for hash in [0, 1, 2, 3, 1 << 63, u64::MAX] {
            let known = Known::Request(RequestHash::from(hash));
            let value = Value::of(known);
            let entry = |is_absent| StateEntry { known, is_absent };
            assert_eq!(value.entry(), entry(false), "{hash}");
            assert_eq!(value.absent().entry(), entry(true), "{hash}");
            assert_ne!(value, Value::UNKNOWN, "{hash}");
        }
        assert_eq!(RequestHash::from(6), RequestHash::from(7));
        assert_ne!(RequestHash::from(6), RequestHash::from(8));
        assert_eq!(
            Value::UNKNOWN.absent().entry(),
            StateEntry {
                known: Known::Unknown,
                is_absent: true
            }
        );
    }

    /// The sum is in the files, so it stays what it is.
    #[test]
    fn an_entry_has_the_same_fingerprint_in_each_version() {
        assert_eq!(fingerprint(1, Value(0)), 0xdce4_23fc_82c0_d5b8);
        assert_eq!(fingerprint(1, Value(1)), 0x5c52_bd40_54e9_58c9);
        assert_eq!(
            fingerprint(0x0123_4567_89ab_cdef, Value(0xfedc_ba98_7654_3210)),
            0xf965_a364_5204_8402
        );
    }

    #[test]
    fn a_customer_who_has_a_row_again_is_as_before_the_mark() {
        for value in [
            Value::UNKNOWN,
            Value::of(Known::Request(RequestHash::from(77))),
        ] {
            assert_eq!(value.absent().present(), value);
            assert_eq!(value.present(), value);
        }
    }

    #[test]
    fn figures_are_those_of_the_entries_that_are_left() {
        let entries = [
            (1, Value::UNKNOWN),
            (2, Value::UNKNOWN.absent()),
            (u64::MAX, Value::of(Known::Request(RequestHash::from(77)))),
        ];
        let mut figures = Figures::default();
        for (id, value) in entries {
            figures.add(id, value);
        }
        assert_eq!(
            (figures.customers, figures.unknown, figures.absent),
            (3, 2, 1)
        );
        let mut swapped = Figures::default();
        swapped.add(1, Value::UNKNOWN.absent());
        swapped.add(2, Value::UNKNOWN);
        figures.remove(entries[2].0, entries[2].1);
        assert_ne!(figures, swapped, "values belong to their ids");
        figures.remove(entries[0].0, entries[0].1);
        figures.remove(entries[1].0, entries[1].1);
        assert_eq!(figures, Figures::default());
    }
}
