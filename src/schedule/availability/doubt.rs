//! Rows in doubt: each failed or was refused, but the API or a gateway may be at fault. They are
//! held until another write decides.

use std::time::Duration;

use super::super::ended::Ending;
use super::super::judge::{AnsweredBy, Refusal};
use super::super::moment::Moment;
use super::super::ticket::Ticket;

/// The most rows in doubt while other rows leave.
pub(in super::super) const DOUBTS_MAX: usize = 1000;
/// Rows in doubt at the same time that are no coincidence. Each of them gets a second chance.
pub(in super::super) const TOGETHER: usize = 3;
/// Held refusals that need a control. The number doubles with each control.
const CONTROL_FIRST_AT: usize = 10;
/// The time for which a wrong refusal makes other refusals doubtful.
const WRONG_LATELY: Duration = Duration::from_mins(1);
/// The waits before a row is rechecked when no other write can decide.
const RECHECK_AFTER: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// A row in doubt.
#[derive(Debug)]
pub(in super::super) struct Doubt {
    pub(in super::super) ticket: Ticket,
    pub(in super::super) reason: DoubtReason,
    /// The ending if the row is at fault. `None` if it has an attempt left.
    pub(in super::super) ending: Option<Ending>,
    /// The time of its last answer.
    pub(in super::super) answered_at: Moment,
    /// Rechecks so far.
    rechecks: usize,
}

/// The reason for which a row is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum DoubtReason {
    /// Its attempts failed.
    Trouble(AnsweredBy),
    /// It was refused in the API's shape.
    Refused(Refusal),
    /// The answer was not the API's.
    NotTheApi,
    /// It was always asked to wait.
    Waits,
}

/// The rows in doubt that a later applied write makes decidable.
#[derive(Debug)]
pub(in super::super) struct Decidable {
    /// The rows that can be decided.
    pub(in super::super) doubts: Vec<Doubt>,
    /// All rows in doubt, these included.
    pub(in super::super) in_doubt: usize,
}

/// Counts of the rows in doubt by their answers, which show whether the first rows of a run all get
/// the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct FirstAnswers {
    /// Rows refused with 403.
    pub(in super::super) forbidden: usize,
    /// Rows refused with 404.
    pub(in super::super) not_found: usize,
    /// Rows in doubt for another reason.
    pub(in super::super) others: usize,
}

/// The rows in doubt, ordered by their last answers.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    held: Vec<Doubt>,
    /// Controls sent because of the number of refusals.
    controls: u32,
    /// The time of the first held refusal without an applied write since.
    refused_since: Option<Moment>,
    /// The time at which a row that had been refused was last applied.
    wrong_at: Option<Moment>,
    /// Whether refusals count as the API's own, because nothing else has come for long.
    believed: bool,
}

impl Doubts {
    /// Holds a row in doubt.
    pub(super) fn hold(
        &mut self,
        ticket: Ticket,
        reason: DoubtReason,
        ending: Option<Ending>,
        now: Moment,
        rechecks: usize,
    ) {
        if matches!(reason, DoubtReason::Refused(_)) {
            self.refused_since.get_or_insert(now);
        }
        self.held.push(Doubt {
            ticket,
            reason,
            ending,
            answered_at: now,
            rechecks,
        });
    }

    /// Puts back a row that cannot be decided yet.
    pub(super) fn keep(&mut self, doubt: Doubt) {
        self.held.push(doubt);
    }

    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Doubt> {
        self.held.iter()
    }

    /// Whether every row was refused in the API's shape, or asked to wait.
    pub(super) fn all_are_api_answers(&self) -> bool {
        self.held
            .iter()
            .all(|doubt| matches!(doubt.reason, DoubtReason::Refused(_) | DoubtReason::Waits))
    }

    /// Whether there are rows, and every answer was not the API's.
    pub(super) fn all_are_foreign(&self) -> bool {
        !self.held.is_empty()
            && self
                .held
                .iter()
                .all(|doubt| doubt.reason == DoubtReason::NotTheApi)
    }

    /// Counts the rows by their answers.
    pub(super) fn first_answers(&self) -> FirstAnswers {
        let forbidden = self.refused(Refusal::Forbidden);
        let not_found = self.refused(Refusal::NotFound);
        FirstAnswers {
            forbidden,
            not_found,
            others: self.held.len() - forbidden - not_found,
        }
    }

    /// Counts the rows with this refusal.
    fn refused(&self, refusal: Refusal) -> usize {
        self.held
            .iter()
            .filter(|doubt| doubt.reason == DoubtReason::Refused(refusal))
            .count()
    }

    /// Takes the rows whose last answer came before an applied write left at `sent`.
    pub(super) fn answered_before(&mut self, sent: Moment) -> Decidable {
        let in_doubt = self.held.len();
        self.believed = false;
        self.refused_since = self.refused_since.filter(|since| *since > sent);
        if self.held.is_empty() {
            return Decidable {
                doubts: Vec::new(),
                in_doubt,
            };
        }
        let (doubts, held) = std::mem::take(&mut self.held)
            .into_iter()
            .partition(|doubt| doubt.answered_at <= sent);
        self.held = held;
        if self.held.is_empty() {
            self.controls = 0;
        }
        Decidable { doubts, in_doubt }
    }

    /// Counts refusals as the API's own until a write is applied. Returns the refused rows and
    /// their endings.
    pub(super) fn believe_refusals(&mut self) -> Vec<(Ticket, Ending)> {
        self.believed = true;
        self.refused_since = None;
        let is_refused = |doubt: &mut Doubt| {
            matches!(doubt.reason, DoubtReason::Refused(_)) && doubt.ending.is_some()
        };
        let refused = self.held.extract_if(.., is_refused);
        refused
            .filter_map(|doubt| Some((doubt.ticket, doubt.ending?)))
            .collect()
    }

    /// Whether refusals count as the API's own.
    pub(super) fn believes_refusals(&self) -> bool {
        self.believed
    }

    /// Notes that a row was applied that had been refused.
    pub(super) fn refusal_was_wrong(&mut self, now: Moment) {
        self.wrong_at = Some(now);
    }

    /// Whether refusals were wrong in the last minute.
    pub(super) fn refusals_were_wrong_lately(&self, now: Moment) -> bool {
        self.wrong_at
            .is_some_and(|at| now.since(at) <= WRONG_LATELY)
    }

    /// Whether the refusals are so many that another write should decide: ten, then twenty, forty,
    /// and so on.
    pub(super) fn need_control(&self) -> bool {
        let refused = self
            .held
            .iter()
            .filter(|doubt| matches!(doubt.reason, DoubtReason::Refused(_)))
            .count();
        refused
            >= CONTROL_FIRST_AT
                .saturating_mul(1_usize.checked_shl(self.controls).unwrap_or(usize::MAX))
    }

    /// Notes that a control was sent.
    pub(super) fn control_was_sent(&mut self) {
        if self.need_control() {
            self.controls += 1;
        }
    }

    /// The time of the first recheck.
    pub(super) fn recheck_at(&self) -> Option<Moment> {
        self.held.iter().map(Doubt::recheck_at).min()
    }

    /// Takes the row that is to be rechecked first.
    pub(super) fn take_next(&mut self) -> Option<Doubt> {
        let (index, _) = self
            .held
            .iter()
            .enumerate()
            .min_by_key(|(_, doubt)| doubt.recheck_at())?;
        Some(self.held.remove(index))
    }

    /// The time of the first held refusal without an applied write since.
    pub(super) fn refused_since(&self) -> Option<Moment> {
        self.refused_since.filter(|_| !self.held.is_empty())
    }

    /// Excludes time in which the user's own rate held all requests back.
    pub(super) fn postpone(&mut self, time: Duration) {
        self.refused_since = self.refused_since.map(|since| since + time);
    }
}

impl Doubt {
    /// The time of its recheck, if no other write decides before.
    fn recheck_at(&self) -> Moment {
        let [.., last] = RECHECK_AFTER;
        self.answered_at + RECHECK_AFTER.get(self.rechecks).copied().unwrap_or(last)
    }

    /// The number of its next recheck.
    pub(in super::super) fn next_recheck(&self) -> usize {
        self.rechecks + 1
    }
}
