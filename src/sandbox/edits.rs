//! Edits of customers by a third party, such as a clerk with the API's own pages.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::random::SplitMix64;
use super::share::Share;

/// The shares of reads of one customer that meet an edit of that customer. By default there are
/// none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edits {
    /// Edits before the answer is made, which shows them.
    pub before: Share,
    /// Edits right after the answer is made: the client knows an old state.
    pub after: Share,
}

/// An edit by a third party.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The customer's id.
    pub customer: u64,
    /// The field of the request that the edit changed.
    pub field: &'static str,
    /// The field's new value.
    pub value: Value,
    /// The time by this machine's clock.
    pub at: Timestamp,
    /// The number of updates of all customers that were applied before it.
    pub updates_before: u64,
}

/// The third party: the edits so far, and the draw of further ones.
#[derive(Debug)]
pub(super) struct Editor {
    random: SplitMix64,
    edits: Vec<Edit>,
}

impl Editor {
    /// An editor whose draws do not change those of faults and latencies.
    pub(super) fn new(seed: u64) -> Editor {
        /// Separates its draws from those of the same seed.
        const EDITS: u64 = 0x0065_6469_7473;
        Editor {
            random: SplitMix64::new(seed ^ EDITS),
            edits: Vec::new(),
        }
    }

    /// Draws an edit for a share: a text field, and a value that nothing else has.
    pub(super) fn draw(&mut self, share: Share) -> Option<(&'static str, Value)> {
        const FIELDS: [&str; 5] = [
            "first_name",
            "last_name",
            "identity_number",
            "job",
            "address",
        ];
        if !share.hits(&mut self.random) {
            return None;
        }
        let index = usize::try_from(self.random.below(FIELDS.len() as u64)).unwrap_or(0);
        let (n, number) = (self.edits.len() + 1, self.random.next());
        let value = json!(format!("Edit {n} of a third party, {number:016x}"));
        FIELDS.get(index).map(|field| (*field, value))
    }

    pub(super) fn remember(&mut self, edit: Edit) {
        self.edits.push(edit);
    }

    pub(super) fn edits(&self) -> &[Edit] {
        &self.edits
    }
}
