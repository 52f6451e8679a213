//! The failures of a row, and what they mean for its next attempt.

use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

use super::availability::{Counts, DoubtReason};
use super::cause::Cause;
use super::ended::Ending;
use super::moment::Moment;
use super::retry_tokens::Cost;

/// The failures of a row, allocated with the first one: most rows have none, and held rows are
/// moved often.
#[derive(Debug, Default)]
pub(super) struct RowFailures(Option<Box<Failures>>);

/// The failures of the attempts at one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Failures {
    /// Failed attempts that count towards the limit. Those during an outage do not.
    pub(super) counted: u32,
    /// The limit of attempts, by the kind of the last failure.
    pub(super) attempts_max: u32,
    /// All failed attempts and refusals in doubt.
    pub(super) failed: u32,
    /// The time of the last failed answer.
    pub(super) failed_at: Option<Moment>,
    /// The cause of the last failure.
    pub(super) cause: Option<Cause>,
    /// Whether a failed attempt may have been applied.
    pub(super) ambiguous: bool,
    /// The price of the next attempt in retry tokens.
    pub(super) cost: Option<Cost>,
    /// The API's counts before the row's first failure, or before its last second chance.
    pub(super) counts_before: Option<Counts>,
    /// The kind of the next attempt.
    pub(super) next_attempt: AttemptKind,
    /// The number of times it left the rows in doubt for another attempt.
    pub(super) second_chances: u32,
    /// Rechecks in a row, made while no other write could decide.
    pub(super) rechecks: usize,
    /// Answers that asked to wait.
    pub(super) waits: Waits,
    /// Requests that did not reach the API.
    pub(super) not_reached: NotReached,
    /// The reason for the doubt after the last answer.
    pub(super) doubt_reason: Option<DoubtReason>,
    /// The ending of the row if it is at fault for the last answer.
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

/// The kind of a row's next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum AttemptKind {
    /// One that the limit counts.
    #[default]
    Counted,
    /// An extra one, after another row was applied.
    SecondChance,
    /// One that only checks whether the API is back. It uses up no attempt.
    Recheck,
}

/// Requests of a row that did not reach the API, or most likely did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct NotReached {
    /// Requests that the server did not process.
    pub(super) not_processed: u32,
    /// Requests whose reused connection was closed without an answer.
    pub(super) unanswered: u32,
}

/// Answers that asked the row to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Waits {
    /// All of them.
    pub(super) all: u32,
    /// Those with another row applied since the one before.
    pub(super) beside_others: u32,
    /// The time of the last one.
    pub(super) last_at: Option<Moment>,
}
