//! Rows in doubt: each has failed or was refused, and the API or a gateway may be at fault instead. They are held, unsent, until
//! another write tells.

use std::time::Duration;

use super::super::ended::Ending;
use super::super::judge::{AnsweredBy, Refusal};
use super::super::moment::Moment;
use super::super::ticket::Ticket;

/// The most rows in doubt while others leave.
pub(in super::super) const DOUBTS_MAX: usize = 1000;
/// The number of rows from which on it is no chance that they are in doubt together: each is asked about once more.
pub(in super::super) const TOGETHER: usize = 3;
/// The number of held refusals that asks for a control, doubled from time to time.
const CONTROL_FIRST_AT: usize = 10;
/// A refusal that turned out to be wrong makes others doubtful for this long.
const WRONG_LATELY: Duration = Duration::from_mins(1);
/// A row is asked about again after these waits, where no other write can tell.
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
    /// How it ends if the row is at fault; nothing where it has an attempt left.
    pub(in super::super) ending: Option<Ending>,
    /// When its last answer came.
    pub(in super::super) answered_at: Moment,
    /// How often it was asked about again.
    rechecks: usize,
}

/// The subject of a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum DoubtReason {
    /// Its attempts failed.
    Trouble(AnsweredBy),
    /// It was refused in the API's shape.
    Refused(Refusal),
    /// Something else than the API answered.
    NotTheApi,
    /// It was asked to wait, each time.
    Waits,
}

/// The rows in doubt that an applied write tells about.
#[derive(Debug)]
pub(in super::super) struct Decidable {
    /// The rows that it tells about.
    pub(in super::super) doubts: Vec<Doubt>,
    /// How many were in doubt, these included.
    pub(in super::super) in_doubt: usize,
}

/// Rows of which all the answers so far were alike, before the API ever answered as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct FirstAnswers {
    /// Refused rows: 403.
    pub(in super::super) forbidden: usize,
    /// Refused rows: 404.
    pub(in super::super) not_found: usize,
    /// Rows in doubt for another reason.
    pub(in super::super) others: usize,
}

/// The rows in doubt, in the order in which they were last answered.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    held: Vec<Doubt>,
    /// How often a control was asked for, for the number of refusals.
    controls: u32,
    /// When the first of the refusals came that are held without an applied write since.
    refused_since: Option<Moment>,
    /// When a row was applied last that had been refused.
    wrong_at: Option<Moment>,
    /// Whether refusals are the API's own, as nothing else has come for long.
    believed: bool,
}

impl Doubts {
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

    /// Holds a row on that was told about, but not enough.
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

    /// Whether each row was refused in the API's shape, or asked to wait.
    pub(super) fn all_are_api_answers(&self) -> bool {
        self.held
            .iter()
            .all(|doubt| matches!(doubt.reason, DoubtReason::Refused(_) | DoubtReason::Waits))
    }

    /// Whether something else than the API answered each row, and there is one.
    pub(super) fn all_are_foreign(&self) -> bool {
        !self.held.is_empty()
            && self
                .held
                .iter()
                .all(|doubt| doubt.reason == DoubtReason::NotTheApi)
    }

    /// Counts of the rows by their answers.
    pub(super) fn first_answers(&self) -> FirstAnswers {
        let forbidden = self.refused(Refusal::Forbidden);
        let not_found = self.refused(Refusal::NotFound);
        FirstAnswers {
            forbidden,
            not_found,
            others: self.held.len() - forbidden - not_found,
        }
    }

    /// Refused rows, by what the refusal says.
    fn refused(&self, refusal: Refusal) -> usize {
        self.held
            .iter()
            .filter(|doubt| doubt.reason == DoubtReason::Refused(refusal))
            .count()
    }

    /// A write was applied that left at `sent`: takes the rows out whose last answer had come by then.
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

    /// From now on refusals are the API's own, until a write is applied: takes the refused rows out, with how they end.
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

    pub(super) fn believes_refusals(&self) -> bool {
        self.believed
    }

    pub(super) fn refusal_was_wrong(&mut self, now: Moment) {
        self.wrong_at = Some(now);
    }

    pub(super) fn refusals_were_wrong_lately(&self, now: Moment) -> bool {
        self.wrong_at
            .is_some_and(|at| now.since(at) <= WRONG_LATELY)
    }

    /// Whether so many refusals are held that another write should tell: ten, then twenty, forty …
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

    /// The control was sent.
    pub(super) fn control_was_sent(&mut self) {
        if self.need_control() {
            self.controls += 1;
        }
    }

    /// When the first row is to be asked about again.
    pub(super) fn recheck_at(&self) -> Option<Moment> {
        self.held.iter().map(Doubt::recheck_at).min()
    }

    /// Takes the row out that has waited the longest to be asked about again.
    pub(super) fn take_next(&mut self) -> Option<Doubt> {
        let (index, _) = self
            .held
            .iter()
            .enumerate()
            .min_by_key(|(_, doubt)| doubt.recheck_at())?;
        Some(self.held.remove(index))
    }

    pub(super) fn refused_since(&self) -> Option<Moment> {
        self.refused_since.filter(|_| !self.held.is_empty())
    }

    pub(super) fn postpone(&mut self, time: Duration) {
        self.refused_since = self.refused_since.map(|since| since + time);
    }
}

impl Doubt {
    /// When it is to be asked about again, where no other write can tell.
    fn recheck_at(&self) -> Moment {
        let [.., last] = RECHECK_AFTER;
        self.answered_at + RECHECK_AFTER.get(self.rechecks).copied().unwrap_or(last)
    }

    /// How often it will have been asked about, with the next time.
    pub(in super::super) fn next_recheck(&self) -> usize {
        self.rechecks + 1
    }
}
