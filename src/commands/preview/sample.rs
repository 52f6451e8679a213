//! A sample of the customers that an input names.

use std::collections::BinaryHeap;
use std::hash::Hasher as _;
use std::num::NonZeroU32;

use roaring::RoaringTreemap;
use siphasher::sip::SipHasher13;

use crate::preview::{CustomerRows, TemporaryFileError};

/// The customers that are looked at together.
const TOGETHER: usize = 4096;

/// Returns this many of the customers, or all if there are fewer. They are those with the lowest hashes
/// of their ids: spread over the whole input, and the same ones each time.
pub(super) fn of(
    rows: &CustomerRows,
    size: NonZeroU32,
) -> Result<RoaringTreemap, TemporaryFileError> {
    let size = usize::try_from(size.get()).unwrap_or(usize::MAX);
    let mut chosen = BinaryHeap::new();
    let mut after = 0;
    loop {
        let customers = rows.customers_after(after, TOGETHER)?;
        let Some(last) = customers.last() else { break };
        after = last.get();
        for customer in customers {
            chosen.push((hash(customer.get()), customer.get()));
            if chosen.len() > size {
                chosen.pop();
            }
        }
    }
    Ok(chosen.into_iter().map(|(_, customer)| customer).collect())
}

fn hash(customer: u64) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write_u64(customer);
    hasher.finish()
}
