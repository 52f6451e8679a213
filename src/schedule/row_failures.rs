//! The failures of the attempts at one row.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use super::availability::{Counts, DoubtReason};
use super::cause::Cause;
use super::ended::Ending;
use super::moment::Moment;
use super::retry_tokens::Cost;

/// The failures of a row, kept from the first one on: most rows have none, and are moved often.
#[derive(Debug, Default)]
pub(super) struct RowFailures(Option<Box<Failures>>);

/// The failures of the attempts at one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures {
    /// Failed attempts that count towards the limit: not those of an outage.
    pub(super) counted: u32,
    /// How many of those it has, by the way in which it failed last.
    pub(super) limit: u32,
    /// Failed attempts and refusals in doubt, all of them.
    pub(super) failed: u32,
    /// When the answer to the last of them came.
    pub(super) failed_at: Option<Moment>,
    /// Why it failed.
    pub(super) cause: Option<Cause>,
    /// Whether any attempt may have been applied although it failed.
    pub(super) ambiguous: bool,
    /// The price of the next attempt, for the retry budget.
    pub(super) cost: Option<Cost>,
    /// The state of the API's counts before the row first failed, or since it was last let go.
    pub(super) counts_before: Option<Counts>,
    /// Which kind of attempt the next one is.
    pub(super) next_attempt: AttemptKind,
    /// How often it was let go from among the rows in doubt.
    pub(super) second_chances: u32,
    /// How often it was asked about again while no other write could tell.
    pub(super) rechecks: usize,
    /// Answers that asked to wait: in a row, and those between which other rows were applied.
    pub(super) waits: Waits,
    /// Requests that did not reach the API.
    pub(super) not_reached: NotReached,
    /// The doubt that the last answer leaves.
    pub(super) doubt_reason: Option<DoubtReason>,
    /// How the row ends if it is at fault for the last answer.
    pub(super) ending: Option<Ending>,
}

impl Deref for RowFailures {
    type Target = Failures;

    fn deref(&self) -> &Failures {
        static NONE: LazyLock<Failures> = LazyLock::new(Failures::default);
        self.0.as_deref().unwrap_or_else(|| &NONE)
    }
}

impl DerefMut for RowFailures {
    fn deref_mut(&mut self) -> &mut Failures {
        self.0.get_or_insert_default()
    }
}

/// Which kind of attempt the next one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum AttemptKind {
    /// One of those that the limit counts.
    #[default]
    Counted,
    /// One more, beside a success.
    SecondChance,
    /// One that only asks whether the API is back. It uses up no attempt.
    Recheck,
}

/// Requests of a row that did not reach the API, or most likely did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NotReached {
    /// The server did not process them.
    pub(super) not_processed: u32,
    /// The connection, which had been used before, was closed without an answer.
    pub(super) unanswered: u32,
}

/// Answers that asked the row to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Waits {
    /// All of them.
    pub(super) all: u32,
    /// Those since whose predecessor another row was applied.
    pub(super) beside_others: u32,
    /// When the last one came.
    pub(super) last_at: Option<Moment>,
}
