//! The state of nightly runs: for each customer, the hash of the request that the API last
//! acknowledged. A run sends the rows whose requests differ from it.
//!
//! The state is one file. Its first block ([`first_block`]) is this module's own, and a redb
//! database of two tables follows ([`pages`]): the entries by customer, and one record about the
//! whole. Three rules keep it small and fast:
//!
//! 1. No read transaction is open while something is written. Pages that a reader may still see
//!    cannot be used again, and the file grows many times over.
//! 2. An edit writes all entries with ascending ids into a new file, which is renamed over the
//!    state. So pages are full, and the file named by the path is always the old state or the new.
//! 3. The cache has 16 MiB, and ids are looked up in ascending order.
//!
//! Only [`State::mark_at_once`] writes into the file itself. While it may, the first block says so,
//! and after a kill redb's own recovery and a count of all entries decide whether the file is whole.
//! At all other times, a checksum over the whole file does, before redb reads a byte.

mod changes;
mod disk;
mod edit;
mod entry;
mod error;
mod first_block;
mod fold;
mod lock;
mod marks;
mod new_file;
mod pages;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use edit::StateEdit;
pub use entry::{Known, RequestHash, StateEntry};
pub use error::StateError;
pub(crate) use fold::{Folded, fold, forget, forget_customers};
pub use lock::StateLock;
pub use record::{Night, ResyncTurn, StateIdentity, StateInfo};
pub use store::State;
