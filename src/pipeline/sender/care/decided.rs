//! Decisions about rows, and the verdict about fields that updates leave out.

use super::prepared::Applied;
use crate::schedule::{Decision, Ticket};

/// A row about which is to be decided.
#[derive(Debug, Clone, Copy)]
pub(in crate::pipeline::sender) struct Undecided {
    pub(in crate::pipeline::sender) ticket: Ticket,
    /// Whether the row goes alone.
    pub(in crate::pipeline::sender) is_alone: bool,
    /// Whether an update of the row may have changed the customer already.
    pub(in crate::pipeline::sender) applied: Applied,
}

/// The decision about a row, and what was found out.
#[derive(Debug)]
pub(in crate::pipeline::sender) struct Decided {
    /// The decision; `None` if the row waits for its image to be durable.
    pub(in crate::pipeline::sender) decision: Option<Decision>,
    /// The verdict about fields that are left out, if there is one now.
    pub(in crate::pipeline::sender) verdict: Option<Verdict>,
}

/// The result of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pipeline::sender) enum Verdict {
    /// The API keeps fields that are left out.
    Kept,
    /// The API clears them.
    Lost,
    /// It is not known: customers cannot be read, or none of those that were read showed it.
    Unknown,
}

impl Decided {
    /// This decision, with nothing found out.
    pub(super) fn now(decision: Decision) -> Decided {
        Decided {
            decision: Some(decision),
            verdict: None,
        }
    }

    /// The same, with this verdict.
    pub(super) fn with(self, verdict: Verdict) -> Decided {
        Decided {
            verdict: Some(verdict),
            ..self
        }
    }
}
