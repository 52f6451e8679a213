//! Outcomes on their way to the recorder: handed over in groups, for a hand-over wakes a thread; and whose customers wait for
//! them to be written down.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::contract::CustomerId;
use crate::recorder::EndedRow;

/// A group has at most about this many outcomes …
const ROWS_MAX: usize = 256;
/// … and none of them waits longer than this. With the write that follows it stays below the 50 ms that a kill may cost.
const TIME_MAX: Duration = Duration::from_millis(20);

/// Outcomes that the recorder has not written down yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    rows: Vec<EndedRow>,
    /// When the oldest of them came.
    since: Option<Instant>,
    urgency: Urgency,
    /// Whose outcomes were pushed and are not written down yet, oldest first; none for rows that were not sent.
    awaiting: VecDeque<Option<CustomerId>>,
    /// Outcomes that were written down.
    written: u64,
}

/// Whether somebody waits for an outcome to be written down.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// The customer's next row does.
    Urgent,
    /// Nobody.
    #[default]
    None,
}

impl Outbox {
    /// Adds an outcome, of this customer where the row was sent.
    pub(crate) fn push(&mut self, row: EndedRow, customer: Option<CustomerId>, urgency: Urgency) {
        self.rows.push(row);
        self.since.get_or_insert_with(Instant::now);
        self.awaiting.push_back(customer);
        if urgency == Urgency::Urgent {
            self.urgency = Urgency::Urgent;
        }
    }

    /// When the outcomes have to be handed over at the latest.
    pub(crate) fn due_at(&self) -> Option<Instant> {
        self.since.map(|since| since + TIME_MAX)
    }

    /// Takes the group where it is time to hand it over.
    pub(crate) fn take_due(&mut self) -> Option<Vec<EndedRow>> {
        let is_due = self.rows.len() >= ROWS_MAX
            || self.urgency == Urgency::Urgent
            || self.due_at().is_some_and(|at| at <= Instant::now());
        if is_due { self.take() } else { None }
    }

    /// Takes the group, if there is one.
    pub(crate) fn take(&mut self) -> Option<Vec<EndedRow>> {
        self.since = None;
        self.urgency = Urgency::None;
        (!self.rows.is_empty()).then(|| std::mem::take(&mut self.rows))
    }

    /// So many outcomes are written down, over all groups; the customers whose are among the new ones.
    pub(crate) fn written(&mut self, rows: u64) -> impl Iterator<Item = CustomerId> {
        let new = usize::try_from(rows.saturating_sub(self.written)).unwrap_or(usize::MAX).min(self.awaiting.len());
        self.written = rows;
        self.awaiting.drain(..new).flatten()
    }
}
