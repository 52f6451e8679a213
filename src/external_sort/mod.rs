//! Entries that memory should not hold, sorted by customer in temporary files.
//!
//! Entries come in any order ([`Sorter`]). As many as fit into memory are sorted and written as a run;
//! the runs are merged in one pass ([`Sorter::merge`]), or into a file in which a customer can be
//! looked up ([`Sorter::finish`], [`SortedEntries`]). Each byte is written at most twice, whatever
//! the order of the customers. A database would be written anew with each batch of customers in random
//! order.
//!
//! The files have no name, so a killed process leaves nothing of them.

mod section;
mod sorted_entries;
mod sorter;

use std::io::{self, Read};

pub(crate) use self::section::Section;
pub(crate) use self::sorted_entries::SortedEntries;
pub(crate) use self::sorter::Sorter;

/// The key of an entry: a customer, and a number that orders the customer's entries. No two entries
/// have the same.
pub(crate) type Key = (u64, u64);

/// The bytes of an entry before its content: the customer, the number, and the length of the content.
const HEAD_BYTES: u64 = 20;

/// Appends an entry.
fn encode((customer, number): Key, content: &[u8], to: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(content.len()).map_err(io::Error::other)?;
    to.extend_from_slice(&customer.to_le_bytes());
    to.extend_from_slice(&number.to_le_bytes());
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(content);
    Ok(())
}

/// Reads the next entry: returns its key, and leaves its content in `content`. `None` at the end.
fn read_next(from: &mut impl Read, content: &mut Vec<u8>) -> io::Result<Option<Key>> {
    let (mut customer, mut number, mut length) = ([0; 8], [0; 8], [0; 4]);
    match from.read_exact(&mut customer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    from.read_exact(&mut number)?;
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
    content.resize(length, 0);
    from.read_exact(content)?;
    Ok(Some((
        u64::from_le_bytes(customer),
        u64::from_le_bytes(number),
    )))
}
