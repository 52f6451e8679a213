//! The results of earlier processes of a run.

use std::sync::{Arc, OnceLock};

use crate::contract::FieldSet;
use crate::journal::{Checkpoint, EntryReader, Overtakers};

/// The results of earlier processes.
#[derive(Debug)]
pub(crate) struct Earlier {
    /// The rows that are settled.
    pub checkpoint: Arc<Checkpoint>,
    /// The entries of those rows.
    pub entries: EntryReader,
    /// The later rows that overtook rows without an outcome. Set before one of those rows ends.
    pub gaps: Arc<OnceLock<Overtakers>>,
}

impl Earlier {
    /// The fields that later rows of a customer have set in earlier processes.
    pub(super) fn overtaken(&self, customer: u64, row: u64) -> FieldSet {
        self.checkpoint.overtaken(customer, row, self.gaps.get())
    }

    /// Whether a row of this customer failed, or has no outcome though later rows have.
    pub(super) fn watches(&self, customer: u64) -> bool {
        self.checkpoint.overtakers().is_watched(customer)
            || self
                .gaps
                .get()
                .is_some_and(|gaps| gaps.is_watched(customer))
    }
}
